"""Inside the jail: requests by which an automation may change something on the site, held back before they are sent.

This is about honest mistakes: code that wants to get round it, can.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Request, Route

SAFE = ("GET", "HEAD", "OPTIONS")
_DEFAULTS = frozenset({"ping", "beacon", "cspviolationreport", "csp_report"})
_LOGIN = re.compile(r"log[-_]?(?:in|on)|sign[-_]?in|authenticate|oauth|/(?:auth|sso|token|sessions?)\b", re.IGNORECASE)
_READS = re.compile(
    r"search|query|filter|find|lookup|suggest|autocomplete|typeahead|suche|recherche|buscar|zoek"
    r"|analytics|telemetry|metrics|beacon|pixel|sentry|/collect\b|consent|cookie",
    re.IGNORECASE,
)
_MUTATION = re.compile(r"(?:^|[}\n])\s*mutation\b")
_PASSWORD = re.compile(r"passw|\bpwd\b", re.IGNORECASE)
_ACTS = ("click", "dblclick", "tap", "press", "press_sequentially", "type", "fill", "check", "uncheck", "set_checked",
         "select_option", "set_input_files", "dispatch_event", "down", "up", "insert_text", "drag_to",
         "drag_and_drop")  # fmt: skip
_SCRIPTED = re.compile(r"fetch\s*\(|XMLHttpRequest|submit\s*\(|click\s*\(|dispatchEvent")


class WriteBlocked(BaseException):
    """A request was not sent. Not an `Exception`: ``except Exception`` lets it pass."""


class WriteGuard:
    """What is held back in one run.

    Args:
        password_filled: Whether the automation typed a password by now.
        stop: Ends the automation.

    Attributes:
        acted: The automation clicked, typed or the like; before that, what a page sends is its own affair.
        held: The first request that was held back, by its method and its address without the query.
    """

    def __init__(self, password_filled: Callable[[], bool], stop: Callable[[], object]) -> None:
        self.acted = False
        self.held: str | None = None
        self._password_filled = password_filled
        self._logged_in = False
        self._stop = stop

    async def begin(self, context: BrowserContext) -> None:
        """From here on, requests of the context's pages pass through."""
        await context.route("**/*", self._route)

    def check_own(self, method: str, url: str, body: str) -> None:
        """A request that the automation sends without a page.

        Raises:
            WriteBlocked: It may change something.
        """
        if self._may_change(method, url, body):
            raise self._hold(method, url)

    async def _route(self, route: Route) -> None:
        request = route.request
        by_itself = not (self.acted or request.is_navigation_request()) or request.resource_type in _DEFAULTS
        if by_itself or not self._may_change(request.method, request.url, _text(request.post_data_buffer)):
            if is_main_document(request):
                self.acted = False  # what the next page sends while it opens is its own affair, too
            await route.fallback()
            return
        self._hold(request.method, request.url)
        await route.abort("blockedbyclient")
        self._stop()

    def _may_change(self, method: str, url: str, body: str) -> bool:
        if method.upper() in SAFE:
            return False
        path = urlsplit(url).path
        if method.upper() != "POST":
            return True
        if _LOGIN.search(path):
            return False
        if not self._logged_in and (self._password_filled() or _PASSWORD.search(body)):
            self._logged_in = True
            return False
        said = _query(body)
        if said is not None:
            return bool(_MUTATION.search(said))
        return not _READS.search(path)

    def _hold(self, method: str, url: str) -> WriteBlocked:
        parts = urlsplit(url)
        where = f"{method.upper()} {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        self.held = self.held or where
        return WriteBlocked(self.held)


def is_main_document(request: Request) -> bool:
    """Whether it opens a page, not a part of one."""
    if not request.is_navigation_request():
        return False
    try:
        return request.frame.parent_frame is None
    except Exception:  # noqa: BLE001  Playwright has no frame yet for the first request of a new tab: a main document
        return True


def _query(body: str) -> str | None:
    """The query of a GraphQL request or of another JSON search; None where there is none."""
    try:
        data = json.loads(body)
    except ValueError:
        return None
    parts = [part for part in (data if isinstance(data, list) else [data]) if isinstance(part, Mapping)]
    asked = [query for part in parts if isinstance(query := part.get("query"), str)]
    return "\n".join(asked) if asked and len(asked) == len(parts) else None


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")


def watch_acts(current: Callable[[], WriteGuard | None]) -> None:
    """Notice, in this process, what an automation does to a page.

    Args:
        current: Gives what is held back in the run that is going on.
    """
    from playwright.async_api import ElementHandle, Frame, Keyboard, Locator, Mouse, Page

    for owner in (Page, Frame, Locator, ElementHandle, Keyboard, Mouse):
        for name in _ACTS:
            if hasattr(owner, name):
                _watch(owner, name, current, re.compile(""))
        for name in ("evaluate", "evaluate_all", "evaluate_handle", "eval_on_selector", "eval_on_selector_all"):
            if hasattr(owner, name):
                _watch(owner, name, current, _SCRIPTED)


def _watch(owner: type, name: str, current: Callable[[], WriteGuard | None], acts: re.Pattern[str]) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def called(self: Any, *args: Any, **options: Any) -> Any:
        holding = current()
        if holding is not None and acts.search(" ".join(map(str, (*args, *options.values())))):
            holding.acted = True
        return original(self, *args, **options)

    setattr(owner, name, called)
