"""Engine errors on the command line: in the terms of its options, and as JSON."""

from __future__ import annotations

import re
import shlex
from typing import Any

from engine import errors
from engine.errors import EngineError, TaskNotFound

# The engine's arguments whose options have other names; the rest differ by dashes only.
_OPTIONS = {
    "task": "TASK",
    "output_schema": "--schema",
    "reuse_key": "--key",
    "budget_usd": "--budget",
    "secrets": "--secret",
    "allow_hosts": "--allow-host",
    "other_parameters": "--other",
    "headers": "--header",
    "user_agent": "--user-agent",
}
_SAME_NAME = (
    "start_url", "parameters", "model", "ai", "timeout", "trust", "provenance", "trace", "if_interrupted",
    "idempotency_key", "workspace", "isolation", "browser", "locale", "timezone", "viewport",
    "base_url", "window", "egress", "proxy", "status", "limit", "offset", "max_tasks", "max_pending", "usd_per_day",
    "key_usd_per_day", "base_path", "public_url",
    "wait_timeout", "record", "replay",
)  # fmt: skip


_NAMES = (*_OPTIONS, *_SAME_NAME)
_ARGUMENT = re.compile(
    rf"""(?<![\w?&/.(])({"|".join(_NAMES)})="""
    r"""(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|\[(?P<list>[^\]]*)\]|(?P<none>None)\b|(?P<word>[A-Z]+\b)"""
    r"""|(?=[\s,;.)]|$))"""
)
# Only names that are no words of English; and not in an address, nor where they are quoted and so may be a page's.
_BARE = re.compile(rf"""(?<![\w?&/.('"`=-])({"|".join(name for name in _NAMES if "_" in name)})(?![\w'"`=(])""")
_PART_OF_BROWSER = re.compile(r"^browser: (user_agent|locale|timezone|viewport|headers)[.\w]*: ")


def name_options(text: str) -> str:
    """Put options in place of the engine's arguments, which messages write as ``name="value"`` or ``name=VALUE``.

    Values are quoted for a shell, so that what is shown can be run.

    >>> name_options('run again with ai="auto", or check proxy=')
    'run again with --ai auto, or check --proxy'
    >>> name_options('add allow_hosts=["http://localhost:4000"], or raise usd_per_day')
    'add --allow-host http://localhost:4000, or raise --usd-per-day'
    >>> name_options('set user_agent="Mozilla/5.0 (X11)" if the terms allow that')
    "set --user-agent 'Mozilla/5.0 (X11)' if the terms allow that"
    """

    def as_option(match: re.Match[str]) -> str:
        option = _option(match[1])
        if match["none"]:
            return f"no {option}"
        values = re.findall(r"""["']([^"']*)["']|([^\s,"']+)""", match["list"] or "")
        if values:
            return " ".join(f"{option} {shlex.quote(quoted or plain)}" for quoted, plain in values)
        value = match["double"] or match["single"] or match["word"]
        return f"{option} {shlex.quote(value)}" if value else option

    return _BARE.sub(lambda match: _option(match[1]), _ARGUMENT.sub(as_option, text))


def message_for_user(error: EngineError) -> str:
    """Return the error's message in terms of options, in place of the engine's arguments.

    >>> message_for_user(errors.InvalidRequest("start_url must be an http or https URL", field="start_url"))
    '--start-url must be an http or https URL'
    >>> message_for_user(errors.InvalidRequest("browser: viewport.0: must be a number", field="browser"))
    '--viewport: must be a number'
    """
    field, message = str(error.details.get("field", "")), error.message
    message = _PART_OF_BROWSER.sub(r"\1: ", message) if field == "browser" else message
    field = message.partition(":")[0] if field == "browser" else field
    if field in (*_OPTIONS, *_SAME_NAME) and message.startswith((f"{field} ", f"{field}:")):
        message = _option(field) + message.removeprefix(field)
    return name_options(message)


def _option(argument: str) -> str:
    return _OPTIONS.get(argument) or f"--{argument.replace('_', '-')}"


def error_to_json(error: EngineError) -> dict[str, Any]:
    """Return the error as ``type``, ``message`` and ``details``.

    >>> error_to_json(EngineError("the disk is full", path="/store"))
    {'type': 'EngineError', 'message': 'the disk is full', 'details': {'path': '/store'}}
    """
    return {"type": type(error).__name__, "message": error.message, "details": error.details}


def error_from_json(data: dict[str, Any]) -> EngineError:
    """Rebuild an error that another process wrote with ``error_to_json``.

    >>> error_from_json({"type": "StoreError", "message": "the disk is full", "details": {}})
    StoreError('the disk is full')
    """
    kind = getattr(errors, data["type"], EngineError)
    if kind is TaskNotFound:
        return TaskNotFound(data["details"]["task_id"])
    known = isinstance(kind, type) and issubclass(kind, EngineError)
    return (kind if known else EngineError)(data["message"], **data["details"])
