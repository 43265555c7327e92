"""Replays an automation on a site that changes, and says what became of each change."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from engine.api.async_engine import AsyncEngine
from engine.bundles import BundleStore
from engine.task.text import shorten
from engine.task.wire import Limits, TaskResult
from engine.testing.drift.mutation import Mutation
from engine.testing.drift.proxy import DriftProxy
from engine.testing.drift.reply import Layout

Verdict = Literal["unaffected", "noticed", "repaired", "silently wrong"]


@dataclass(frozen=True)
class Subject:
    """An automation, the site it was written for, and what is right.

    Args:
        name: In reports.
        store: The store that holds its bundle; it is copied, never changed.
        key: Its reuse key.
        task: As it was asked for.
        start_url: Where it begins, on the site as it is.
        parameters: Of every run.
        truth: The right output on the site as it is, known without the automation and asked for after each run;
            without it, what the automation gives there.
        view: What of an output is compared: leave out what differs from run to run, such as paths of files.
        layout: How the site shows its list.
    """

    name: str
    store: Path
    key: str
    task: str
    start_url: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    output_schema: Mapping[str, Any] | None = None
    secrets: tuple[str, ...] = ()
    truth: Callable[[], Any] | None = None
    view: Callable[[Any], Any] = lambda output: output
    layout: Layout = field(default_factory=Layout)


@dataclass(frozen=True)
class Finding:
    """What became of one mutation on one site.

    Args:
        verdict: ``unaffected``: success, with the right output; ``noticed``: a failure; ``repaired``: noticed, and then
            success with the right output by new code; ``silently wrong``: success with any other output.
        reason: Of the failure.
        says: What the failure names, or what is wrong with the output.
        by_contract: Whether the automation itself ended well, and what it gave was refused.
        refused: Whether what was refused was right.
    """

    subject: str
    mutation: Mutation
    verdict: Verdict
    reason: str = ""
    says: str = ""
    by_contract: bool = False
    refused: bool = False


class WrongBaseline(Exception):
    """The automation is not right on the site as it is, so nothing can be said about changes."""


async def measure(
    subject: Subject,
    mutations: Iterable[Mutation],
    *,
    limits: Limits | None = None,
    on_finding: Callable[[Finding], None] | None = None,
) -> list[Finding]:
    """Applies each mutation alone and replays with ``ai="never"``; mutations that change nothing there are left out.

    Args:
        subject: What is replayed.
        mutations: For example ``MUTATIONS``.
        limits: Of each run; a short ``action_timeout`` saves most of the time.
        on_finding: Told each as it comes.

    Raises:
        WrongBaseline: On the unchanged site the output is not the truth, or there is none.
    """
    with tempfile.TemporaryDirectory(prefix="drift-") as folder, DriftProxy(subject.start_url, subject.layout) as proxy:
        replays = _Replays(subject, proxy, Path(folder), limits or Limits(action_timeout=4, timeout=120))
        try:
            truth = await replays.baseline()
            findings = []
            for mutation in mutations:
                if (finding := await replays.judge(mutation, truth)) is not None:
                    findings.append(finding)
                    if on_finding is not None:
                        on_finding(finding)
        finally:
            await replays.close()
    return findings


@dataclass
class _Replays:
    subject: Subject
    proxy: DriftProxy
    folder: Path
    limits: Limits
    _engine: AsyncEngine | None = None
    _copies: int = 0
    _twins: int = 0

    async def baseline(self) -> Any:
        """The right output on the site as it is, which the automation must give there."""
        result = await self._run()
        if not result.ok:
            raise WrongBaseline(f"{self.subject.name} fails on the unchanged site: {result.error}")
        given, truth = self.subject.view(result.output), self._truth(result)
        if given != truth:
            raise WrongBaseline(f"{self.subject.name} is wrong on the unchanged site: {difference(given, truth)}")
        return truth

    def _truth(self, result: TaskResult) -> Any:
        return self.subject.truth() if self.subject.truth is not None else self.subject.view(result.output)

    async def judge(self, mutation: Mutation, truth: Any) -> Finding | None:
        """One replay under the mutation; None where the mutation found nothing to change."""
        self.proxy.mutation = mutation
        try:
            result = await self._run()
            if not self.proxy.changed:
                return None
            right = self.subject.truth() if self.subject.truth is not None else truth
            right = mutation.truth(right, self.subject.layout) if mutation.truth is not None else right
            finding = self._verdict(mutation, result, right)
            if finding.by_contract and result.effect == "none":
                finding = replace(finding, refused=await self._gives_without_contract(right))
        finally:
            self.proxy.mutation = None
        if finding.verdict == "silently wrong" or (result.reuse is not None and result.reuse.updated):
            await self.close()  # what it learnt from this must not count for the next
        return finding

    def _verdict(self, mutation: Mutation, result: TaskResult, right: Any) -> Finding:
        name = self.subject.name
        if result.error is not None:
            details = result.error.details
            problems = [str(problem) for problem in details.get("problems", ())]
            ended_well = "problems" in details and not details.get("traceback")
            says = "; ".join(problems) or result.error.message
            return Finding(name, mutation, "noticed", result.error.reason, says, by_contract=ended_well)
        given = self.subject.view(result.output)
        if given == right:
            return Finding(name, mutation, "unaffected")
        return Finding(name, mutation, "silently wrong", says=difference(given, right))

    async def _gives_without_contract(self, right: Any) -> bool:
        """Whether the automation by itself gives what is right: then it was refused for nothing."""
        self.proxy.mutation = self.proxy.mutation  # from its start, as in the run that was judged
        assert self._engine is not None, "it ran a moment ago"
        self._twins += 1
        key = f"{self.subject.key} without its contract, {self._twins}"  # each time another: it learns, too
        await asyncio.to_thread(_commit_bare, self._engine.bundles, self.subject.key, key)
        result = await self._run(key)
        return result.ok and bool(self.subject.view(result.output) == right)

    async def _run(self, key: str | None = None) -> TaskResult:
        if self._engine is None:
            self._engine = self._open()
        s, path = self.subject, urlsplit(self.subject.start_url)
        return await self._engine.run(
            s.task,
            start_url=self.proxy.url.rstrip("/") + path.path + (f"?{path.query}" if path.query else ""),
            parameters=s.parameters,
            output_schema=s.output_schema,
            reuse_key=key or s.key,
            secrets=s.secrets,
            ai="never",
        )

    def _open(self) -> AsyncEngine:
        self._copies += 1
        store = self.folder / str(self._copies)
        shutil.copytree(self.subject.store, store)
        return AsyncEngine(store=store, limits=self.limits)

    async def close(self) -> None:
        """Ends the engine; the next run gets one with a fresh copy of the store."""
        if self._engine is not None:
            await self._engine.close()
            self._engine = None


def _commit_bare(bundles: BundleStore, key: str, bare_key: str) -> None:
    bundle = bundles.load_active(key)
    assert bundle is not None, "it ran a moment ago"
    meta = bundle.meta.model_copy(update={"reuse_key": bare_key})
    bundles.commit(bare_key, replace(bundle, meta=meta, contract={}, revision=None), subject="Without its contract")


def difference(given: Any, right: Any) -> str:
    """In what an output departs from the right one, in one line."""
    if not (isinstance(given, list) and isinstance(right, list)):
        return f"{_literal(given)} instead of {_literal(right)}"
    if len(given) != len(right):
        return f"{len(given)} rows instead of {len(right)}"
    wrong = [at for at, pair in enumerate(zip(given, right, strict=True)) if pair[0] != pair[1]]
    if sorted(map(repr, given)) == sorted(map(repr, right)):
        return "the rows in another order"
    at = wrong[0]
    return f"{len(wrong)} of {len(right)} rows differ; row {at}: {_literal(given[at])} instead of {_literal(right[at])}"


def _literal(value: Any) -> str:
    return shorten(repr(value), 160)
