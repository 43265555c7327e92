"""Wrappers around Playwright's methods, by which a run's recorder is told what the automation does to its pages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from sandbox.http_methods import SAFE
from sandbox.inside.agreements import AGREEMENT, may_be_assent
from sandbox.inside.own_headers import send_own
from sandbox.inside.unwatched import unwatched

if TYPE_CHECKING:
    from playwright.async_api import Page

    from sandbox.inside.recorder import RunRecorder

_LOOK_SECONDS = 1.0
_MOST_LOOKS = 3  # at one locator's element: a pager is clicked for each page
_TYPING = ("fill", "type", "press_sequentially", "insert_text")
_SUBMITTING = ("click", "dblclick", "tap", "press", "dispatch_event")
_OTHER_ACTS = ("check", "uncheck", "set_checked", "select_option", "set_input_files", "down", "up", "drag_to",
               "drag_and_drop")  # fmt: skip
_EVALUATING = ("evaluate", "evaluate_all", "evaluate_handle", "eval_on_selector", "eval_on_selector_all")
_SENDING = ("get", "head", "post", "put", "patch", "delete", "fetch")
_ACTS_BY_SCRIPT = re.compile(r"fetch\s*\(|XMLHttpRequest|submit\s*\(|click\s*\(|dispatchEvent")
_SETS_VALUES = re.compile(r"\bvalue\b['\"]?\]?\s*(?:=(?!=)|,)|\.set\b|setRangeText|insertText|passw", re.IGNORECASE)

# Value, name and autocomplete of the filled password fields of the form that a control belongs to; where there is no
# form, of the part of the page that holds both.
_PASSWORDS_OF_FORM = """(elements) => {
  const fields = (root, keep) => [...root.querySelectorAll('input[type=password]')]
    .filter((e) => e.value && keep(e)).map((e) => [e.value, e.name || e.id, e.autocomplete || '']);
  for (const e of elements) {
    const form = e.form || e.closest('form');
    if (form) return fields(e.getRootNode(), (field) => field.form === form);
    for (let part = e.parentElement, n = 0; part && n < 4; part = part.parentElement, n++) {
      if (part.querySelector('input[type=password]')) return fields(part, (field) => !field.form);
    }
  }
  return [];
}"""
_PASSWORDS_OF_FOCUS = f"() => ({_PASSWORDS_OF_FORM})(document.activeElement ? [document.activeElement] : [])"
_PASSWORDS_AT = f"""([x, y]) => {{
  const e = document.elementFromPoint(x, y);
  return ({_PASSWORDS_OF_FORM})(e ? [e] : []);
}}"""
_PASSWORDS_OF_PAGE = """() => [...document.querySelectorAll('input[type=password]')]
  .filter((e) => e.value).map((e) => [e.value, e.name || e.id, e.autocomplete || ''])"""

Current = Callable[[], "RunRecorder | None"]


def watch_actions(current: Current, pages: Callable[[], list[Page]]) -> None:
    """Tell a recorder of acts, typed texts and own requests from now on.

    Args:
        current: Gives the recorder of the run that is going on.
        pages: Gives its open pages.
    """
    from playwright.async_api import APIRequestContext, ElementHandle, Frame, Keyboard, Locator, Mouse, Page

    for owner in (Page, Frame, Locator, ElementHandle, Keyboard, Mouse):
        for names, watch in (
            (_TYPING, _watch_typing),
            (_SUBMITTING, _watch_submitting),
            (_OTHER_ACTS, _watch_act),
            (_EVALUATING, _watch_script),
        ):
            for name in names:
                if hasattr(owner, name):
                    watch(owner, name, current, pages)
    _watch_goto(Page, current)
    for name in _SENDING:
        _watch_own_request(APIRequestContext, name, current)


def _watch_act(owner: type, name: str, current: Current, pages: Callable[[], list[Page]]) -> None:
    original = getattr(owner, name)

    @wraps(original)
    async def act(self: Any, *args: Any, **options: Any) -> Any:
        if (recorder := current()) is not None:
            recorder.note_act()
            await _note_agreement(recorder, self, args)
        return await original(self, *args, **options)

    setattr(owner, name, act)


def _watch_submitting(owner: type, name: str, current: Current, pages: Callable[[], list[Page]]) -> None:
    """Watch an act that may submit the form that its target belongs to."""
    original = getattr(owner, name)

    @wraps(original)
    async def act(self: Any, *args: Any, **options: Any) -> Any:
        if (recorder := current()) is not None:
            recorder.note_act()
            await _note_agreement(recorder, self, args)
            if recorder.logins.may_hold_password:
                recorder.logins.note_submit(await _quickly(_passwords_of_form(self, args, options, pages())) or ())
        return await original(self, *args, **options)

    setattr(owner, name, act)


async def _note_agreement(recorder: RunRecorder, target: Any, args: tuple[Any, ...]) -> None:
    if args and hasattr(target, "locator") and not hasattr(target, "evaluate_all"):
        target = target.locator(args[0])  # an act of a page or a frame names its element
    if not (hasattr(target, "evaluate_all") and may_be_assent(target)):
        return
    recorder.assents_looked_at[repr(target)] += 1
    if recorder.assents_looked_at[repr(target)] <= _MOST_LOOKS:
        label = await _quickly(unwatched(target, "evaluate_all")(AGREEMENT))
        if isinstance(label, str) and label not in recorder.agreements:
            recorder.agreements.append(label)


def _watch_script(owner: type, name: str, current: Current, pages: Callable[[], list[Page]]) -> None:
    """Watch scripts that the automation runs in a page: they may act, and they may set the value of a field."""
    original = getattr(owner, name)

    @wraps(original)
    async def run_script(self: Any, *args: Any, **options: Any) -> Any:
        recorder = current()
        if recorder is None:
            return await original(self, *args, **options)
        if recorder.trace is not None:
            recorder.trace.note("script", *args, *options.values())
        source = " ".join(map(str, (*args, *options.values())))
        if _ACTS_BY_SCRIPT.search(source):
            recorder.note_act()
            page = getattr(self, "page", self)
            if recorder.logins.may_hold_password and hasattr(page, "frames"):
                for found in await _quickly(unwatched(page, "evaluate")(_PASSWORDS_OF_PAGE)) or ():
                    recorder.logins.note_password(*found)
        if _SETS_VALUES.search(source):
            recorder.logins.may_hold_password = True
        value = await original(self, *args, **options)
        if recorder.trace is not None:
            recorder.trace.note_read(value)
        return value

    setattr(owner, name, run_script)


def _watch_typing(owner: type, name: str, current: Current, pages: Callable[[], list[Page]]) -> None:
    original = getattr(owner, name)

    @wraps(original)
    async def type_text(self: Any, *args: Any, **options: Any) -> Any:
        recorder = current()
        if recorder is None or (_takes_selector(owner) and not (args or "selector" in options)):
            return await original(self, *args, **options)
        recorder.note_act()
        text = _typed_text(args, options, by_selector=_takes_selector(owner))
        recorder.logins.note_text(text.rstrip("\r\n"))
        if recorder.trace is not None:
            recorder.trace.note_typed(text.rstrip("\r\n"))
        if not hasattr(self, "get_attribute"):  # the keyboard types wherever the focus is
            recorder.logins.may_hold_password = True
            return await original(self, *args, **options)
        field = _target(self, args, options)
        if text.endswith(("\r", "\n")):  # this submits the form
            await _note_typed(recorder, field, text.rstrip("\r\n"), field.get_attribute("type"), submits=True)
            return await original(self, *args, **options)
        # sent along with the typing, so that it costs no round trip of its own
        kind = asyncio.ensure_future(field.get_attribute("type"))
        try:
            return await original(self, *args, **options)
        finally:
            await _note_typed(recorder, field, text, kind)

    setattr(owner, name, type_text)


async def _note_typed(
    recorder: RunRecorder, field: Any, text: str, kind: Awaitable[str | None], *, submits: bool = False
) -> None:
    is_password = await _quickly(kind) == "password"
    if not (is_password or recorder.logins.expects_code):
        return
    names = ("name", "id", "autocomplete")
    name, id_, autocomplete = await asyncio.gather(*(_quickly(field.get_attribute(each)) for each in names))
    if is_password:
        recorder.logins.note_password(text, name or id_ or "", autocomplete or "")
        if submits:
            recorder.logins.note_submit([(text, name or id_ or "", autocomplete or "")])
    elif "one-time-code" in (autocomplete or ""):
        recorder.logins.note_code(text)


def _watch_goto(owner: type[Page], current: Current) -> None:
    """Have challenges of HTTP authentication and limits of the site's met where the automation opens an address."""
    original = owner.goto

    @wraps(original)
    async def goto(self: Page, url: str, **options: Any) -> Any:
        recorder = current()
        if recorder is None:
            return await original(self, url, **options)
        opened = await recorder.challenges.goto(self, original.__get__(self), url, options)
        while opened is not None and await recorder.pace.wait(opened.status, opened.headers):
            opened = await recorder.challenges.goto(self, original.__get__(self), url, options)
        return opened

    owner.goto = goto  # type: ignore[method-assign]  # that is the purpose


