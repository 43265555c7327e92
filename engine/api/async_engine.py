"""AsyncEngine: what a user calls. How a task runs is the runner's business; whose turn it is, the line's."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict, TypeVar, Unpack, get_args

from engine.api.task_queries import TaskQueries
from engine.api.workspace import Workspace
from engine.bundles import matching
from engine.errors import BundleNotFound, InvalidRequest
from engine.execution.network import EgressOption, NetworkAccess
from engine.models.base import Model
from engine.storage.spending import DailyCaps
from engine.task import ids, origins, validation
from engine.task.events import OnEvent
from engine.task.schema import OutputSchema
from engine.task.wire import AiMode, IfInterrupted, Limits, TaskRequest, TaskResult
from sandbox.isolation.mechanism import Isolation

if TYPE_CHECKING:
    from engine.bundles import BundleStore
    from engine.storage.tasks import Entered
    from sandbox import PoolOptions

Schema = Mapping[str, Any] | type | None
OnProgress = Callable[[int, int, TaskResult], Awaitable[None] | None]
T = TypeVar("T")


class RunOptions(TypedDict, total=False):
    """What may be asked of a task, beside the task itself; ``AsyncEngine.run`` says what each means."""

    start_url: str | None
    parameters: Mapping[str, Any] | None
    output_schema: Schema
    reuse_key: str | None
    model: str | None
    ai: AiMode
    timeout: float | None
    budget_usd: float | None
    secrets: Collection[str]
    allow_hosts: Collection[str]
    if_interrupted: IfInterrupted
    idempotency_key: str | None


_DEFAULTS = RunOptions(
    start_url=None, parameters=None, output_schema=None, reuse_key=None, model=None, ai="auto", timeout=None,
    budget_usd=None, secrets=(), allow_hosts=(), if_interrupted="fail", idempotency_key=None,
)  # fmt: skip


class AsyncEngine(TaskQueries):
    """Runs web tasks: replays the Python saved under a reuse key; a model writes or mends it where there is need.

    Args:
        store: Directory of everything the engine keeps; made at the first run.
        model: ``"haiku"`` (default), ``"sonnet"``, ``"opus"``, a model id, or a ``Model``. A request's own wins.
        workspace: Name of a separate tree in the store.
        base_url: Address of a Messages API other than the environment's ``ANTHROPIC_BASE_URL``.
        api_key: Key for it; default ``ANTHROPIC_API_KEY``.
        isolation: ``"auto"`` uses the first jail that works here, ``"bubblewrap"`` or ``"landlock"``, or fails;
            ``"none"`` runs generated code unprotected.
        browser: Path of a Chromium; default: Playwright's own, else the system's.
        limits: Caps for every run; a request may change ``timeout`` and ``budget_usd``.
        max_tasks: Most tasks that run at once in the workspace, over all processes; further ones wait.
        max_pending: Most tasks that wait; one more ends at once as ``workspace-rate-limited``.
        usd_per_day: Most dollars for the model on one day (UTC), over all tasks of the workspace.
        key_usd_per_day: The same for each reuse key.
        pool: How many browsers wait for the next run, and for how long; default ``sandbox.PoolOptions()``.
        egress: ``"learned"``: replays reach the start URL's host, its subdomains, and what the runs reached that
            proved the automation; the model's work reaches every public host. ``"public"``: all reach every public
            host. Or a list of hosts, such as ``["example.com", "*.example.com"]``, for all. Private addresses are
            reached only where ``start_url`` or ``allow_hosts`` names them.
        proxy: An HTTP proxy for all connections, ``"http://user:password@host:port"``; default none. Names are
            checked here before it gets them.
        trust_start_urls: Whether a request may name private addresses: by its start URL, and in ``allow_hosts``. False
            where others than the owner of the machine make the requests.
        allow_hosts: Origins with private addresses that every task may reach.
        take_over: Whether it also runs what other engines left; not where it is closed soon, which would cancel that.

    Raises:
        InvalidRequest: An argument is malformed.

    >>> import asyncio
    >>> async def main():
    ...     async with AsyncEngine(store="my-store") as engine:
    ...         result = await engine.run("List the entries", start_url="http://127.0.0.1:9/", ai="never")
    ...         return result.error.reason
    >>> asyncio.run(main())
    'nothing-saved'
    """

    def __init__(
        self,
        *,
        store: str | Path = ".webtasks",
        model: str | Model = "haiku",
        workspace: str = "default",
        base_url: str | None = None,
        api_key: str | None = None,
        isolation: Isolation = "auto",
        browser: str | Path | None = None,
        limits: Limits | None = None,
        max_tasks: int = 10,
        max_pending: int = 1_000,
        usd_per_day: float | None = None,
        key_usd_per_day: float | None = None,
        pool: PoolOptions | None = None,
        egress: EgressOption = "learned",
        proxy: str | None = None,
        trust_start_urls: bool = True,
        allow_hosts: Collection[str] = (),
        take_over: bool = True,
    ) -> None:
        for name, number in (("max_tasks", max_tasks), ("max_pending", max_pending)):
            if not isinstance(number, int) or number < 1:
                raise InvalidRequest(f"{name} must be a whole number from 1, not {number!r}", field=name)
        for name, cap in (("usd_per_day", usd_per_day), ("key_usd_per_day", key_usd_per_day)):
            if cap is not None and not (isinstance(cap, (int, float)) and cap >= 0):
                raise InvalidRequest(f"{name} must be dollars, zero or more, not {cap!r}", field=name)
        if isolation not in get_args(Isolation):
            known = ", ".join(get_args(Isolation))
            raise InvalidRequest(f"isolation must be one of {known}, not {isolation!r}", field="isolation")
        if not workspace or not workspace.replace("-", "").replace("_", "").isalnum() or not workspace.isascii():
            raise InvalidRequest(f"workspace must be letters, digits, - and _, not {workspace!r}", field="workspace")
        self.root = Path(store).expanduser().absolute() / workspace
        self._limits = limits or Limits()
        self._max_pending = max_pending
        self._trust_start_urls = trust_start_urls
        self._allow_hosts = origins.origins(allow_hosts)
        parts = Workspace(
            root=self.root,
            default_model=model,
            base_url=base_url,
            api_key=api_key,
            isolation=isolation,
            browser=browser,
            pool=pool,
            limits=self._limits,
            max_tasks=max_tasks,
            daily_caps=DailyCaps(key=key_usd_per_day, workspace=usd_per_day),
            network=NetworkAccess.parse(egress, proxy),
            take_over=take_over,
        )
        super().__init__(parts)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends every process; the engine is not used after.

        What ``run`` waits for is canceled. A task of ``start`` goes back into the line for another engine, if it has no
        secret parameters, and has not begun or may be run again (``if_interrupted="rerun"``); else it is canceled, too.
        """
        if self._loop is not None and not self._closed:
            self._check_usable()
        self._closed = True
        try:
            await self._workspace.close_scheduler()
        finally:
            try:
                for task in self._running:
                    task.cancel()
                if self._running:
                    await asyncio.wait(self._running)
            finally:
                await self._workspace.close()

    async def open(self) -> None:
        """Runs what stands in the line from now on, without being asked for a task first."""
        self._check_usable()
        await (await self._workspace.scheduler()).open()

    async def drain(self, seconds: float) -> None:
        """Starts no task any more, and gives those that run some time to end; to be closed after."""
        self._check_usable()
        await (await self._workspace.scheduler()).drain(seconds)

    async def warm(self) -> None:
        """Starts a browser ahead of the first run, in the background."""
        self._check_usable()
        await self._workspace.sandbox().warm()

    # Running

    async def start(self, task: str, *, on_event: OnEvent | None = None, **asked: Unpack[RunOptions]) -> str:
        """Puts a task into the line and gives its id at once.

        The task belongs to the store: ``result`` and ``cancel`` work from any process. It runs in this one; when this
        one ends before the task has begun, another engine on the store takes it over, unless it has secret parameters,
        which are never stored.

        Args:
            task: What is to be done, in plain words.
            on_event: Called with each ``Event``, as it happens in this process; may be async.
            asked: As for ``run``.

        Raises:
            InvalidRequest: An argument is malformed; nothing was stored.
        """
        entered = await self._start(*self._request(task, asked), on_event, durable=True)
        return entered.task_id

    async def run(
        self,
        task: str,
        *,
        on_event: OnEvent | None = None,
        wait_timeout: float | None = None,
        poll: float = 5.0,
        **asked: Unpack[RunOptions],
    ) -> TaskResult:
        """Runs one task to its end.

        Args:
            task: What is to be done, in plain words.
            start_url: Where to begin; without one the model decides.
            parameters: Inputs that may change from run to run; JSON.
            output_schema: JSON Schema (draft 2020-12) or pydantic class of the result; inferred where there is none.
            reuse_key: Name of the saved automation; minted (``wtr_…``) where there is none.
            model: ``"haiku"``, ``"sonnet"``, ``"opus"`` or a model id; default: the engine's.
            ai: ``"never"`` replays or fails, at no cost.
            timeout: Seconds from the task's start to its end; default 600. Waiting in the line does not count.
            budget_usd: Most dollars for the model; default 0.50.
            secrets: Parameters whose values no model and no record may see; those called password, token and the
                like are secret anyway.
            allow_hosts: Origins with private addresses, beside the start URL's, that the run may reach.
            if_interrupted: What becomes of the task when the process that runs it dies: ``"fail"``, or ``"rerun"`` by
                another engine, as long as nothing irreversible was let through.
            idempotency_key: A second start with the same one gives the task of the first, and runs nothing.
            on_event: Called with each ``Event``, as it happens; may be async.
            wait_timeout: Seconds until ``TimeoutError`` is raised; the task goes on all the same.
            poll: Seconds between looks at a task that another process runs.

        Returns:
            The final result. A task that failed is a result too: see ``result.error``.

        Raises:
            InvalidRequest: An argument is malformed; nothing was stored.
            StoreError: The store cannot be used; a task that this call put into the line does not run.
            TimeoutError: ``wait_timeout`` ran out.
        """
        request, schema = self._request(task, asked)
        return await self._to_end(request, schema, on_event, wait_timeout, poll)

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
        """Commits what was edited by hand in a bundle's directory, if it passes the gate; no model is asked.

        The edited code runs in a fresh worker and, where it only reads, once more with other parameters. Its output has
        to fit the schema and the contract in the directory. Without success the edits stay as they are.

        Args:
            reuse_key: The bundle.
            parameters: What it is run with, where that is not what a good run had; secret ones are never known.
            other_parameters: What it is run with a second time, likewise.
            start_url, timeout, on_event: As for ``run``.

        Raises:
            BundleNotFound: Nothing is saved under the key.
            InvalidRequest: Parameters are needed, and no good run is known that had some.
        """
        self._check_usable()
        bundle = await asyncio.to_thread(self.bundles.load, reuse_key)
        if bundle is None or bundle.revision is None:
            raise BundleNotFound(f"nothing is saved under the reuse key {reuse_key!r} in {self.root}", key=reuse_key)
        records, meta = await self._workspace.records(), bundle.meta
        _, good = await asyncio.to_thread(records.run_history.clean_runs, bundle.revision.id)
        known, secret = matching.to_adopt(meta, good[0] if good else {}, parameters or {}, other_parameters or {})
        asked = RunOptions(
            reuse_key=reuse_key, parameters=known, start_url=start_url, ai="never", timeout=timeout, secrets=secret
        )
        request, _ = self._request(meta.tasks[-1] if meta.tasks else reuse_key, asked)
        request = request.model_copy(update={"adopt": True, "other_parameters": other_parameters})
        return await self._to_end(request, None, on_event)

    async def repeat(self, task: str, *, repeats: int, **arguments: Any) -> Sequence[TaskResult]:
        """Runs a request several times, each on a fresh key, one after another: for studies of how runs vary.

        Args:
            repeats: How often, from 1.
            arguments: As for ``run``; with a ``reuse_key`` the keys are ``KEY-1``, ``KEY-2`` …
        """
        if not isinstance(repeats, int) or repeats < 1:
            raise InvalidRequest(f"repeats must be a whole number from 1, not {repeats!r}", field="repeats")
        key = arguments.pop("reuse_key", None)
        keys = [f"{key}-{n}" if key else None for n in range(1, repeats + 1)]
        return [await self.run(task, reuse_key=k, **arguments) for k in keys]

    async def map(
        self, requests: Sequence[Mapping[str, Any]], *, on_progress: OnProgress | None = None, **shared: Any
    ) -> Sequence[TaskResult]:
        """Runs many requests, as many at once as the line lets through, and gives their results in the same order.

        Args:
            requests: The arguments of ``run`` for each, ``task`` among them.
            on_progress: Called after each end with the number done, the number of all, and the result; may be async.
            shared: Arguments that all have, unless they say otherwise.

        Raises:
            InvalidRequest: One of them is malformed; the others are canceled.
        """
        room = asyncio.Semaphore(max(1, min(2 * self._workspace.max_tasks, self._max_pending)))
        done = 0

        async def one(request: Mapping[str, Any]) -> TaskResult:
            nonlocal done
            async with room:
                result = await self.run(**{**shared, **request})
            done += 1
            if on_progress is not None:
                answer = on_progress(done, len(requests), result)
                if inspect.isawaitable(answer):
                    await answer
            return result

        try:
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(one(request)) for request in requests]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in running]

    def _request(self, task: str, asked: RunOptions) -> tuple[TaskRequest, OutputSchema | None]:
        given: dict[str, Any] = {**_DEFAULTS, **asked}
        wanted = given.pop("output_schema")
        schema = None if wanted is None else OutputSchema(wanted)
        given["allow_hosts"] = self._reachable(given["allow_hosts"])
        request = validation.build(
            task, output_schema=schema, limits=self._limits, trust_start_url=self._trust_start_urls, **given
        )  # fmt: skip
        return request, schema

    async def _start(
        self, request: TaskRequest, schema: OutputSchema | None, on_event: OnEvent | None, *, durable: bool
    ) -> Entered:
        chosen = self._workspace.model(request.model) if request.ai == "auto" else None
        self._check_usable()
        scheduler = await self._workspace.scheduler()
        job = await self._workspace.job(ids.new_id("wt_"), request, schema, chosen, on_event)
        entered = await scheduler.enter(
            job, job.kept_request, job.created, room=self._max_pending, durable=durable
        )  # fmt: skip
        if entered.new:
            try:
                await job.entered()
            except asyncio.CancelledError:
                await scheduler.cancel(entered.task_id)  # nobody was told its id
                raise
        if entered.result is not None:
            await job.refused(entered.result)
        return entered

    async def _to_end(
        self, request: TaskRequest, schema: OutputSchema | None, on_event: OnEvent | None,
        wait_timeout: float | None = None, poll: float = 5.0,
    ) -> TaskResult:  # fmt: skip
        entered = await self._start(request, schema, on_event, durable=wait_timeout is not None)
        try:
            result = await self._tracked(self._end(entered.task_id, poll), wait_timeout)
        except TimeoutError:
            raise TimeoutError(
                f"task {entered.task_id} goes on after {wait_timeout:g} s; result() tells its end"
            ) from None  # fmt: skip
        except asyncio.CancelledError:
            if entered.new:  # else it is another's
                await (await self._workspace.scheduler()).cancel(entered.task_id)
            raise
        if result.result is not None and schema is not None:
            return result.with_output(schema.construct(result.output))
        return result

    def _reachable(self, asked: Collection[str]) -> Collection[str]:
        """Origins with private addresses that the task may reach, the engine's own among them."""
        if not self._allow_hosts and self._trust_start_urls:
            return asked
        wanted = origins.origins(validation.strings("allow_hosts", asked))
        refused = set(wanted) - set(self._allow_hosts)
        if refused and not self._trust_start_urls:
            raise InvalidRequest(
                f"allow_hosts may name only what this engine allows, not {', '.join(sorted(refused))}",
                field="allow_hosts",
            )
        return (*self._allow_hosts, *wanted)

    # What the store knows

    @property
    def bundles(self) -> BundleStore:
        """The saved automations: history, diff, show, rollback, pin."""
        return self._workspace.bundles
