"""Exceptions of an automation as data: its own lines, a short message, and a kind to branch on."""

from __future__ import annotations

import linecache
import re
import traceback
from types import TracebackType
from typing import Any

from sandbox.errors import AskRefused
from sandbox.inside.overrun import StillRunning
from sandbox.inside.remedies import remedy
from sandbox.inside.write_guard import WriteBlocked
from sandbox.toolkit import GateRefused, RehearsalComplete
from sandbox.web.errors import WebError

_MESSAGE_LIMIT = 2_000
_CALL_LOG_LINES = 6
_FRAMES = 8
_NAMES = 6  # of the failing line, whose values are shown
_KEYS = 12
_VALUE_LIMIT = 120
_UNANSWERED = ("dns", "refused", "tls", "policy", "closed", "protocol")  # reasons of a `WebError`


def forget_sources() -> None:
    """Forget the sources that `remember_source` keeps."""
    linecache.clearcache()


def remember_source(name: str, source: str) -> None:
    """Keep a source, so that tracebacks show lines of code that is in no file here."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)


def describe(error: BaseException, names: tuple[str, ...], *, crashed: bool) -> dict[str, Any]:
    """Return an exception as a `ScriptError`, in JSON.

    Args:
        error: The exception.
        names: File names of the automation's code; only lines of these are shown.
        crashed: The browser or the page crashed during the run.
    """
    message = _shorten(str(error))
    kind = _kind(error, message, crashed=crashed)
    line = None
    if isinstance(error, SyntaxError) and error.filename in names:
        line = error.lineno
        shown = f"  line {error.lineno}: {(error.text or '').strip()}"
    else:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in names]
        line = frames[-1].lineno if frames else None
        shown = "\n".join(f"  line {frame.lineno}, in {frame.name}: {frame.line}" for frame in frames[-_FRAMES:])
        shown += _values(error.__traceback__, names)
    if isinstance(error, StillRunning) and line is not None:
        message += f" at line {line}"
    hint = remedy(error)
    return {
        "type": type(error).__name__,
        "message": f"{message} ({hint})" if hint else message,
        "traceback": shown[:_MESSAGE_LIMIT],
        "line": line,
        "kind": kind,
    }


def _values(trace: TracebackType | None, names: tuple[str, ...]) -> str:
    """Describe the values of the names in the failing line: texts, numbers, and the keys of dicts."""
    innermost = None
    while trace is not None:
        innermost = trace if trace.tb_frame.f_code.co_filename in names else innermost
        trace = trace.tb_next
    if innermost is None:
        return ""
    line = linecache.getline(innermost.tb_frame.f_code.co_filename, innermost.tb_lineno)
    scope = innermost.tb_frame.f_locals
    used = [name for name in dict.fromkeys(re.findall(r"[A-Za-z_]\w*", line)) if name in scope and name != "parameters"]
    described = [(name, value) for name in used if (value := _describe_value(scope[name]))]
    return "".join(f"\n    {name}: {value}" for name, value in described[:_NAMES])


def _describe_value(value: Any) -> str:
    """Describe a value in a few words, or return "". No text is cut: the redactor would not know a part of a secret."""
    if type(value) is str:
        return repr(value) if len(value) <= _VALUE_LIMIT else f"a text of {len(value)} characters"
    if value is None or type(value) in (bool, int, float):
        return repr(value)
    if type(value) is dict:
        keys = [repr(key) for key in list(value)[:_KEYS] if type(key) is str and len(key) <= _VALUE_LIMIT]
        more = f" and {len(value) - len(keys)} more" if len(value) > len(keys) else ""
        return f"a dict with the keys {', '.join(keys)}{more}" if value else "{}"
    if type(value) in (list, tuple):
        first = _describe_value(value[0]) if value and type(value[0]) not in (list, tuple) else ""
        return f"a {type(value).__name__} of {len(value)}" + (f", first {first}" if first else "")
    return ""


def _kind(error: BaseException, message: str, *, crashed: bool) -> str:
    if isinstance(error, RehearsalComplete):
        return "rehearsal"
    if isinstance(error, GateRefused):
        return "gate"
    if isinstance(error, WriteBlocked):
        return "held"
    if isinstance(error, AskRefused):
        return "ask"
    if isinstance(error, WebError):
        return (
            "timeout"
            if error.reason == "timeout"
            else "navigation"
            if error.reason.partition(":")[0] in _UNANSWERED
            else "script"
        )
    return _kind_in_browser(error, message, crashed=crashed)


def _kind_in_browser(error: BaseException, message: str, *, crashed: bool) -> str:
    try:
        from playwright.async_api import Error
        from playwright.async_api import TimeoutError as PlaywrightTimeout
    except ImportError:  # a worker without a browser
        return "script"
    if crashed and isinstance(error, Error):
        return "crash"
    if isinstance(error, PlaywrightTimeout):
        return "timeout"
    if isinstance(error, Error):
        if "net::ERR_" in message:
            return "navigation"
        if "crashed" in message:
            return "crash"
    return "script"


def _shorten(message: str) -> str:
    """Shorten a message, and Playwright's repetitive call log in it to its first lines and the element in the way."""
    text, mark, log = message.partition("Call log:")
    if mark:
        lines = log.strip("\n").splitlines()
        if len(lines) > _CALL_LOG_LINES:
            in_the_way = [line for line in lines[_CALL_LOG_LINES:] if "intercepts pointer events" in line][:1]
            lines = [*lines[:_CALL_LOG_LINES], "  …", *in_the_way]
        message = "\n".join([text.rstrip() + "\nCall log:", *lines])
    return message if len(message) <= _MESSAGE_LIMIT else message[:_MESSAGE_LIMIT] + "…"