def _watch_own_request(owner: type, name: str, current: Current) -> None:
    original = getattr(owner, name)

    @wraps(original)
    async def send(self: Any, url_or_request: Any, **options: Any) -> Any:
        recorder = current()
        if recorder is None:
            return await original(self, url_or_request, **options)
        method = name if name != "fetch" else options.get("method") or getattr(url_or_request, "method", None) or "GET"
        recorder.note_own_request(str(method), url_or_request, options)
        own, safe = recorder.own_headers, str(method).upper() in SAFE

        async def send_one(target: Any, **options: Any) -> Any:
            if own is None or not isinstance(target, str):
                return await original(self, target, **options)
            return await send_own(own, original.__get__(self), target, str(method).upper(), options)

        response = await send_one(url_or_request, **options)
        target = url_or_request
        if answer := recorder.challenges.header(response.status, response.headers, response.url, str(method)):
            await response.dispose()
            options["headers"] = {**(options.get("headers") or {}), **answer}
            if safe and isinstance(url_or_request, str):
                # The answer may hold for one address only: that to which the request was led, with its query.
                target = response.url
                options.pop("params", None)
            response = await send_one(target, **options)
            recorder.challenges.note_own(response.status)
        while safe and await recorder.pace.wait(response.status, response.headers):
            await response.dispose()
            response = await send_one(target, **options)
        recorder.note_own_answer(str(method), response)
        return response

    setattr(owner, name, send)


