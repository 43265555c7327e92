"""Inside the jail: exceptions of an automation, as data: its own lines, a short message, a kind to branch on."""

from __future__ import annotations

import linecache
import traceback
from typing import Any

from sandbox.errors import AskRefused
from sandbox.toolkit import GateRefused, RehearsalComplete

_MESSAGE_LIMIT = 2_000
_CALL_LOG_LINES = 6
_FRAMES = 8


def forget_sources() -> None:
    """Forget what was remembered."""
    linecache.clearcache()


def remember_source(name: str, source: str) -> None:
    """Let tracebacks show the lines of code that has no file here."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)


def describe(error: BaseException, names: tuple[str, ...], *, crashed: bool) -> dict[str, Any]:
    """A `ScriptError`, as JSON.

    Args:
        error: What was raised.
        names: File names of the automation's code; only lines of these are shown.
        crashed: The browser or the page crashed during the run.
    """
    message = _shorten(str(error))
    line = None
    if isinstance(error, SyntaxError) and error.filename in names:
        line = error.lineno
        shown = f"  line {error.lineno}: {(error.text or '').strip()}"
    else:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in names]
        line = frames[-1].lineno if frames else None
        shown = "\n".join(f"  line {frame.lineno}, in {frame.name}: {frame.line}" for frame in frames[-_FRAMES:])
    return {
        "type": type(error).__name__,
        "message": message,
        "traceback": shown[:_MESSAGE_LIMIT],
        "line": line,
        "kind": _kind(error, message, crashed=crashed),
    }


def _kind(error: BaseException, message: str, *, crashed: bool) -> str:
    from playwright.async_api import Error
    from playwright.async_api import TimeoutError as WaitedInVain

    if isinstance(error, RehearsalComplete):
        return "rehearsal"
    if isinstance(error, GateRefused):
        return "gate"
    if isinstance(error, AskRefused):
        return "ask"
    if crashed and isinstance(error, Error):
        return "crash"
    if isinstance(error, WaitedInVain):
        return "timeout"
    if isinstance(error, Error):
        if "net::ERR_" in message:
            return "navigation"
        if "crashed" in message:
            return "crash"
    return "script"


def _shorten(message: str) -> str:
    """Playwright appends its call log, which repeats itself: the first lines, and what is in the way, say it all."""
    text, mark, log = message.partition("Call log:")
    if mark:
        lines = log.strip("\n").splitlines()
        if len(lines) > _CALL_LOG_LINES:
            in_the_way = [line for line in lines[_CALL_LOG_LINES:] if "intercepts pointer events" in line][:1]
            lines = [*lines[:_CALL_LOG_LINES], "  …", *in_the_way]
        message = "\n".join([text.rstrip() + "\nCall log:", *lines])
    return message if len(message) <= _MESSAGE_LIMIT else message[:_MESSAGE_LIMIT] + "…"
