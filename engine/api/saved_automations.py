"""SavedAutomations, the part of AsyncEngine that works on saved automations, and runs one task to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.aio import to_thread_uncancellable
from engine.api.options import EngineOptions, RunOptions
from engine.api.task_queries import TaskQueries
from engine.api.workspace import Workspace
from engine.task import ids
from engine.task.events import OnEvent
from engine.task.schema import OutputSchema
from engine.task.wire import TaskRequest, TaskResult

if TYPE_CHECKING:
    from engine.bundles import BundleMeta, BundleStore, Revision
    from engine.storage.tasks import Enqueued


class SavedAutomations(TaskQueries):
    """Methods on the saved automations of a store.

    Args:
        options: The engine's.
    """

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        super().__init__(Workspace(options))

    @property
    def bundles(self) -> BundleStore:
        """The saved automations: history, diff, show, rollback, pin."""
        return self._workspace.bundles

    async def adopt(
        self,
        reuse_key: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        other_parameters: Mapping[str, Any] | None = None,
        start_url: str | None = None,
        timeout: float | None = None,
        on_event: OnEvent | None = None,
    ) -> TaskResult:
        """Commit the edits that were made by hand in a bundle's directory, if they pass the gate; no model is called.

        The edited code runs in a fresh worker and, where it only reads, once more with other parameters. Its output has
        to fit the schema and the contract in the directory. Without success the edits stay as they are.

        Args:
            reuse_key: The bundle's key.
            parameters: Parameters of the run; default: those of a good run. Secret ones have to be given.
            other_parameters: Parameters of the second run, likewise.
            start_url, timeout, on_event: As for ``run``.

        Raises:
            BundleNotFound: Nothing is saved under the key.
            InvalidRequest: Parameters are needed, and no good run is known that had some.
        """
        meta, known, secret = await self._known(reuse_key, parameters or {}, other_parameters or {})
        options = RunOptions(
            reuse_key=reuse_key, parameters=known, start_url=start_url, ai="never", timeout=timeout, secrets=secret
        )
        request, _ = self._options.request(meta.tasks[-1] if meta.tasks else reuse_key, options)
        request = request.model_copy(update={"adopt": True, "other_parameters": other_parameters})
        return await self._run_to_end(request, None, on_event)

    async def compile(
        self,
        reuse_key: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        start_url: str | None = None,
        model: str | None = None,
        budget_usd: float | None = None,
        timeout: float | None = None,
        on_event: OnEvent | None = None,
    ) -> TaskResult:
        """Have a saved automation that only reads rewritten so that it needs no browser; the model is asked once.

        Both run with the last five parameter sets that gave rows. Where they give the same, the rewrite is committed as
        a revision of its own, whose message tells time and memory before and after; else nothing changes.

        Args:
            reuse_key: The bundle's key.
            parameters: Parameters of the first of these runs; default: those of a good run. Secret ones have to be
                given.
            start_url, model, budget_usd, timeout, on_event: As for ``run``.

        Raises:
            BundleNotFound: Nothing is saved under the key.
            InvalidRequest: Parameters are needed, and no good run is known that had some.
        """
        meta, known, secret = await self._known(reuse_key, parameters or {}, {})
        options = RunOptions(
            reuse_key=reuse_key, parameters=known, start_url=start_url, model=model, budget_usd=budget_usd,
            timeout=timeout, secrets=secret,
        )  # fmt: skip
        request, _ = self._options.request(meta.tasks[-1] if meta.tasks else reuse_key, options)
        return await self._run_to_end(request.model_copy(update={"compile": True}), None, on_event)

    async def _known(
        self, reuse_key: str, parameters: Mapping[str, Any], other: Mapping[str, Any]
    ) -> tuple[BundleMeta, dict[str, Any], list[str]]:
        """Return what is saved, parameters to run it with, and the names of the secret ones."""
        self._check_usable()
        from engine.bundles.matching import to_adopt  # not at the top: bundles would be half of the import of engine

        bundle = await asyncio.to_thread(self.bundles.load, reuse_key)
        if bundle is None:
            raise await asyncio.to_thread(self.bundles.missing, reuse_key)
        records, meta = await self._workspace.records(), bundle.meta
        good: Sequence[Mapping[str, Any]] = ()
        if bundle.revision is not None:  # else no run has used these files yet
            _, good = await asyncio.to_thread(records.run_history.clean_runs, bundle.revision.id)
        known, secret = to_adopt(meta, good[0] if good else {}, parameters, other)
        return meta, known, secret

    async def accept(self, reuse_key: str, task_id: str | None = None) -> Revision:
        """Accept a result that was refused as drift, or taken with ``trust="lenient"``: a person found it right.

        What departed in it, in the output or in where its values stood, is known from then on; that alone is committed.

        Args:
            reuse_key: The bundle's key.
            task_id: The task; default the last one of the key whose result waits.

        Returns:
            The new revision.

        Raises:
            BundleNotFound: Nothing is saved under the key.
            TaskNotFound: The workspace has no such task.
            InvalidRequest: Nothing waits to be accepted, not for the code that is saved now, or the page itself speaks
                against the result.
        """
        self._check_usable()
        from engine.runs.accepting import accept_result  # not at the top: it would be half of the import of engine

        records = await self._workspace.records()
        root = self._options.root
        return await to_thread_uncancellable(accept_result, root, self.bundles, records, reuse_key, task_id)

    async def _start(
        self, request: TaskRequest, schema: OutputSchema | None, on_event: OnEvent | None, *, durable: bool
    ) -> Enqueued:
        chosen = self._workspace.model(request.model) if request.ai != "never" else None
        self._check_usable()
        scheduler = await self._workspace.scheduler()
        run = await self._workspace.task_run(ids.new_id("wt_"), request, schema, chosen, on_event)
        room = self._options.max_pending
        enqueued = await scheduler.enqueue(run, run.kept_request, run.created, room=room, durable=durable)
        if enqueued.new:
            try:
                await run.entered()
            except asyncio.CancelledError:
                await scheduler.cancel(enqueued.task_id)  # no caller has its id
                raise
        if enqueued.result is not None:
            await run.refused(enqueued.result)
        return enqueued

    async def _run_to_end(
        self, request: TaskRequest, schema: OutputSchema | None, on_event: OnEvent | None,
        wait_timeout: float | None = None, poll: float = 5.0,
    ) -> TaskResult:  # fmt: skip
        enqueued = await self._start(request, schema, on_event, durable=wait_timeout is not None)
        try:
            result = await self._tracked(self._completed(enqueued.task_id, poll), wait_timeout)
        except TimeoutError:
            told = f"task {enqueued.task_id} goes on after {wait_timeout:g} s; result() returns its end"
            raise TimeoutError(told) from None
        except asyncio.CancelledError:
            if enqueued.new:  # else it is another caller's
                await (await self._workspace.scheduler()).cancel(enqueued.task_id)
            raise
        await self._workspace.events_delivered(enqueued.task_id)
        if result.result is not None and schema is not None:
            return result.with_output(schema.construct(result.output))
        return result
