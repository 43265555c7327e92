"""The harness that runs automations and exploration steps on a page, one job after another."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.cutting import lengths
from sandbox.http_login import login_in, split_userinfo
from sandbox.inside import evidence, snapshots
from sandbox.inside.actions import watch_actions
from sandbox.inside.contexts import accepting, new_context, try_user_agent
from sandbox.inside.loading import DataFiles, dump_value, loaded
from sandbox.inside.map_watch import watch_maps
from sandbox.inside.maps import PageMaps
from sandbox.inside.near_misses import add_near_misses
from sandbox.inside.notices import PageNotices, drop_handlers
from sandbox.inside.overrun import Overrun, StillRunning
from sandbox.inside.own_headers import OwnHeaders, replaced
from sandbox.inside.playwright_trace import begin_trace, send_trace
from sandbox.inside.process_reset import ProcessBaseline
from sandbox.inside.recorder import RunRecorder, freeze, sent_request
from sandbox.inside.run_trace import RunTrace, watch_inputs
from sandbox.inside.screenshot import take_picture
from sandbox.inside.script_errors import describe, forget_sources, remember_source
from sandbox.inside.slowness import delay_answers
from sandbox.inside.sources import Sources
from sandbox.inside.stdout import CapturedStdout
from sandbox.inside.steps import namespace, run_step
from sandbox.inside.stopping import until_stopped
from sandbox.inside.waits import Waits, watch_waits
from sandbox.inside.web_transport import host_client
from sandbox.inside.write_guard import WriteBlocked, WriteGuard
from sandbox.protocol import Channel, Message, ProtocolError
from sandbox.toolkit import TaskContext

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, CDPSession, Page

_ACTION_TIMEOUT_MS = 10_000
_ACTIONS_PER_NAVIGATION = 3  # a page may take longer than a click
_CRASH_EVENT_SECONDS = 1.5  # enough on a busy machine; only a run that closed its own page waits so long


class Harness:
    """One browser context with its page: blank until a job comes, replaced after it.

    Args:
        channel: The channel to the host.
        scratch: The directory in which automations may write.
        driver_runs: Tells whether Playwright's driver still runs.
    """

    def __init__(self, channel: Channel, scratch: Path, driver_runs: Callable[[], bool]) -> None:
        self._channel = channel
        self._driver_runs = driver_runs
        self._scratch = scratch
        self._browser: Browser | None = None
        self._context: BrowserContext | None = None
        self._page: Page | None = None
        self._recorder: RunRecorder | None = None
        self._baseline: ProcessBaseline | None = None
        self._own_headers: OwnHeaders | None = None
        self._accepting: CDPSession | None = None
        self._forget()

    def _forget(self) -> None:
        self._files = DataFiles(self._scratch / "resources")
        self._names: tuple[str, ...] = ()
        self._steps = 0
        self._namespace: dict[str, Any] = {}
        self._pages_limit = 0
        self._options: dict[str, Any] = {}
        self._task: TaskContext | None = None
        self._returned: Any = None
        self._sources = Sources()
        self._stdout = CapturedStdout(lambda line: self._channel.notify("log", message=line[: 1 << 18]))
        sys.stdout = self._stdout

    async def prepare(self, browser: Browser) -> None:
        """Open the context and the page, and watch what automations do, ahead of need."""
        self._browser = browser
        browser.on("disconnected", self._on_disconnected)
        watch_waits(lambda: self._waits if self._waits.active else None)
        watch_actions(lambda: self._recorder, lambda: self._context.pages if self._context is not None else [])
        watch_inputs(lambda: self._recorder.trace if self._recorder is not None else None)
        watch_maps(
            lambda: self._maps if self._maps.active else None, lambda: self._context.pages if self._context else []
        )
        await self._open()

    async def warm_up(self) -> None:
        """Read the blank page as at the end of a run, since the first time is slow."""
        assert self._page is not None
        await self._maps.ask(self._page, evidence.READ_PAGE)

    def _on_disconnected(self, _: object) -> None:
        if self._recorder is not None:
            self._recorder.crashed = True
        self._gone.set()

    def take_baseline(self) -> None:
        """Take the baseline of the process, unless there is one or a job has begun."""
        if self._baseline is None and self._task is None:
            directories = (self._scratch, Path("/dev/shm"))  # noqa: S108  the jail's own
            self._baseline = ProcessBaseline(directories if self._scratch == Path("/scratch") else directories[:1])
            self._baseline.begin()

    async def renew(self) -> list[str]:
        """Open a blank context and page after a run, remove its traces, and return descriptions of those that stay."""
        if self._baseline is None or self._browser is None or not self._browser.is_connected():
            return ["no baseline" if self._baseline is None else "no browser"]
        context, self._context, self._page, self._recorder = self._context, None, None, None
        if others := [each for each in self._browser.contexts if each is not context]:
            return [f"{len(others)} browser contexts"]
        self._forget()
        forget_sources()
        if context is not None:
            await context.close()
        left = await self._baseline.restore()
        await self._open()
        return list(left)

    async def _open(self) -> Page:
        assert self._browser is not None
        self._gone, self._halted = asyncio.Event(), asyncio.Event()
        self._own_headers = await replaced(self._own_headers, self._browser, self._options)
        self._accepting = await accepting(self._accepting, self._browser, self._options)
        context = self._context = await new_context(self._browser, self._options)
        context.set_default_timeout(_ACTION_TIMEOUT_MS)
        context.set_default_navigation_timeout(_ACTIONS_PER_NAVIGATION * _ACTION_TIMEOUT_MS)
        recorder = self._recorder = RunRecorder(context, self._own_headers)
        self._waits = Waits(context, recorder.pace)
        self._notices = PageNotices(context)
        self._maps = PageMaps(context, lambda: recorder.logins.secrets)

        def on_crash(page: Page) -> None:
            recorder.crashed = True
            if page is self._page:
                self._gone.set()

        def on_page(page: Page) -> None:
            page.on("crash", on_crash)
            too_many = self._pages_limit and len(context.pages) > self._pages_limit
            if too_many and not recorder.challenges.opens_page:
                self._channel.send("limit", limit="pages")

        context.on("page", on_page)
        self._page = await context.new_page()
        await self._maps.open(self._page)
        return self._page

    async def _reopen(self, options: dict[str, Any]) -> dict[str, Any] | None:
        """Replace the blank context by one with options; return the error where the browser refuses them."""
        from playwright.async_api import Error

        assert self._context is not None
        await self._context.close()
        self._options = options
        try:
            await self._open()
        except Error as error:
            problem = self._describe(error)
            await self._reopen({})
            return problem
        return None

    def take_resource(self, message: Message) -> None:
        """Take a part of one of the automation's data files."""
        self._files.take(message)

    async def begin(self, message: Message) -> dict[str, Any] | None:
        """Bind this worker to a job, and open its start URL; return the error of that, if any."""
        assert self._page is not None
        self._files.write()
        refused = await self._reopen(message["context"]) if message["context"] else None
        self._pages_limit = message["pages"]
        assert self._recorder is not None
        self._recorder.logins.note_parameters(message["parameters"])
        self._recorder.harmless |= set(message.get("harmless", ()))
        context, action_ms = self._page.context, message["action_seconds"] * 1000
        context.set_default_timeout(action_ms)
        context.set_default_navigation_timeout(_ACTIONS_PER_NAVIGATION * action_ms)
        if message.get("slowed"):
            await delay_answers(context)
        if message.get("trace_bytes"):
            await begin_trace(context)
        if message["sources"]:
            self._recorder.sources = self._maps.sources = self._sources
            self._sources.watch(context, of_page=message["t"] == "open")
        self._output_bytes: int = message["output_bytes"]
        self._channel.allow_notices(self._output_bytes)
        start_url = message["start_url"]
        if start_url is not None:
            start_url, login = split_userinfo(start_url)
            self._recorder.challenges.allow(login or login_in(message["parameters"]), start_url)
        self._task = TaskContext(self._channel, self._page, start_url, self._files.directory)
        self._task._note_code, self._task._settled = self._recorder.logins.issue_code, self._waits.settled
        self._task._began = self._notices.began
        self._task._maps, self._task._map_pages = self._maps, self._maps.of_open_pages
        self._namespace = namespace(self._page, message["parameters"], self._task, self._options.get("tape"))
        if message["t"] == "open":
            self._namespace["web"] = host_client(self._channel, start_url, message["context"])
        if refused is not None or start_url is None:
            return refused
        try:
            await self._page.goto(start_url, wait_until="domcontentloaded")
        except Exception as error:  # noqa: BLE001  any error is the answer
            return self._describe(error)
        return None

    async def run(self, message: Message) -> dict[str, Any]:
        """Run an automation from the start URL, and return its value, error and evidence."""
        value = None
        if message["reusable"]:
            self.take_baseline()
        error = await self.begin(message)
        if error is None:
            if message["hold_changes"]:
                await self._guard_writes()
            self._waits.least = message["settled_seconds"]
            assert self._recorder is not None
            # On replays, which alone may end their waits early, nobody asks if the output was read.
            self._recorder.trace = RunTrace(reads=message["settled_seconds"] is None)
            if (seconds := message.get("idle_seconds")) is not None:
                self._recorder.overrun = Overrun(seconds, lambda name: name in self._names)
            self._maps.begin(message)
            value, error = await self._call(message["name"], message["code"], message["parameters"])
            await self._maps.finish(self._shown())
            await add_near_misses(self._active(), error)
            if self._recorder.guard is not None:
                await self._recorder.guard.await_last(self._halted)
        self._stdout.finish()
        broken = error is not None and error["kind"] not in ("rehearsal", "gate", "held")
        trace = self._recorder.end_trace() if self._recorder is not None else RunTrace()
        evidence = await self.evidence(screenshot=broken)
        evidence |= {"inputs": list(trace.inputs), "output_read": trace.has_read(self._returned, evidence["text"])}
        evidence |= {"sources": await self._sources.of_output(self._returned)}
        if message["boxes"] and error is None:
            evidence |= {"picture": await take_picture(self._shown(), message["covered"], whole=True)}
        evidence |= await self._maps.wire(self._waits.settled if self._waits.fetched else None)
        guard = self._recorder.guard if self._recorder is not None else None
        if guard is not None and guard.blocked is not None and (error is None or error["kind"] != "held"):
            value, error = None, self._describe(WriteBlocked(guard.blocked))  # it was sent after the code had ended
        if message["trace_bytes"]:
            await send_trace(self._context, self._scratch, self._channel, message["trace_bytes"])
        if self._context is not None:
            await drop_handlers(self._context)
        return {"value": value, "error": error, "evidence": evidence}

    async def _guard_writes(self) -> None:
        assert self._page is not None
        recorder = self._recorder
        assert recorder is not None
        recorder.guard = WriteGuard(sent_request, recorder.is_login, recorder.is_harmless, self._halted.set)
        await recorder.guard.begin(self._page.context)

    async def _call(self, name: str, code: str, parameters: Any) -> tuple[str | None, dict[str, Any] | None]:
        assert self._task is not None
        self._names = (name,)
        try:
            overrun = self._recorder.overrun if self._recorder is not None else None
            with overrun.interrupting() if overrun is not None else contextlib.nullcontext():
                run = loaded(name, code, "page", self._options.get("tape"))
                self._waits.active = True
                value = await until_stopped(
                    run(self._page, parameters, self._task), self._gone, self._halted, self._reason_to_stop, overrun
                )
            if self._task._stopped is not None:  # the automation caught it
                raise self._task._stopped
            dumped = dump_value(value, self._task, self._channel, self._output_bytes)
            self._returned = value  # JSON, in which nothing contains itself
            return dumped, None  # noqa: TRY300  what comes before it may fail, too
        except ProtocolError as error:
            problem = TypeError(f"what run returned is not JSON: {error}")
            return None, self._describe(problem)
        except BaseException as error:  # noqa: BLE001  SystemExit, too, ends only the automation
            if type(error).__name__ == "TargetClosedError":  # it may come before the event that tells of a crash
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._gone.wait(), _CRASH_EVENT_SECONDS)
            return None, self._describe(error)
        finally:
            self._waits.active = False

    def _reason_to_stop(self) -> BaseException:
        from playwright.async_api import Error

        guard = self._recorder.guard if self._recorder is not None else None
        if guard is not None and guard.blocked is not None:
            return WriteBlocked(guard.blocked)
        overrun = self._recorder.overrun if self._recorder is not None else None
        if overrun is not None and not self._gone.is_set():
            return overrun.error()
        return Error("the page crashed, and the automation went on waiting for it")

    def _describe(self, error: BaseException) -> dict[str, Any]:
        assert self._recorder is not None
        crashed = self._recorder.crashed or not self._driver_runs()
        return describe(error, self._names, crashed=crashed)

    async def execute(self, message: Message) -> dict[str, Any]:
        """Run a step of an exploration; the names that it defines stay for the next."""
        assert self._page is not None
        assert self._task is not None
        self._steps += 1
        name = f"step {self._steps}"
        self._names = (*self._names, name)
        self._task._stopped = None
        self._namespace["pages"] = self._page.context.pages
        self._stdout.begin_step()
        started = time.perf_counter()
        error, shown = None, ""
        overrun = Overrun(message["timeout"], lambda file: file == name)
        try:
            async with asyncio.timeout(overrun.seconds):
                with overrun.interrupting():
                    remember_source(name, message["code"])
                    shown = await run_step(name, message["code"], self._namespace)
        except BaseException as problem:  # noqa: BLE001  the error of a step is its answer
            if isinstance(problem, TimeoutError) and isinstance(problem.__cause__, asyncio.CancelledError):
                problem = overrun.error().with_traceback(problem.__cause__.__traceback__)
            error = self._describe(problem)
            if isinstance(problem, StillRunning):
                error["kind"] = "timeout"
        await add_near_misses(self._active(), error)
        values = self._stdout.end_step(shown)
        page = self._active()
        title = await evidence.or_none(page.title()) if page else ""
        return {
            "output": "".join(values),
            "parts": lengths(values),
            "notices": self._notices.take(),
            "error": error,
            "url": page.url[: snapshots.MOST_URL] if page else "",
            "title": (title or "")[: snapshots.MOST_TITLE],
            "seconds": time.perf_counter() - started,
        }

    def _active(self) -> Page | None:
        """Return the most recently opened page that is still open, or None."""
        assert self._page is not None
        pages = self._page.context.pages
        return pages[-1] if pages else None

    def _shown(self) -> Page | None:
        """Return the run's first page, or the one opened last where that is closed."""
        return self._active() if self._page is None or self._page.is_closed() else self._page

    async def snapshot(self) -> dict[str, Any]:
        """Return a snapshot of the active page."""
        page = self._active()
        if page is None:
            return {"url": "", "title": "", "aria": "(no page is open)", "hints": []}
        return await snapshots.snapshot(page, self._notices.take())

    async def locators(self, message: Message) -> dict[str, str]:
        """Return durable locators for refs of the last snapshot."""
        page = self._active()
        if page is None:
            return dict.fromkeys(message["refs"], "error: no page is open")
        name = "page" if page is self._page else "page.context.pages[-1]"
        return await evidence.locators(page, name, message["refs"])

    async def freeze(self) -> None:
        """Send no request any more that may change something."""
        assert self._page is not None
        assert self._recorder is not None
        await freeze(self._page.context, self._recorder)

    async def try_user_agent(self, message: Message) -> list[Any]:
        """Return an ordinary browser's user agent, and the status with which a URL answers that."""
        assert self._browser is not None
        return await try_user_agent(self._browser, self._options, message["url"], message["seconds"])

    async def evidence(self, *, screenshot: bool) -> dict[str, Any]:
        """Return the evidence as of now."""
        assert self._page is not None
        assert self._recorder is not None
        page = self._shown()
        seen = self._task._empty if self._task else ()
        found = await evidence.collect_evidence(page, self._recorder, self._maps.ask, seen, screenshot=screenshot)
        return {
            **found,
            "sources": await self._sources.of_page(found["text"]),
            "longest_wait": self._waits.longest,
            "fetched": self._waits.fetched,
            "examined": self._task._examined if self._task else None,
            "notices": self._notices.untold(),
        }
