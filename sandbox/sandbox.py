"""The sandbox: workers, started ahead of need, each for one job."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args

from sandbox import shapes
from sandbox.browser import Browser, find_browser
from sandbox.client import WorkerClient
from sandbox.errors import SandboxError, SandboxLimitExceeded, SandboxUnavailable, WorkerDied
from sandbox.host import Host
from sandbox.jail import Mechanism, require
from sandbox.limits import Egress, Limits
from sandbox.orphans import sweep
from sandbox.protocol import ProtocolError, parse_json
from sandbox.results import Automation, Outcome
from sandbox.session import Session

logger = logging.getLogger(__name__)

Isolation = Literal["auto", "bubblewrap", "landlock", "none"]


class Sandbox:
    """Runs automations in jails with Python and a browser inside.

    Use it from one event loop, as an async context manager. The first run starts a worker; after it, blank
    workers are started in
    the background, so that the next run finds one ready.

    Args:
        isolation: ``"bubblewrap"`` and ``"landlock"``: that jail, or `SandboxUnavailable`. ``"auto"``: the first of
            these that works here; `probe` says which, and what it protects. ``"none"``: plain subprocesses, without any
            protection; only for code that you wrote yourself.
        browser: Path or name of a Chromium; default: WEBTASKS_BROWSER, Playwright's own, the system's.
        limits: For all runs that name none.
        spare_workers: Blank workers to keep ready.

    Raises:
        SandboxUnavailable: No jail works here, or there is no browser. Raised at the first use.

    >>> import asyncio
    >>> async def main():
    ...     code = "async def run(page, parameters, task): return parameters['n'] + 1"
    ...     async with Sandbox() as sandbox:
    ...         return await sandbox.run(Automation(code), {"n": 1}, start_url=None, egress=Egress(), host=Host())
    >>> asyncio.run(main()).value
    2
    """

    def __init__(
        self,
        *,
        isolation: Isolation = "auto",
        browser: str | Path | None = None,
        limits: Limits = Limits(),  # noqa: B008  frozen
        spare_workers: int = 1,
    ) -> None:
        if isolation not in get_args(Isolation):
            raise ValueError(f"isolation is one of {', '.join(get_args(Isolation))}, not {isolation!r}")
        self._mechanisms: tuple[Mechanism, ...] = ("bubblewrap", "landlock") if isolation == "auto" else (isolation,)
        if isolation == "none":
            logger.warning("isolation='none': automations run as you, without any protection")
        self._browser_setting = browser
        self._limits = limits
        self._spare_workers = spare_workers
        self._chromium_sandbox = True
        self._spares: list[WorkerClient] = []
        self._clients: set[WorkerClient] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refill: asyncio.Task[None] | None = None
        self._closed = False
        self._swept = False

    async def __aenter__(self) -> Sandbox:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End all workers, and wait until no process of them is left."""
        self._closed = True
        if self._refill is not None:
            self._refill.cancel()
            await asyncio.gather(self._refill, return_exceptions=True)
        self._spares.clear()
        await asyncio.gather(*(client.close() for client in list(self._clients)))
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def warm(self) -> None:
        """Start a spare worker in the background."""
        self._check_open()
        self._start_refill()

    async def run(
        self,
        automation: Automation,
        parameters: dict[str, Any],
        *,
        start_url: str | None,
        egress: Egress,
        host: Host,
        limits: Limits | None = None,
        keep_open: bool = False,
    ) -> Outcome:
        """Run an automation in a fresh worker.

        Args:
            automation: The code.
            parameters: Its parameters: JSON.
            start_url: Where the page is opened; None leaves it blank.
            egress: What may be reached.
            host: Takes the automation's calls.
            limits: Default the sandbox's.
            keep_open: Leave the worker open, as ``outcome.session``, whether the automation failed or not.

        Returns:
            The outcome; a failing automation is an outcome, too.

        Raises:
            SandboxUnavailable: No jail or no browser.
            SandboxLimitExceeded: A limit was passed.
            WorkerDied: The worker ended.
            Exception: What a callback of the host raised, other than `AskRefused` and `SandboxError`.
        """
        started = time.perf_counter()
        client = await self._take(limits or self._limits)
        kept = False
        try:
            await client.bind(host, egress, limits or self._limits, automation)
            answer = await client.call(
                "run",
                client.limits.wall_seconds,
                code=automation.code,
                name=automation.name,
                parameters=parameters,
                start_url=start_url,
                pages=client.limits.pages,
                action_seconds=client.limits.action_seconds,
                output_bytes=client.limits.output_bytes,
            )
            outcome = self._outcome(client, answer, started, keep_open=keep_open)
            kept = keep_open
        finally:
            if not kept:
                self._discard(client)
            self._start_refill()
        return outcome

    async def open_session(
        self,
        parameters: dict[str, Any],
        *,
        start_url: str | None,
        egress: Egress,
        host: Host,
        limits: Limits | None = None,
    ) -> Session:
        """Open a page in a fresh worker, for exploration. Arguments and errors as for `run`."""
        client = await self._take(limits or self._limits)
        try:
            await client.bind(host, egress, limits or self._limits, None)
            answer = await client.call(
                "open",
                client.limits.wall_seconds,
                parameters=parameters,
                start_url=start_url,
                pages=client.limits.pages,
                action_seconds=client.limits.action_seconds,
                output_bytes=client.limits.output_bytes,
            )
            session = Session(client, self._checked(client, shapes.script_error, answer), self._clients.discard)
        except BaseException:
            self._discard(client)
            raise
        self._start_refill()
        return session

    def _outcome(self, client: WorkerClient, answer: Any, started: float, *, keep_open: bool) -> Outcome:
        try:
            error = shapes.script_error(answer["error"])
            evidence = shapes.evidence(answer["evidence"], client.proxy)
            value = None
            if error is None:
                text = str(answer["value"]).encode()
                if len(text) > client.limits.output_bytes:
                    raise SandboxLimitExceeded("output_bytes", client.limits.output_bytes)
                value = parse_json(text)
        except (ProtocolError, KeyError, TypeError, UnicodeError) as problem:
            self._out_of_turn(client, problem)
        if error is not None and "No space left on device" in error.message:
            raise SandboxLimitExceeded("scratch_mb", client.limits.scratch_mb)
        usage = client.measure()
        return Outcome(
            ok=error is None,
            value=value,
            error=error,
            evidence=evidence,
            logs=tuple(client.logs),
            seconds=time.perf_counter() - started,
            cpu_seconds=usage.cpu_seconds,
            peak_memory_mb=client.peak_memory_mb,
            session=Session(client, None, self._clients.discard) if keep_open else None,
        )

    def _checked(self, client: WorkerClient, parse: Any, answer: Any) -> Any:
        try:
            return parse(answer)
        except ProtocolError as problem:
            self._out_of_turn(client, problem)

    def _out_of_turn(self, client: WorkerClient, problem: Exception) -> NoReturn:
        died = WorkerDied(f"the worker spoke out of turn: {problem}")
        client.end(died)
        raise died from None

    async def _take(self, limits: Limits) -> WorkerClient:
        self._check_open()
        for client in list(self._spares):
            if not client.usable:
                self._spares.remove(client)
                self._discard(client)
            elif _fixed_at_start(client.started_with) == _fixed_at_start(limits):
                self._spares.remove(client)
                return client
        return await self._start_worker(limits)

    async def _start_worker(self, limits: Limits) -> WorkerClient:
        browser = find_browser(self._browser_setting)
        problems: list[SandboxUnavailable] = []
        for mechanism in self._mechanisms:
            try:
                require(mechanism)
                client = await self._start_with(mechanism, browser, limits)
            except SandboxUnavailable as error:
                problems.append(error)
                continue
            if problems:
                logger.warning("%s; automations run under Landlock instead, which hides less", problems[0].problem)
            self._mechanisms = (mechanism,)
            return client
        if len(problems) == 1:
            raise problems[0]
        raise SandboxUnavailable("; ".join(error.problem for error in problems), problems[0].remedy) from problems[-1]

    async def _start_with(self, mechanism: Mechanism, browser: Browser, limits: Limits) -> WorkerClient:
        client = WorkerClient(mechanism, limits)
        self._clients.add(client)
        try:
            await client.start(browser, chromium_sandbox=self._chromium_sandbox)
        except BaseException:
            self._discard(client)
            raise
        return client

    def _discard(self, client: WorkerClient) -> None:
        """End a worker; its last processes are waited for in the background, and by `close`."""
        if client.chromium_sandbox is not None:
            self._chromium_sandbox = client.chromium_sandbox
        client.end(WorkerDied("its job is done"))
        task = asyncio.ensure_future(client.close())
        self._tasks.add(task)

        def done(finished: asyncio.Task[None]) -> None:
            self._tasks.discard(finished)
            self._clients.discard(client)
            if not finished.cancelled() and finished.exception() is not None:
                logger.warning("a worker was not cleaned up: %s", finished.exception())

        task.add_done_callback(done)

    def _start_refill(self) -> None:
        busy = self._refill is not None and not self._refill.done()
        if not (self._closed or busy or len(self._spares) >= self._spare_workers):
            self._refill = asyncio.ensure_future(self._fill())

    async def _fill(self) -> None:
        if not self._swept and "bubblewrap" in self._mechanisms:
            self._swept = True
            await asyncio.to_thread(sweep)
        while len(self._spares) < self._spare_workers:
            try:
                client = await self._start_worker(self._limits)
            except (SandboxError, OSError) as error:
                logger.warning("no spare worker could be started: %s", error)
                return
            self._spares.append(client)
            await asyncio.gather(client.ready, return_exceptions=True)
            if not client.usable:
                return
            if client.chromium_sandbox is not None:
                self._chromium_sandbox = client.chromium_sandbox

    def _check_open(self) -> None:
        if self._closed:
            raise SandboxError("this Sandbox is closed; make another")


def _fixed_at_start(limits: Limits) -> tuple[float, ...]:
    return limits.scratch_mb, limits.processes, limits.cpu_seconds, limits.output_bytes
