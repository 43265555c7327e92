"""The sandbox, which runs automations in workers from a pool."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from sandbox.browser import Browser, find_browser
from sandbox.context import ContextOptions
from sandbox.egress.options import Egress
from sandbox.egress.turns import HostTurns, PerHost
from sandbox.errors import SandboxError, SandboxUnavailable
from sandbox.host import Host
from sandbox.isolation import shortage
from sandbox.isolation.command import require
from sandbox.isolation.mechanism import JAILS, Isolation, Mechanism
from sandbox.limits import SandboxLimits
from sandbox.loop_end import close_with_loop
from sandbox.results import Automation, ScriptError
from sandbox.workers import driver_cache, parse
from sandbox.workers.browser_worker import BrowserWorker
from sandbox.workers.client import WorkerClient
from sandbox.workers.outcome import Outcome
from sandbox.workers.pool import Pool, PoolOptions
from sandbox.workers.running import Run
from sandbox.workers.session import Session
from sandbox.workers.violations import parsed
from sandbox.workers.web_rules import WebRules
from sandbox.workers.web_worker import Nursery

logger = logging.getLogger(__name__)

_REFILL_IN_RUN_SECONDS = 3.0  # a run that takes longer may wait in vain, and be followed by another at once
_COMPILE_AFTER_SECONDS = 2.0  # the blank worker comes first
_RUNS_BEFORE_BARE = 3  # of a worker, until one without pictures is worth its start


class Sandbox:
    """A pool of jails, each with Python and a browser inside, that run automations.

    Use it from one event loop, as an async context manager. The first run starts a worker; after it, blank workers are
    started in the background, so that the next run finds one ready.

    Args:
        isolation: ``"bubblewrap"`` and ``"landlock"``: that jail, or `SandboxUnavailable`. ``"auto"``: the first of
            these that works here; `probe` tells which, and what it protects. ``"none"``: plain subprocesses without
            protection, only for code that you wrote yourself.
        browser: Path or name of a Chromium; default: WEBTASKS_BROWSER, Playwright's own, the system's.
        limits: The default limits of runs and sessions.
        pool: Number of workers that wait for the next run, and their lifetime.
        cache: Directory for 2 MB of compiled code that speeds up the first run of later programs; created when
            needed. None: no cache.
        per_host: The most requests by ``web`` that one host gets, from all runs together.

    Raises:
        SandboxUnavailable: No jail works here, or there is no browser. Raised at the first use.

    >>> import asyncio
    >>> async def main():
    ...     code = "async def run(page, parameters, task): return parameters['n'] + 1"
    ...     async with Sandbox() as sandbox:
    ...         return await sandbox.run(Automation(code), {"n": 1})
    >>> asyncio.run(main()).value
    2
    """

    def __init__(
        self,
        *,
        isolation: Isolation = "auto",
        browser: str | Path | None = None,
        limits: SandboxLimits = SandboxLimits(),  # noqa: B008  frozen
        pool: PoolOptions = PoolOptions(),  # noqa: B008  frozen
        cache: str | Path | None = None,
        per_host: PerHost = PerHost(),  # noqa: B008  frozen
    ) -> None:
        if isolation not in get_args(Isolation):
            raise ValueError(f"isolation must be one of {', '.join(get_args(Isolation))}, not {isolation!r}")
        self._mechanisms: tuple[Mechanism, ...] = JAILS if isolation == "auto" else (isolation,)
        if isolation == "none":
            logger.warning("isolation='none': automations run with your rights, without any protection")
        self._browser_setting = browser
        self._limits = limits
        self._pool = Pool(self._start_worker, pool, limits)
        self._web_pool = Pool(self._start_web_worker, replace(pool, spare=0, kept=pool.web_kept), limits)
        self._nursery = Nursery()
        self._turns = HostTurns(per_host)
        self._cache = Path(cache).expanduser().absolute() if cache is not None else None
        self._compiles = cache is not None and "bubblewrap" in self._mechanisms and pool.spare > 0
        self._chromium_sandbox = True
        self._closed = False
        self._forget_loop: Callable[[], None] | None = None
        self._compiling: asyncio.Task[object] | None = None
        self._stop = threading.Event()

    async def __aenter__(self) -> Sandbox:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End all workers, and wait until none of their processes is left."""
        self._closed = True
        self._stop.set()
        await self._pool.close()
        await self._web_pool.close()
        await self._nursery.close()
        if self._compiling is not None:
            await asyncio.gather(self._compiling, return_exceptions=True)
        if self._forget_loop is not None:
            self._forget_loop()

    async def warm(self) -> None:
        """Start a blank worker in the background."""
        self._check_open()
        self._pool.refill(after=0.0)

    async def run(
        self,
        automation: Automation,
        parameters: dict[str, Any],
        *,
        start_url: str | None = None,
        egress: Egress = Egress(),  # noqa: B008  frozen
        host: Host | None = None,
        limits: SandboxLimits | None = None,
        context: ContextOptions = ContextOptions(),  # noqa: B008  frozen
        keep_open: bool = False,
        affinity: str | None = None,
        secret: bool = False,
        hold_changes: bool = False,
        harmless: Collection[str] = (),
        settled_seconds: float | None = None,
        idle_seconds: float | None = None,
        slowed: bool = False,
        maps: bool = True,
        boxes: bool = False,
        covered: Collection[str] = (),
        sources: bool = False,
        probe: Literal["", "scroll"] = "",
        trace_bytes: int = 0,
        images: bool = True,
    ) -> Outcome:
        """Run an automation in a blank worker, or in one that has run only automations of the same ``affinity``.

        Its `kind` tells if the worker has a browser. What is said of pages below has no meaning where it has none.

        Args:
            automation: The code.
            parameters: Its parameters, as JSON values.
            start_url: The address that the page is opened at, and that `web` counts addresses from; None: blank.
            egress: The network access; default every public host.
            host: Takes the automation's calls; the default refuses those that need an answer.
            limits: Resource limits; default those of the sandbox.
            context: The user agent, locale and the like of the browser context; default the browser's own.
            keep_open: Leave the worker open as ``outcome.session``, even if the automation failed; not without a
                browser.
            affinity: Identifies the owner and the revision of this code. After a successful run the worker may serve
                the next run of the same affinity, in a new browser context and module namespace; hostile code could
                pass on to that run what it saw in this one. None: the worker serves this run only.
            secret: The parameters hold secrets: the worker serves this run only, whatever ``affinity`` is.
            hold_changes: Do not send the first request by which the automation may change something on the site, other
                than a login or a search: the run ends there, with an error of the kind ``held``.
            harmless: Kinds of requests that change nothing which lasts, or that the site sends by itself, as
                ``Evidence.own_signatures`` has them: they are sent, and count as background.
            idle_seconds: Seconds after which code that neither acts on a page nor asks for one is ended, with an
                error that names its line. None: only ``limits.wall_seconds`` ends it.
            settled_seconds: Seconds after which a wait for the page may end early, where the page has settled: nothing
                is under way there, and nothing has changed for a second. None: only its timeout ends it.
            slowed: Let the answers to the pages come later, as on a slow day.
            maps: Map what the automation reads, in ``Evidence.maps`` and beside.
            boxes: Note in the maps where each text stands on its page, and take a picture of the whole page at the end.
            covered: Texts that must not be legible on that picture: elements that hold one are covered.
            sources: Tell in ``Evidence.sources`` which responses hold the values that the automation returned.
            probe: ``scroll``: at the end, scroll the page's list to its end, and tell in ``Evidence.scrolled`` whether
                more rows came.
            trace_bytes: Have Playwright trace the run, and give the host a trace of at most so many bytes; 0: none.
                The worker serves this run only.
            images: False: the run does not need the pictures and fonts of pages. After three such runs of an
                ``affinity`` a worker whose pages ask for none is started in the background, for the next ones;
                ``Outcome.images`` tells in which a run was.

        Returns:
            The outcome, also if the automation failed.

        Raises:
            SandboxUnavailable: No jail or no browser.
            SandboxLimitExceeded: A limit was exceeded.
            WorkerDied: The worker ended.
            Exception: An exception of a callback of the host, other than `AskRefused` and `SandboxError`.
        """
        self._check_open()
        reused_by = None if secret or trace_bytes else affinity
        limits = limits or self._limits
        rules = WebRules(parameters, hold_changes, frozenset(harmless), self._turns)
        fields = {
            "code": automation.code,
            "name": automation.name,
            "parameters": parameters,
            "start_url": start_url,
            "reusable": reused_by is not None,
            "maps": maps,
            "context": _arguments(context, egress),
            **_page_limits(limits),
        }
        if automation.kind == "web":
            fields |= {"reads": settled_seconds is None, "idle_seconds": idle_seconds}
            return await self._run_web(Run(automation, host or Host(), egress, limits, rules, fields, reused_by))
        fields |= {
            "hold_changes": hold_changes,
            "settled_seconds": settled_seconds,
            "idle_seconds": idle_seconds,
            "slowed": slowed,
            "boxes": boxes,
            "covered": list(covered),
            "sources": sources,
            "probe": probe,
            "harmless": list(harmless),
            "trace_bytes": trace_bytes,
        }
        run = Run(automation, host or Host(), egress, limits, rules, fields, reused_by, images, trace_bytes)
        return await self._run_page(run, keep_open=keep_open)

    async def _run_page(self, run: Run, *, keep_open: bool) -> Outcome:
        shortage.require_resources()
        client = await self._pool.take(run.limits, self._affinity(run))
        outcome = None
        refilling = asyncio.get_running_loop().call_later(_REFILL_IN_RUN_SECONDS, self._refill)
        try:
            outcome = await run.perform(client)
        finally:
            refilling.cancel()
            if outcome is None or not keep_open:
                self._release(client, run.reused_by if outcome is not None and outcome.ok else None, run.images)
            self._refill()
        if not keep_open:
            return outcome
        return replace(outcome, session=self._session(client, None, run.reused_by if outcome.ok else None, run.images))

    def _affinity(self, run: Run) -> str | None:
        """Return the affinity of the worker for a run: of one without images, where that may be and one waits."""
        if run.reused_by is not None and not run.images:
            bare = _without_images(run.reused_by)
            return bare if self._pool.has(bare, run.limits) else run.reused_by
        return run.reused_by

    async def _run_web(self, run: Run) -> Outcome:
        shortage.require_files()
        client = await self._web_pool.take(run.limits, run.reused_by)
        outcome = None
        try:
            outcome = await run.perform(client)
        finally:
            if outcome is not None and outcome.ok and run.reused_by is not None:
                self._web_pool.give_back(client, run.reused_by)
            else:
                self._web_pool.discard(client)
        return outcome

    async def open_session(
        self,
        parameters: dict[str, Any],
        *,
        start_url: str | None = None,
        egress: Egress = Egress(),  # noqa: B008  frozen
        host: Host | None = None,
        limits: SandboxLimits | None = None,
        context: ContextOptions = ContextOptions(),  # noqa: B008  frozen
    ) -> Session:
        """Open a page in a blank worker, for exploration. Arguments and errors as for `run`."""
        self._check_open()
        limits = limits or self._limits
        shortage.require_resources()
        client = await self._pool.take(limits, None)
        try:
            await client.bind(host or Host(), egress, limits, None, WebRules(parameters, turns=self._turns))
            answer = await client.call(
                "open",
                limits.wall_seconds,
                parameters=parameters,
                start_url=start_url,
                context=_arguments(context, egress),
                sources=True,
                **_page_limits(limits),
            )
            session = self._session(client, parsed(client, parse.script_error, answer), None)
        except BaseException:  # cancelation, too, ends the worker
            self._pool.discard(client)
            raise
        self._refill()
        return session

    def _session(
        self, client: WorkerClient, opened: ScriptError | None, affinity: str | None, images: bool = True
    ) -> Session:
        return Session(client, opened, self._pool.discard, lambda: self._release(client, affinity, images))

    def _release(self, client: WorkerClient, affinity: str | None, images: bool) -> None:
        """Keep a worker for the next run of an affinity, or end it.

        Args:
            images: The run needed pictures and fonts.
        """
        if affinity is None:
            self._pool.discard(client)
            return
        bare = _without_images(affinity)
        self._pool.give_back(client, affinity if client.images else bare)
        if not images and client.runs >= _RUNS_BEFORE_BARE:
            self._pool.prepare(bare, client.started_with, partial(self._start_worker, images=False))

    def _refill(self) -> None:
        if self._compiles and self._compiling is None:
            self._compiling = asyncio.ensure_future(asyncio.to_thread(self._compile))
        self._pool.refill()

    def _compile(self) -> None:
        """Fill the cache, once and after the first run: later programs then start faster."""
        if self._cache is None or self._mechanisms != ("bubblewrap",) or driver_cache.found(self._cache) is not None:
            return
        if not self._stop.wait(_COMPILE_AFTER_SECONDS):
            driver_cache.make(self._cache, find_browser(self._browser_setting), self._stop)

    async def _start_worker(self, limits: SandboxLimits, *, images: bool = True) -> WorkerClient:
        browser = find_browser(self._browser_setting)
        start = partial(self._start_browser, browser=browser, limits=limits, images=images)
        return await self._start_with_first(start)

    async def _start_web_worker(self, limits: SandboxLimits) -> WorkerClient:
        return await self._start_with_first(lambda mechanism: self._nursery.start(mechanism, limits))

    async def _start_with_first(self, start: Callable[[Mechanism], Awaitable[WorkerClient]]) -> WorkerClient:
        """Start a worker in the first jail that works here."""
        problems: list[SandboxUnavailable] = []
        for mechanism in self._mechanisms:
            try:
                require(mechanism)
                client = await start(mechanism)
            except SandboxUnavailable as error:
                problems.append(error)
                continue
            if problems:
                logger.warning("%s; automations run under Landlock instead, which protects less", problems[0].problem)
            self._mechanisms = (mechanism,)
            return client
        if len(problems) == 1:
            raise problems[0]
        raise SandboxUnavailable("; ".join(error.problem for error in problems), problems[0].remedy) from problems[-1]

    async def _start_browser(
        self, mechanism: Mechanism, browser: Browser, limits: SandboxLimits, *, images: bool
    ) -> WorkerClient:
        client = BrowserWorker(mechanism, limits, driver_cache.found(self._cache), images=images)
        client.ready.add_done_callback(lambda _: self._note_chromium_sandbox(client))
        try:
            await client.start(browser, chromium_sandbox=self._chromium_sandbox)
        except BaseException:  # cancelation, too, ends the worker
            await client.close()
            raise
        return client

    def _note_chromium_sandbox(self, client: BrowserWorker) -> None:
        """Remember if Chromium's own sandbox works on this machine, so that the next worker does not try in vain."""
        if client.chromium_sandbox is not None:
            self._chromium_sandbox = client.chromium_sandbox

    def _check_open(self) -> None:
        if self._closed:
            raise SandboxError("this Sandbox is closed; create a new one")
        if self._forget_loop is None:
            self._forget_loop = close_with_loop(self.close)


def _arguments(context: ContextOptions, egress: Egress) -> dict[str, Any]:
    """Return the arguments of a browser context, with what a tape adds to them: see `sandbox.inside.contexts`."""
    if egress.tape is None:
        return context.arguments()
    moment, now = egress.tape.moment(), time.time() * 1000
    offset = moment.clock - now if egress.tape.playing else 0
    return {**context.arguments(), "tape": {"seed": moment.seed, "offset": offset}}


def _without_images(affinity: str) -> str:
    """Return the affinity of those workers of another that load no pictures and fonts."""
    return f"{affinity}\0without images"


def _page_limits(limits: SandboxLimits) -> dict[str, Any]:
    names = ("pages", "action_seconds", "output_bytes")
    return {name: getattr(limits, name) for name in names}
