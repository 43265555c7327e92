"""Wrappers around Playwright's methods, by which a run's maps are told what the automation reads and does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Page

    from sandbox.inside.maps import PageMaps

_READS = (
    "inner_text", "text_content", "inner_html", "get_attribute", "all_inner_texts", "all_text_contents", "evaluate",
    "evaluate_all", "eval_on_selector", "eval_on_selector_all", "evaluate_handle", "content", "title", "input_value",
    "count", "is_visible", "is_hidden", "is_checked", "is_enabled", "is_disabled", "aria_snapshot", "query_selector",
    "query_selector_all", "all", "wait_for", "wait_for_selector", "wait_for_function",
)  # fmt: skip
_ACTS = (
    "goto", "reload", "go_back", "go_forward", "set_content", "click", "dblclick", "tap", "check", "uncheck",
    "set_checked", "select_option", "fill", "type", "press", "press_sequentially", "insert_text", "dispatch_event",
    "drag_to", "drag_and_drop", "drop", "set_input_files", "down", "up", "wheel", "hover", "clear",
    "scroll_into_view_if_needed", "close",
)  # fmt: skip
_AT_ONCE = frozenset({"goto", "reload", "go_back", "go_forward", "close"})
"""Acts that reach the page by another way than what it is asked for, so that they might come first."""

Current = Callable[[], "PageMaps | None"]


def watch_maps(current: Current, pages: Callable[[], list[Page]]) -> None:
    """Take maps of what automations read, from now on.

    Args:
        current: Gives the maps of the automation that runs; None while none does.
        pages: Gives its open pages.
    """
    from playwright.async_api import APIResponse, ElementHandle, Frame, Keyboard, Locator, Mouse, Page, Response

    def pages_of(owner: Any) -> list[Page]:
        if isinstance(owner, Page):
            return [owner]
        page = getattr(owner, "page", None)
        return [page] if isinstance(page, Page) else pages()  # an element's handle, the keyboard or the mouse

    for kind in (Page, Frame, Locator, ElementHandle, Keyboard, Mouse):
        for name in (*_READS, *_ACTS):
            if callable(original := getattr(kind, name, None)):
                setattr(kind, name, _watched(original, name, current, pages_of))
    for response in (APIResponse, Response):
        for name in ("json", "text", "body"):
            setattr(response, name, _watched_response(getattr(response, name), current))


def _watched(
    original: Callable[..., Any], name: str, current: Current, pages_of: Callable[[Any], list[Page]]
) -> Callable[..., Any]:
    reads = name in _READS

    async def before(maps: PageMaps, owner: Any, given: list[str]) -> None:
        await maps.ambiguous.note_use(owner, name, given)
        if reads:
            await maps.before_read(pages_of(owner), name, given)
        else:
            at_once = name in _AT_ONCE or not hasattr(owner, "evaluate")
            await maps.before_act(pages_of(owner), name, owner, wait=at_once)

    @wraps(original)
    async def call(self: Any, *args: Any, **options: Any) -> Any:
        maps = current()
        if maps is None:
            return await original(self, *args, **options)
        given = _texts(args, options)
        with maps.harmless():
            await before(maps, self, given)
        try:
            value = await original(self, *args, **options)
        finally:
            if reads:
                maps.note_read(pages_of(self), in_frame=_is_in_frame(self))
        if reads:
            with maps.harmless():
                maps.note_value(pages_of(self), name, self, given, value)
        return value

    return call


def _watched_response(original: Callable[..., Any], current: Current) -> Callable[..., Any]:
    @wraps(original)
    async def read(self: Any) -> Any:
        value = await original(self)
        if (maps := current()) is not None:
            with maps.harmless():
                maps.note_response(self.url, value)
        return value

    return read


def _is_in_frame(owner: Any) -> bool:
    """Return True for an inner frame of a page, or what is in one."""
    inner = getattr(owner, "_impl_obj", None)
    frame = inner if hasattr(inner, "_parent_frame") else getattr(inner, "_frame", None)
    return getattr(frame, "_parent_frame", None) is not None or "enter-frame" in getattr(inner, "_selector", "")


def _texts(args: tuple[Any, ...], options: Mapping[str, Any]) -> list[str]:
    return [each for each in (*args, *options.values()) if isinstance(each, str)]
