"""AsyncEngine, the engine's asynchronous interface; its other methods are those of ``StudyRuns``."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack, cast, overload

from engine.api.arguments import (
    MapArguments,
    RunArguments,
    StartArguments,
    TypedMapArguments,
    TypedRunArguments,
    check_names,
    pop_key,
    pop_on_event,
    pop_wait,
    takes,
)
from engine.api.many import OnProgress, map_requests
from engine.api.options import EngineOptions, Progress, RunOptions, TaskOptions
from engine.api.study_runs import StudyRuns
from engine.api.typed_tasks import OF_EACH_CALL, AsyncTypedTask, DecoratesAsync, describe, named_options
from engine.cassettes.options import CassetteOptions
from engine.errors import InvalidRequest
from engine.execution.network import EgressOption
from engine.models.base import Model
from engine.task.events import OnEvent
from engine.task.schema import OutputSchema
from engine.task.wire import AiMode, CompileMode, Limits, TaskRequest, TaskResult
from sandbox.isolation.mechanism import Isolation

if TYPE_CHECKING:
    from engine.bundles import PlainBundles
    from sandbox import PerHost, PoolOptions

Requests = Sequence[Mapping[str, Any]]
S = TypeVar("S")


class AsyncEngine(StudyRuns):
    """An engine that runs web tasks: it replays the Python saved under a reuse key; a model writes or repairs it.

    It belongs to the event loop of its first call. Close it, or use it as a context manager: it leaves no process
    behind. One that nothing refers to any more closes by itself. The constructor starts nothing and writes nothing.

    Args:
        store: Directory of everything the engine keeps; made at the first run. Default ``.webtasks``.
        bundles: Directory with automations as plain files, such as ``webtasks bundles export --plain`` writes, in a git
            repository of your own: runs use what is committed there, and repairs wait in the store as proposals, until
            ``webtasks bundles diff KEY --patch`` brings them there. Default none: all are in the store alone.
        model: ``"haiku"`` (default), ``"sonnet"``, ``"opus"``, a model id, or a ``Model``. A request may name another.
        workspace: Name of a separate tree in the store: letters, digits, ``-`` and ``_``.
        base_url: Address of a Messages API; default: the environment's ``ANTHROPIC_BASE_URL``, else Anthropic's.
        api_key: Key for it; default ``ANTHROPIC_API_KEY``.
        window: Tokens of the context window of a local model; default: asked of its server, where that tells.
        isolation: ``"auto"`` (default) uses the first jail that works here, and fails where none does;
            ``"bubblewrap"`` or ``"landlock"`` names one; ``"none"`` runs generated code unprotected.
        browser: Path of a Chromium; default: Playwright's own, else the system's.
        limits: Limits of every run; a request may change ``timeout`` and ``budget_usd``.
        max_tasks: Most tasks that run at once in the workspace, over all processes; further ones wait.
        max_web_tasks: The same for replays without a browser of what only reads, apart from the others; default 8 for
            each processor. Of one key, too, several run at once.
        max_pending: Most tasks that wait; one more ends at once as ``workspace-rate-limited``.
        usd_per_day: Most dollars for the model on one day (UTC), over all tasks of the workspace; default no cap.
        key_usd_per_day: The same for each reuse key.
        pool: The number of browsers kept ready, and for how long; default ``sandbox.PoolOptions()``.
        per_host: The most requests at once that one host gets of all replays without a browser; default 4, or a
            ``sandbox.PerHost(at_once=4, per_second=10)``, which bounds their rate, too.
        compile: ``"auto"`` has the model rewrite automations that only read, once for each, so that they need no
            browser; see ``compile``. Default ``"never"``: only on demand.
        egress: ``"learned"`` (default): replays reach the start URL's host, its subdomains, and the hosts that the
            runs reached that proved the automation; the model's work reaches every public host. ``"public"``: all
            reach every public host. Or a list of hosts, such as ``["example.com", "*.example.com"]``, for all.
            Private addresses are reached only where ``start_url`` or ``allow_hosts`` names them.
        proxy: An HTTP proxy for all connections, ``"http://user:password@host:port"``; default none. Names are
            resolved and checked here before the proxy gets them.
        trust_start_urls: True (default) lets a request name private addresses, by its start URL and in
            ``allow_hosts``. Use False where others than the machine's owner make the requests.
        allow_hosts: Origins with private addresses that every task may reach.
        take_over: True (default) also runs tasks that other engines left. Use False for an engine that is closed
            soon, which would cancel them.
        keep_pictures: True (default) keeps small pictures of the pages that a model works on, and of failures, for
            reports: at most 3 MB a task, for seven days, none on which a secret may be legible.
        trace: True keeps Playwright's own trace of each run in a browser, for ``playwright show-trace``: at most 32 MB
            each, for seven days; ``run`` can say otherwise for a task. Tasks with secrets are refused then.
        ai: What requests mean that do not say ``ai``: ``"auto"`` (default), ``"never"`` or ``"insist"``; see ``run``.
        progress: ``"auto"`` keeps a line of what happens up to date, in a terminal on standard error, in a notebook
            under the cell, and nowhere else; default None shows nothing.
        record: Path of a cassette, ``.wtrec``, that takes all that comes from outside: what sites and the model answer.
            It is written when the engine is closed. Default none.
        replay: Path of a cassette that all comes from, with no network at all; what it does not have fails the task
            as ``not-recorded``. Default none.
        cassette: A ``CassetteOptions``, of what a replay does not compare; default: it compares all.

    Raises:
        InvalidRequest: An argument is malformed; ``details["field"]`` names it.

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
        bundles: str | Path | PlainBundles | None = None,
        model: str | Model = "haiku",
        workspace: str = "default",
        base_url: str | None = None,
        api_key: str | None = None,
        window: int | None = None,
        isolation: Isolation = "auto",
        browser: str | Path | None = None,
        limits: Limits | None = None,
        max_tasks: int = 10,
        max_web_tasks: int | None = None,
        max_pending: int = 1_000,
        usd_per_day: float | None = None,
        key_usd_per_day: float | None = None,
        pool: PoolOptions | None = None,
        per_host: PerHost | int | None = None,
        compile: CompileMode = "never",  # noqa: A002  as the method
        egress: EgressOption = "learned",
        proxy: str | None = None,
        trust_start_urls: bool = True,
        allow_hosts: Collection[str] = (),
        take_over: bool = True,
        keep_pictures: bool = True,
        trace: bool = False,
        progress: Progress = None,
        ai: AiMode = "auto",
        record: str | Path | None = None,
        replay: str | Path | None = None,
        cassette: CassetteOptions | None = None,
    ) -> None:
        options = EngineOptions.parse(
            store=store, bundles=bundles, model=model, workspace=workspace, base_url=base_url, api_key=api_key,
            window=window, isolation=isolation, browser=browser, limits=limits, max_tasks=max_tasks,
            max_web_tasks=max_web_tasks, max_pending=max_pending, usd_per_day=usd_per_day,
            key_usd_per_day=key_usd_per_day, pool=pool, per_host=per_host, compile=compile, egress=egress, proxy=proxy,
            trust_start_urls=trust_start_urls, allow_hosts=allow_hosts, take_over=take_over,
            keep_pictures=keep_pictures, trace=trace, progress=progress, record=record, replay=replay,
            cassette=cassette, ai=ai,
        )  # fmt: skip
        self.root = options.root
        super().__init__(options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End every process; the engine cannot be used after.

        Tasks that ``run`` waits for are canceled. A task of ``start`` goes back into the queue for another engine if it
        has no secret parameters, and has not begun or may run again (``if_interrupted="rerun"``); else it is canceled,
        too. May be called twice.
        """
        if self._loop is not None and not self._closed:
            self._check_usable()
        self._mark_closed()
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
        if self._forget_loop is not None:
            self._forget_loop()

    async def open(self) -> None:
        """Start running the tasks in the queue now, without waiting for a task of this engine.

        Raises:
            EngineError: The engine is closed.
            StoreError: The store cannot be used.
        """
        self._check_usable()
        await (await self._workspace.scheduler()).open()

    async def drain(self, seconds: float) -> None:
        """Start no further task, and give those that run this many seconds to end; close the engine then."""
        self._check_usable()
        await (await self._workspace.scheduler()).drain(seconds)

    async def warm(self) -> None:
        """Start a browser ahead of the first run, in the background."""
        self._check_usable()
        await self._workspace.sandbox().warm()

    # Running

    @takes(TaskOptions, without=OF_EACH_CALL)
    def task(
        self, text: str | None = None, *, key: str | None = None, **options: Unpack[TaskOptions]
    ) -> DecoratesAsync:
        """Return a decorator that makes an async web task of a function's signature, whether that is async or not.

        Of the function's body only the docstring counts.

        Args:
            text: The task in plain words; default: the function's docstring.
            key: The reuse key; default: the function's name.
            options: Further arguments of ``run``, for every call.

        Raises:
            InvalidRequest: There is no text, or a type that JSON cannot hold; raised where the function is decorated.
        """
        given = named_options(key, options)
        return lambda function: AsyncTypedTask(self.run, describe(function, text, given))

    @takes(StartArguments)
    async def start(self, task: str | None = None, **arguments: Unpack[StartArguments]) -> str:
        """Put a task into the queue and return its id at once.

        The task belongs to the store: ``result`` and ``cancel`` work from any process. It runs in this one; when this
        one ends before the task has begun, another engine on the store takes it over, unless it has secret parameters,
        which are never stored.

        Args:
            task: The task in plain words; None replays the automation of ``reuse_key`` for the task it was written for.
            on_event: Called with each ``Event``, as it happens in this process; may be async.
            arguments: As for ``run``.

        Returns:
            The task's id, ``wt_…``.

        Raises:
            InvalidRequest: An argument is malformed; nothing was stored.
            StoreError: The store cannot be used.

        >>> import asyncio
        >>> async def main():
        ...     async with AsyncEngine(store="my-store") as engine:
        ...         task_id = await engine.start("List the entries", start_url="http://127.0.0.1:9/", ai="never")
        ...         (result,) = await engine.wait([task_id])
        ...         return result.status
        >>> asyncio.run(main())
        'completed'
        """
        request, schema, on_event = await self._request("start", task, dict(arguments), StartArguments)
        enqueued = await self._start(request, schema, on_event, durable=True)
        return enqueued.task_id

    @overload
    async def run(self, task: str | None = None, **arguments: Unpack[TypedRunArguments[S]]) -> TaskResult[S]: ...
    @overload
    async def run(self, task: str | None = None, **arguments: Unpack[RunArguments]) -> TaskResult[Any]: ...
    @takes(RunArguments)
    async def run(self, task: str | None = None, **arguments: Any) -> TaskResult[Any]:
        """Run one task to its end.

        Args:
            task: The task in plain words; None replays the automation of ``reuse_key`` for the task it was written for.
            start_url: An http or https URL to begin at; without one the model decides.
            parameters: Inputs that may change from run to run; JSON. Default none.
            output_schema: JSON Schema (draft 2020-12) or pydantic class of the result; default: inferred.
            reuse_key: Name of the saved automation, 1 to 1000 characters; default: a new one, ``wtr_…``.
            key: The same as ``reuse_key``, for short.
            model: ``"haiku"``, ``"sonnet"``, ``"opus"`` or a model id; default: the engine's.
            ai: ``"auto"``; ``"never"`` replays or fails, at no cost; ``"insist"`` repairs even where a repair of the
                same revision failed lately; default: the engine's.
            timeout: Seconds from the task's start to its end; default 600. Waiting in the queue does not count.
            budget_usd: Most dollars for the model; default 0.50.
            secrets: Parameters whose values no model and no record may see; those called password, token and the
                like are secret anyway.
            allow_hosts: Origins with private addresses, beside the start URL's, that the run may reach.
            browser: ``BrowserOptions`` (user agent, locale, time zone, viewport, headers), which are saved with the
                automation; default: those saved with it.
            trust: ``"strict"`` (default) has the model asked whether a result is right that departs from earlier ones
                in words or numbers, and fails without a model; ``"lenient"`` returns it with a warning.
            provenance: ``"full"`` keeps what the run read, for ``result.provenance``; default: only of first runs,
                repairs and failures.
            trace: True keeps Playwright's own trace of each run in a browser, beside the report; not with secrets,
                which it would hold. Default: the engine's.
            if_interrupted: When the process that runs the task dies, the task ends as failed (``"fail"``, default), or
                another engine runs it again (``"rerun"``), as long as no irreversible action was let through.
            idempotency_key: A second call with the same key returns the task of the first, and runs nothing.
            on_event: Called with each ``Event``, as it happens; may be async. It runs beside the task, which does not
                wait for it: one that is slow loses the oldest events, and ``events.dropped`` tells it how many.
            wait_timeout: Seconds until ``TimeoutError`` is raised; the task goes on all the same. Default: no limit.
            poll: Seconds between checks of a task that another process runs.

        Returns:
            The final result. A task that failed is a result too: see ``result.error``.

        Raises:
            InvalidRequest: An argument is malformed; nothing was stored.
            StoreError: The store cannot be used; a task that this call put into the queue does not run.
            TimeoutError: ``wait_timeout`` ran out.

        >>> import asyncio
        >>> async def main():
        ...     async with AsyncEngine(store="my-store") as engine:
        ...         return await engine.run("List the entries", start_url="http://127.0.0.1:9/", ai="never")
        >>> asyncio.run(main()).outcome
        'failed'
        """
        wait_timeout, poll = pop_wait(arguments)
        request, schema, on_event = await self._request("run", task, arguments, RunArguments)
        return await self._run_to_end(request, schema, on_event, wait_timeout, poll)

    async def _request(
        self, method: str, task: str | None, arguments: dict[str, Any], known: type
    ) -> tuple[TaskRequest, OutputSchema | None, OnEvent | None]:
        check_names(method, arguments, ("task", *known.__annotations__))
        on_event = pop_on_event(arguments)
        arguments["reuse_key"] = pop_key(arguments)
        request, schema = await self._options.checked_request(task, cast(RunOptions, arguments))
        return request, schema, on_event

    @overload
    async def repeat(
        self, task: str, *, repeats: int, **arguments: Unpack[TypedRunArguments[S]]
    ) -> Sequence[TaskResult[S]]: ...
    @overload
    async def repeat(self, task: str, *, repeats: int, **arguments: Unpack[RunArguments]) -> Sequence[TaskResult]: ...
    @takes(RunArguments)
    async def repeat(self, task: str, *, repeats: int, **arguments: Any) -> Sequence[TaskResult]:
        """Run a request several times, each on a fresh key, one after another: for studies of how runs vary.

        Args:
            repeats: Number of runs, from 1.
            arguments: As for ``run``; with a ``reuse_key`` the keys are ``KEY-1``, ``KEY-2`` …

        Raises:
            InvalidRequest: An argument is malformed.
        """
        check_names("repeat", arguments, RunArguments.__annotations__)
        if not isinstance(repeats, int) or repeats < 1:
            raise InvalidRequest(f"repeats must be a whole number from 1, not {repeats!r}", field="repeats")
        key = pop_key(arguments)
        keys = [f"{key}-{n}" if key else None for n in range(1, repeats + 1)]
        return [await self.run(task, reuse_key=k, **arguments) for k in keys]

    @overload
    async def map(
        self, requests: Requests, *, on_progress: OnProgress | None = None, **shared: Unpack[TypedMapArguments[S]]
    ) -> Sequence[TaskResult[S]]: ...
    @overload
    async def map(
        self, requests: Requests, *, on_progress: OnProgress | None = None, **shared: Unpack[MapArguments]
    ) -> Sequence[TaskResult]: ...
    @takes(MapArguments)
    async def map(
        self, requests: Requests, *, on_progress: OnProgress | None = None, **shared: Any
    ) -> Sequence[TaskResult]:
        """Run many requests, as many at once as ``max_tasks`` and ``max_web_tasks`` allow; return results in order.

        Args:
            requests: The arguments of ``run`` for each, ``task`` among them.
            on_progress: Called after each end with the number done, the number of all, and the result; may be async.
            shared: Arguments of all requests; a request's own win.

        Raises:
            InvalidRequest: One of them is malformed; the others are canceled.
        """
        options = self._options
        at_once = max(1, min(2 * (options.max_tasks + options.max_web_tasks), options.max_pending))
        known = MapArguments.__annotations__
        return await map_requests(self.run, requests, shared, known, at_once, on_progress)
