"""One task from start to end: replay, then accept, repair or fail. The only policy."""

from __future__ import annotations

import asyncio
import shlex
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace

from engine.aio import to_thread_uncancellable
from engine.bundles import Bundle, BundleStore
from engine.bundles.matching import covers
from engine.diagnosis.failures import Failed, outcome_failure
from engine.errors import BundleOutdated, EngineError
from engine.gate.by_requests import adapted
from engine.gate.verdicts import Promoted
from engine.models.budget import ModelBudget
from engine.runs.acceptance import accept, accept_authored, accept_compiled, accept_edits, widen_contract
from engine.runs.adoption import adopt
from engine.runs.authoring import Assignment, author
from engine.runs.back_off import note_failed_repair, reason_to_wait
from engine.runs.compiling import compile_without_browser
from engine.runs.context import RunContext, Success, without_model
from engine.runs.readout import read_out
from engine.runs.replay import replay
from engine.runs.verdict import Accepted, Drifted, NewData, ParametersAtFault, PassedGate, SiteAtFault
from engine.runs.wording import is_same_task, keep_wording, not_covered, with_parameters, with_text_inputs, with_wording
from engine.task.cause import Cause
from engine.task.origins import trusted_origin
from engine.task.schema import schema_in_force
from engine.task.validation import split_userinfo
from sandbox import Session

_MOST_UNASKED_SECONDS = 60.0  # that a good result waits for a version of its code without a browser
_OF_CLIENTS = frozenset({"bot-wall", "access-denied"})