async def _passwords_of_form(target: Any, args: Any, options: Any, pages: list[Page]) -> Any:
    if hasattr(target, "goto") and (args or "selector" in options):
        target = _target(target, args, options)
    if hasattr(target, "evaluate_all"):
        return await unwatched(target, "evaluate_all")(_PASSWORDS_OF_FORM)
    if hasattr(target, "owner_frame"):
        return await unwatched(target, "evaluate")(f"(e) => ({_PASSWORDS_OF_FORM})([e])")
    for page in pages:
        if target is page.keyboard:
            return await unwatched(page, "evaluate")(_PASSWORDS_OF_FOCUS)
        if target is page.mouse and len(args) >= 2:
            return await unwatched(page, "evaluate")(_PASSWORDS_AT, list(args[:2]))
    return None


def _target(owner: Any, args: Any, options: Any) -> Any:
    """Return the element that a call is about; methods of pages and frames take its selector first."""
    return owner.locator(args[0] if args else options["selector"]) if hasattr(owner, "goto") else owner


def _takes_selector(owner: type) -> bool:
    return hasattr(owner, "goto")


def _typed_text(args: Any, options: Any, *, by_selector: bool) -> str:
    given = args[1:] if by_selector else args
    return str(given[0] if given else options.get("value", options.get("text", "")))


async def _quickly(call: Awaitable[Any]) -> Any:
    """Return the answer of a look at a page, or None if it fails or takes long: the automation must not wait for it."""
    from playwright.async_api import Error

    try:
        return await asyncio.wait_for(call, _LOOK_SECONDS)
    except (Error, TimeoutError):
        return None
