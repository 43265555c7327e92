"""The automation's waits for a page: their length, and an early end of those that a settled page will not satisfy.

A page is settled if no request is under way, it shows no sign of work, and nothing in it has changed for a second, or
for as long as a wait has to last at least, if that is less. What a wait wants does not appear there any more; one last
short try then gives Playwright's own error.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import time
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import wraps
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sandbox.inside.pace import Pace
from sandbox.inside.unwatched import unwatched

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Frame, Page, Request, WebSocket

_QUIET_SECONDS = 1.0
_QUIET_ENOUGH_SECONDS = 0.4  # where an element is there, and might go away
_LOOK_AGAIN_SECONDS = 0.1
_BLOCKED_SECONDS = 0.25  # a longer wait is for what the page does not have
_ANSWER_SECONDS = 2.0  # beside the time that a look takes anyway
_LAST_TRY_MS = 100
_SHARE_OF_OWN_TIMEOUT = 0.25  # code that asks for half a minute knows of something slow
_GAPS = 1.5  # a page that asks its server every so often is quiet only after a longer time
_REMEMBERED = 20
_STREAMS = frozenset({"eventsource", "websocket", "ping", "media", "manifest"})  # never end, or change nothing
_BY_SCRIPT = frozenset({"xhr", "fetch"})
# What loads a page, takes long by itself, or would be done twice by another try.
_NOT_WATCHED = frozenset({
    "goto", "reload", "go_back", "go_forward", "set_content", "wait_for_load_state", "wait_for_timeout", "screenshot",
    "aria_snapshot", "evaluate", "evaluate_handle", "drag_to", "drag_and_drop", "drop", "set_input_files",
    "is_visible", "is_hidden",
})  # fmt: skip
_SECONDS_TAKEN = re.compile(rf"Timeout {_LAST_TRY_MS}ms exceeded\.?")
_SETTLED = "The page had settled: no request was under way, and nothing on it changed any more."

_STAYS_QUIET = """(ms) => {
  const shown = (e) => e.checkVisibility({visibilityProperty: true, opacityProperty: true});
  const marks = '[aria-busy=true], [role=progressbar], progress, [aria-label*=loading i], [class*=spinner i], [class*=skeleton i]';
  const words = /(^|\\n)[^\\n]{0,40}\\b(loading|please wait|processing|searching|one moment|bitte warten|wird geladen|chargement|cargando)\\b[^\\n]{0,20}(\\n|$)/i;
  const busy = () => document.readyState !== 'complete'
    || document.getAnimations().some((a) => a.playState === 'running' && a.effect && a.effect.target
      && shown(a.effect.target))
    || [...document.querySelectorAll(marks)].some(shown)
    || (document.body && words.test(document.body.innerText.slice(0, 20000)));
  if (busy()) return false;
  return new Promise((resolve) => {
    let timer;
    const end = (quiet) => { observer.disconnect(); clearTimeout(timer); resolve(quiet); };
    const observer = new MutationObserver(() => end(false));
    const watch = (root) => {
      observer.observe(root, {subtree: true, childList: true, attributes: true, characterData: true});
      for (const e of root.querySelectorAll('*')) if (e.shadowRoot) watch(e.shadowRoot);
    };
    watch(document);
    timer = setTimeout(() => end(!busy()), ms);
  });
}"""  # noqa: E501  JavaScript


class Waits:
    """The waits of one run.

    Args:
        context: Its browser context.
        pace: Leaves pages alone for a while where the site asks for that; waits for them go on meanwhile.

    Attributes:
        active: The automation runs, and its waits are watched.
        least: Seconds that a wait lasts at least, before a settled page ends it; None: only its timeout does.
        longest: Seconds of the longest wait that was satisfied.
        fetched: A script of a page asked for data.
    """

    def __init__(self, context: BrowserContext, pace: Pace) -> None:
        self.active = False
        self._pace = pace
        self._begun: dict[object, float] = {}  # when the waits that go on began
        pace.is_blocked = self._is_blocked
        self.least: float | None = None
        self.longest = 0.0
        self.fetched = False
        self._context = context
        self._under_way: dict[Request, None] = {}
        self._requests = 0
        self._asked_at: deque[float] = deque(maxlen=_REMEMBERED)
        context.on("request", self._on_request)
        context.on("requestfinished", self._on_end)
        context.on("requestfailed", self._on_end)
        context.on("page", lambda page: page.on("websocket", self._on_websocket))

    def _on_request(self, request: Request) -> None:
        if request.resource_type in _STREAMS:
            return
        self._under_way[request] = None
        self._requests += 1
        if request.resource_type in _BY_SCRIPT:
            self.fetched = True
            self._asked_at.append(time.monotonic())

    def _on_websocket(self, websocket: WebSocket) -> None:
        websocket.on("framereceived", self._on_message)

    def _on_message(self, _: object) -> None:
        self._requests += 1

    def _on_end(self, request: Request) -> None:
        self._under_way.pop(request, None)

    async def watch(
        self, call: Callable[[float | None], Coroutine[Any, Any, Any]], own: float | timedelta | None
    ) -> Any:
        """Make a call that may wait for the page, and note how long it took.

        Args:
            call: Begins it, with another timeout in milliseconds, or with its own.
            own: The timeout that the automation gave, in milliseconds.
        """
        loop, started = asyncio.get_running_loop(), time.monotonic()
        if self.least is None:
            result = await self._begin(call, started)
            self.longest = max(self.longest, time.monotonic() - started)
            return result
        seconds = own.total_seconds() if isinstance(own, timedelta) else (own or 0.0) / 1000
        least = max(self.least, seconds * _SHARE_OF_OWN_TIMEOUT)
        quiet = min(_QUIET_SECONDS, least)
        watching: list[asyncio.Task[None]] = []
        scope = asyncio.timeout(None)
        begin = loop.call_later(
            least - quiet, lambda: watching.append(asyncio.ensure_future(self._end_when_settled(scope, quiet)))
        )
        try:
            async with scope:
                result = await self._begin(call, started)
        except TimeoutError:
            if not scope.expired():
                raise
        else:
            self.longest = max(self.longest, time.monotonic() - started)
            return result
        finally:
            begin.cancel()
            for task in watching:
                task.cancel()
        return await self._try_once_more(call, started)

    async def _begin(self, call: Callable[[float | None], Coroutine[Any, Any, Any]], started: float) -> Any:
        """Make the call; once more where it ended in vain because the site asked the page to come later."""
        from playwright.async_api import TimeoutError as PlaywrightTimeout

        this = object()
        self._begun[this] = started
        try:
            try:
                return await call(None)
            except PlaywrightTimeout:
                if not self._pace.waited_since(started):
                    raise
            await self._pace.over()
            return await call(None)
        finally:
            del self._begun[this]

    def _is_blocked(self) -> bool:
        """Return True while the automation waits for what does not appear."""
        return time.monotonic() - min(self._begun.values(), default=time.monotonic()) > _BLOCKED_SECONDS

    async def _try_once_more(self, call: Callable[[float | None], Coroutine[Any, Any, Any]], started: float) -> Any:
        from playwright.async_api import TimeoutError as PlaywrightTimeout

        try:
            return await call(_LAST_TRY_MS)
        except PlaywrightTimeout as error:
            taken = f"Timeout {(time.monotonic() - started) * 1000:.0f}ms exceeded. {_SETTLED}"
            message = _SECONDS_TAKEN.sub(taken, str(error), count=1)
            raise PlaywrightTimeout(message).with_traceback(error.__traceback__) from None

    async def _end_when_settled(self, scope: asyncio.Timeout, quiet: float) -> None:
        while not await self._is_settled(quiet):  # noqa: ASYNC110  a page sends no event for it
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        scope.reschedule(asyncio.get_running_loop().time())

    async def settled(self, seconds: float) -> bool:
        """Wait until the page is settled, for at most so long; return False if it is not by then."""
        try:
            async with asyncio.timeout(seconds):
                while not await self._is_settled(_QUIET_ENOUGH_SECONDS):  # noqa: ASYNC110  a page sends no event for it
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        except TimeoutError:
            return False
        return True

    async def _is_settled(self, quiet: float) -> bool:
        if self._pace.waits or any(map(_matters, self._under_way)):
            return False
        before, quiet = self._requests, max(quiet, _GAPS * self._longest_gap())
        pages = [page for page in self._context.pages if not page.is_closed()]
        looks = (_stays_quiet(frame, quiet) for page in pages for frame in page.frames)
        return all(await asyncio.gather(*looks)) and self._requests == before

    def _longest_gap(self) -> float:
        return max((after - before for before, after in pairwise(self._asked_at)), default=0.0)


async def _stays_quiet(frame: Frame, seconds: float) -> bool:
    from playwright.async_api import Error

    look = unwatched(frame, "evaluate")(_STAYS_QUIET, seconds * 1000)
    try:
        return await asyncio.wait_for(look, seconds + _ANSWER_SECONDS) is True
    except (Error, TimeoutError):
        return False


def _matters(request: Request) -> bool:
    """Return True if the page that a request is for is still open."""
    from playwright.async_api import Error

    try:
        page: Page = request.frame.page
    except Error:
        return False  # a service worker's, or of a page that is not there yet
    return not page.is_closed()


def watch_waits(current: Callable[[], Waits | None]) -> None:
    """Watch the waits of automations from now on.

    Args:
        current: Gives the waits of the automation that runs; None while none does.
    """
    from playwright._impl._async_base import AsyncEventContextManager
    from playwright.async_api import ElementHandle, Frame, Locator, Page
    from playwright.async_api._generated import LocatorAssertions, PageAssertions

    owners: list[type] = [Page, Frame, Locator, ElementHandle, LocatorAssertions, PageAssertions]
    for owner in owners:
        for name, method in inspect.getmembers(owner, inspect.iscoroutinefunction):
            if name not in _NOT_WATCHED and "timeout" in inspect.signature(method).parameters:
                setattr(owner, name, _watched(method, current))
    _watch_events(AsyncEventContextManager, current)


def _watched(original: Callable[..., Any], current: Callable[[], Waits | None]) -> Callable[..., Any]:
    @wraps(original)
    async def wait(self: Any, *args: Any, **options: Any) -> Any:
        waits = current()
        if waits is None or options.get("delay"):  # typed text, which takes its time
            return await original(self, *args, **options)

        def call(timeout: float | None) -> Coroutine[Any, Any, Any]:
            given = options if timeout is None else {**options, "timeout": timeout}
            return original(self, *args, **given)  # type: ignore[no-any-return]  # of any method

        return await waits.watch(call, options.get("timeout"))

    return wait


def _watch_events(owner: type, current: Callable[[], Waits | None]) -> None:
    """Watch blocks that wait at their end for an event, such as ``async with page.expect_download()``."""
    original: Any = owner.__aexit__  # type: ignore[attr-defined]  # of a context manager

    @wraps(original)
    async def wait(self: Any, *problem: Any) -> Any:
        from playwright.async_api import TimeoutError as PlaywrightTimeout

        waits = current()
        if waits is None or any(problem):
            return await original(self, *problem)

        def call(timeout: float | None) -> Coroutine[Any, Any, Any]:
            if timeout is not None:  # the event was given up
                raise PlaywrightTimeout(f"Timeout {_LAST_TRY_MS}ms exceeded.")
            return original(self, *problem)  # type: ignore[no-any-return]  # of any event

        return await waits.watch(call, None)

    setattr(owner, "__aexit__", wait)  # noqa: B010  mypy lets no method be assigned