@dataclass
class Runner:
    """Runs one task; its key's lock and a slot are already held.

    Args:
        context: The request and the parts that serve it.

    Attributes:
        bundle: The saved bundle, once it is loaded; None where there is none.
    """

    context: RunContext
    bundle: Bundle | None = None
    _proposal: Bundle | None = None  # a change of the bundle, to be tried where that does not work
    _given: RunContext = field(init=False)
    _browser: AsyncExitStack = field(default_factory=AsyncExitStack)
    _has_browser: bool = False

    def __post_init__(self) -> None:
        self._given = self.context

    async def run(self) -> Success:
        """Replay, and let the model work only on what code can mend.

        Raises:
            Failed: The task failed; it carries the wire's error, and shows the page where there is one.
        """
        async with AsyncExitStack() as self._browser:
            try:
                return await self._run()
            except Failed as failed:
                raise Failed(await self.context.executor.illustrate(failed.cause)) from failed

    async def _take_browser(self) -> None:
        """Wait for a browser's turn, once in a run; it lasts until the run's end."""
        if not self._has_browser:
            await self._browser.enter_async_context(self.context.browsers)
            self._has_browser = True

    async def _run(self) -> Success:
        context, key = self.context, self.context.request.reuse_key
        async with context.changing:
            bundle, edited, self._proposal = await to_thread_uncancellable(_load, context.store, key)
        self.bundle = bundle
        if bundle is None:
            if not context.request.task:
                raise Failed(await self._nothing_saved())
            self.context = with_text_inputs(context)
            return await self._author(Assignment("explore"))
        if context.request.adopt:
            self._begin(bundle)
            return await self._adopt(bundle)
        if context.request.compile:
            self._begin(self._proposal or bundle)
            return await self._compile(self._proposal or bundle)
        if edited:
            context.warnings.append(
                f"the bundle has edits that are not committed ({', '.join(edited)}); the committed revision ran"
            )
        if self._proposal is not None and self._proposal.revision == bundle.revision:
            return await self._run_proposal()
        return await self._run_saved(bundle)

    async def _run_saved(self, bundle: Bundle) -> Success:
        """Replay the bundle where it covers the request; have it updated where not."""
        self._begin(bundle)
        context, request, saved = self.context, self.context.request, bundle
        if not request.task:
            text = bundle.meta.tasks[-1] if bundle.meta.tasks else request.reuse_key
            request = request.model_copy(update={"task": text})
            context = self.context = replace(context, request=request)
        task = context.redactor.text(request.task)
        coverage = covers(bundle.meta, task, request.parameters, request.output_schema)
        if self._proposal is not None and (coverage.refusal is not None or coverage.changed is not None):
            return await self._run_proposal()
        if coverage.refusal is not None:
            raise Failed(coverage.refusal)
        if coverage.reworded and await is_same_task(context, bundle, task):
            bundle = replace(bundle, meta=with_wording(bundle.meta, task))
            coverage = covers(bundle.meta, task, request.parameters, request.output_schema)
        if coverage.changed is not None:
            if context.budget is None:
                raise Failed(
                    Cause("not-covered", not_covered(coverage.changed, reworded=coverage.reworded), "rejected")
                )
            self.context = with_text_inputs(context)
            trouble = f"it was written for another request: {coverage.changed}"
            return await self._author(Assignment("update", bundle, trouble))
        schema = await asyncio.to_thread(schema_in_force, context.schema, bundle.meta.output_schema)
        context = self.context = with_parameters(replace(context, schema=schema), coverage.named)
        success = await self._replay(bundle)
        only_replayed = bundle is not saved and success.used and not success.updated and not success.continued
        if only_replayed:
            async with context.changing:
                if await self._is_latest(saved):
                    return await keep_wording(context, saved, bundle, success)
        return success

    async def _run_proposal(self) -> Success:
        """Run the change that waits to be taken over, in place of the bundle that it changes."""
        assert self._proposal is not None, "asked for only where there is one"
        self.bundle, self._proposal = self._proposal, None
        told = self._given.store.unpublished(self._given.request.reuse_key)
        if told is not None and told not in self._given.warnings:
            self._given.warnings.append(told)
        self.context = self._given
        return await self._run_saved(self.bundle)

    async def _again(self) -> Success:
        """Run from the start: another run of the key changed the bundle meanwhile."""
        self.context = self._given
        return await self._run()

    async def _is_latest(self, bundle: Bundle | None) -> bool:
        """Return True where the bundle is as this run loaded it."""
        latest = await asyncio.to_thread(self.context.store.active, self.context.request.reuse_key)
        return latest == (bundle.revision if bundle is not None else None)

    def _begin(self, bundle: Bundle) -> None:
        """Open the page where the bundle says, and as it says, if the request does not say."""
        executor = self.context.executor
        executor.browser = self.context.request.browser.over(bundle.meta.browser)
        url, request = bundle.meta.start_url, self.context.request
        if request.start_url is None and url is not None:
            # One that a model chose is reached like any other: its name may lead to a private address by now.
            allowed = () if bundle.meta.start_url_by_model else trusted_origin(request, url)
            clean, login = split_userinfo(url)  # only a bundle of an earlier version, or one edited by hand, has any
            executor.begin_at(clean or url, allow=allowed, http_login=login)

    async def _replay(self, bundle: Bundle) -> Success:
        """Replay until there is a verdict that is not the site's passing fault, and act on it."""
        context, before = self.context, None
        if bundle.kind == "page":
            await self._take_browser()
        while True:
            async with replay(context if self._proposal is None else without_model(context), bundle) as verdict:
                match verdict:
                    case Accepted():
                        success = await accept(context, bundle, verdict)
                        sent = verdict.run.outcome.evidence.state_changing
                        return success if sent else await self._lightened(bundle) or success
                    case NewData() if self._proposal is not None:
                        return await self._run_proposal()
                    case NewData():
                        async with context.changing:
                            if await self._is_latest(bundle):
                                return await widen_contract(context, verdict)
                        return await self._again()
                    case Drifted():
                        return await self._repair(bundle, verdict)
                    case PassedGate():
                        return await read_out(context, verdict, bundle)
                    case SiteAtFault(cause=cause, run=run) if run is not None and cause.mendable:
                        if verdict.place() == before and await self._may_repair():
                            return await self._repair(bundle, Drifted(run, [f"twice in a row, {cause.message}"]))
                        before = verdict.place()
                    case SiteAtFault(cause=cause, run=run) if run is not None and await self._needs_browser(
                        bundle, cause
                    ):
                        return await self._repair(bundle, Drifted(run, [cause.message]), needs_browser=True)
                    case ParametersAtFault(cause=cause) | SiteAtFault(cause=cause):
                        pass
            if not await context.executor.retry_policy.wait(cause):
                raise Failed(cause)

    async def _lightened(self, bundle: Bundle) -> Success | None:
        """Have code that only sends requests run without a browser from now on, once it gave the same on known sets.

        Tried once for each revision, unless the site was in trouble for a moment, and not of code that sends what may
        change something: each trial would send that again. Where the engine compiles unasked, the model rewrites other
        code. None where it stays as it is.
        """
        context, history = self.context, self.context.good_runs.run_history
        budget = context.budget if context.compiles else None
        if bundle.kind == "web" or bundle.meta.effects != "read" or context.request.secrets:
            return None
        if self._proposal is not None:
            return None
        if budget is None and adapted(bundle.automation) is None:
            return None
        tried = f"compile {bundle.committed.id}"
        known = len(await context.good_runs.parameters(bundle))
        if known < min(2, 1 + len(bundle.meta.parameters)) or await context.is_pinned():
            return None
        if await asyncio.to_thread(history.failed_repairs.of, tried) is not None:
            return None
        context.settle()  # the result is good, whatever comes of this: the task's timeout must not take it
        try:
            async with context.changing, context.attempts.attempt("compile") as note:
                async with asyncio.timeout(_MOST_UNASKED_SECONDS):
                    compiled = await compile_without_browser(context, bundle, budget)
                success = await accept_compiled(context, bundle, compiled)
                note.revision = success.revision.id if success.revision is not None else None
        except (EngineError, Failed, TimeoutError) as error:
            passes = budget is None and isinstance(error, Failed) and error.cause.transient
            if not passes:
                await asyncio.to_thread(history.failed_repairs.add, tried, str(error)[:200])
            return None
        return success

    async def _needs_browser(self, bundle: Bundle, cause: Cause) -> bool:
        """Return True where the site turns away what has no browser, so that one may be let in."""
        return bundle.kind == "web" and cause.reason in _OF_CLIENTS and await self._may_repair()

    async def _may_repair(self) -> bool:
        if self._proposal is not None:
            return True
        return self.context.budget is not None and not await self.context.is_pinned()

    async def _repair(self, bundle: Bundle, drifted: Drifted, *, needs_browser: bool = False) -> Success:
        """Have the automation repaired, unless that is forbidden; a repair that was made before is tried first."""
        if self._proposal is not None:
            return await self._run_proposal()
        run = drifted.run
        forbidden = "pinned" if await self.context.is_pinned() else "drift" if self.context.budget is None else None
        if forbidden is not None:
            accept = _how_to_accept(self.context, drifted) if forbidden == "drift" else None
            cause = outcome_failure(drifted.problems, run, reason=forbidden, breaches=drifted.breaches, remedy=accept)
            raise Failed(cause)
        if (wait := await reason_to_wait(self.context, bundle)) is not None:
            cause = outcome_failure(drifted.problems, run, reason="drift", breaches=drifted.breaches, remedy=wait)
            raise Failed(cause)
        try:
            work = Assignment("repair", bundle, drifted.trouble, needs_browser=needs_browser)
            return await self._author(work, run.outcome.session)
        except Failed as failed:
            await note_failed_repair(self.context, bundle, failed.cause)
            raise

    async def _author(self, work: Assignment, session: Session | None = None) -> Success:
        """Have the model write or mend the automation, and publish what passed the gate."""
        context, budget = self.context, self.context.budget
        if budget is None:
            raise Failed(await self._nothing_saved())
        if work.base is not None and await context.is_pinned():
            message = f"{work.trouble}; the bundle is pinned and is not changed; unpin it to allow that"
            raise Failed(Cause("pinned", message))
        await self._take_browser()  # first: who may change the bundle never waits for a browser
        async with context.changing:
            if await self._is_latest(work.base):
                with suppress(BundleOutdated):  # another machine's revision counts, so that one is run
                    return await self._author_alone(work, budget, session)
        return await self._again()

    async def _author_alone(self, work: Assignment, budget: ModelBudget, session: Session | None) -> Success:
        context = self.context
        await to_thread_uncancellable(context.store.check_can_save, context.request.reuse_key)
        async with context.attempts.attempt(work.kind) as note:
            ended = await author(context, budget, work, session)
            if isinstance(ended, Promoted):
                success = await accept_authored(context, work.kind, work.base, ended, work.trouble)
                note.revision = success.revision.id if success.revision is not None else None
                return success
            note.reason = ended.cause.reason
        left_open = ended.run.outcome.session
        try:
            return await read_out(context, ended, work.base)
        finally:
            if left_open is not None:
                await left_open.close()

    async def _nothing_saved(self) -> Cause:
        request = self.context.request
        missing = await asyncio.to_thread(self.context.store.missing, request.reuse_key)
        why = 'with ai="never"' if request.task else "without a task's text"
        return Cause("nothing-saved", f"{missing.message}, and {why} nothing can be written", "rejected")

    async def _compile(self, bundle: Bundle) -> Success:
        """Publish the same without a browser, if it gives the same."""
        context = self.context
        if await context.is_pinned():
            raise Failed(Cause("pinned", "the bundle is pinned and is not changed; unpin it to allow that"))
        async with context.attempts.attempt("compile") as note:
            compiled = await compile_without_browser(context, bundle, context.budget)
            success = await accept_compiled(context, bundle, compiled)
            note.revision = success.revision.id if success.revision is not None else None
        return success

    async def _adopt(self, bundle: Bundle) -> Success:
        """Publish what the user edited, if it passes the gate."""
        context = self.context
        if await context.is_pinned():
            raise Failed(Cause("pinned", "the bundle is pinned and is not changed; unpin it to allow that"))
        async with context.attempts.attempt("adopt") as note:
            success = await accept_edits(context, bundle, await adopt(context, bundle))
            note.revision = success.revision.id if success.revision is not None else None
        return success


def _load(store: BundleStore, key: str) -> tuple[Bundle | None, tuple[str, ...], Bundle | None]:
    """Return the bundle that runs, its files that are edited, and a change that waits to be taken over."""
    return *store.load_to_run(key), store.proposal(key)


def _how_to_accept(context: RunContext, drifted: Drifted) -> str | None:
    """Return what to do about a result that a person may find right; None where there is none."""
    if not drifted.of_result or not drifted.run.outcome.ok or not drifted.run.outcome.evidence.maps:
        return None
    return (
        'if the site has changed, run again with ai="auto" to have the automation repaired; if the result is right,'
        f" accept it: `webtasks accept {shlex.quote(context.request.reuse_key)} {context.task_id}`"
    )
