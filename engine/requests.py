"""Checks a request before anything is done: what is refused here has cost nothing and left nothing."""

from __future__ import annotations

import json
import math
import secrets as random
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from engine.errors import InvalidRequest
from engine.redaction import secret_names
from engine.schema import OutputSchema
from engine.task import AiMode, IfInterrupted, Limits, TaskRequest

if TYPE_CHECKING:
    from engine.bundles import BundleMeta

_ID_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LONGEST_KEY = 1000
_DEEPEST = 90  # levels of lists and objects; the sandbox's messages hold ten more


def new_id(prefix: str) -> str:
    """A random id, as the wire contract writes them: ``wt_…`` for tasks, ``wtr_…`` for keys."""
    return prefix + "".join(random.choice(_ID_ALPHABET) for _ in range(21))


def build(
    task: str,
    *,
    start_url: str | None,
    parameters: Mapping[str, Any] | None,
    output_schema: OutputSchema | None,
    reuse_key: str | None,
    model: str | None,
    ai: AiMode,
    timeout: float | None,
    budget_usd: float | None,
    secrets: Collection[str],
    allow_hosts: Collection[str],
    limits: Limits,
    if_interrupted: IfInterrupted = "fail",
    idempotency_key: str | None = None,
    trust_start_url: bool = True,
) -> TaskRequest:
    """A checked request.

    Raises:
        InvalidRequest: Something is malformed; ``details["field"]`` names it.
    """
    if not isinstance(task, str) or not task.strip():
        raise InvalidRequest("task is empty; say in plain words what is to be done", field="task")
    if ai not in ("auto", "never"):
        raise InvalidRequest(f'ai must be "auto" or "never", not {ai!r}', field="ai")
    if if_interrupted not in ("fail", "rerun"):
        raise InvalidRequest(
            f'if_interrupted must be "fail" or "rerun", not {if_interrupted!r}', field="if_interrupted"
        )  # fmt: skip
    checked = _parameters(parameters)
    for name in strings("secrets", secrets):
        if name not in checked:
            raise InvalidRequest(f"secrets names {name!r}, which is no parameter", field="secrets")
    return TaskRequest(
        task=_text(task.strip(), "task"),
        start_url=_url(start_url),
        parameters=checked,
        output_schema=output_schema.json_schema if output_schema else None,
        reuse_key=_short("reuse_key", reuse_key) or new_id("wtr_"),
        model=model,
        ai=ai,
        secrets=secret_names(checked, secrets),
        allow_hosts=origins(strings("allow_hosts", allow_hosts)),
        limits=_limits(limits, timeout, budget_usd),
        if_interrupted=if_interrupted,
        idempotency_key=_short("idempotency_key", idempotency_key),
        trust_start_url=trust_start_url,
    )


def strings(field: str, names: Collection[str]) -> Collection[str]:
    """The names, when they are a list of strings.

    Raises:
        InvalidRequest: They are not.
    """
    if isinstance(names, (str, bytes)) or not all(isinstance(name, str) for name in names):
        raise InvalidRequest(f"{field} takes a list of strings, not {names!r}", field=field)
    return names


def to_adopt(
    meta: BundleMeta, good: Mapping[str, Any], given: Mapping[str, Any], other: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """The parameters that an edited automation is tried with, and the names of the secret ones.

    Args:
        good: Those of a good run.
        other: Those of the second run.

    Raises:
        InvalidRequest: Some are not known.
    """
    known = {**good, **given}
    if missing := sorted(set(meta.parameters) - set(known)):
        raise InvalidRequest(
            f"no good run is known whose parameters could be taken; give {', '.join(missing)}", field="parameters"
        )
    secret = [name for name, each in meta.parameters.items() if each.secret]
    if visible := sorted(set(secret) & set(other)):
        raise InvalidRequest(f"{', '.join(visible)}: a secret stays the same", field="other_parameters")
    return known, secret


def _parameters(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    if parameters is None:
        return {}
    if not isinstance(parameters, Mapping) or not all(isinstance(k, str) for k in parameters):
        raise InvalidRequest("parameters must be a dict whose keys are strings", field="parameters")
    try:
        text = json.dumps(dict(parameters), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"parameters are not JSON: {error}", field="parameters") from None
    _text(json.dumps(dict(parameters), ensure_ascii=False), "parameters")
    checked: dict[str, Any] = json.loads(text)
    if _deeper_than(_DEEPEST, checked):
        raise InvalidRequest(f"parameters are nested deeper than {_DEEPEST} levels", field="parameters")
    return checked


def _text(text: str, field: str) -> str:
    """Text that every part can write: no half of a surrogate pair, which neither UTF-8 nor a database can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"{field} holds a character that is not Unicode text: {error}", field=field) from None
    return text


def _deeper_than(levels: int, value: Any) -> bool:
    level = [value]
    for _ in range(levels):
        level = [
            child
            for parent in level
            if isinstance(parent, (dict, list))
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return bool(level)


def _url(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except (ValueError, AttributeError):
        valid = False
    if not valid or any(c.isspace() or ord(c) < 32 for c in url):
        raise InvalidRequest(f"start_url must be an http or https URL, not {url!r}", field="start_url")
    return _text(url, "start_url")


def origins(hosts: Collection[str]) -> tuple[str, ...]:
    """Origins in full, with their ports.

    Raises:
        InvalidRequest: One of them is none.

    >>> origins(["intranet.example", "http://127.0.0.1:8000/"])
    ('https://intranet.example:443', 'http://127.0.0.1:8000')
    """
    return tuple(_origin(host) for host in hosts)


def _origin(host: str) -> str:
    try:
        parts = urlsplit(host if "//" in host else f"https://{host}")
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.path in ("", "/")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        valid, port = False, 0
    if not valid:
        raise InvalidRequest(
            f"allow_hosts takes origins such as http://intranet:8080, not {host!r}", field="allow_hosts"
        )
    name = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    return f"{parts.scheme}://{name}:{port}"


def _short(field: str, key: str | None) -> str | None:
    if key is None:
        return None
    if not isinstance(key, str) or not 1 <= len(key) <= _LONGEST_KEY:
        raise InvalidRequest(f"{field} must be a string of 1 to {_LONGEST_KEY} characters", field=field)
    return _text(key, field)


def _limits(limits: Limits, timeout: float | None, budget_usd: float | None) -> Limits:
    changed = {k: v for k, v in (("timeout", timeout), ("budget_usd", budget_usd)) if v is not None}
    for name, value in changed.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not number or value < 0 or (name == "timeout" and value == 0):
            what = "a positive number of seconds" if name == "timeout" else "dollars, zero or more"
            raise InvalidRequest(f"{name} must be {what}, not {value!r}", field=name)
    try:
        return Limits.model_validate(limits.model_dump() | changed)
    except ValidationError as error:
        raise InvalidRequest(f"limits: {error}", field="limits") from None


def start_origin(url: str | None) -> tuple[str, ...]:
    """The exact origin of a start URL, which may be private or loopback because the user named it.

    >>> start_origin("http://127.0.0.1:8000/list?page=2")
    ('http://127.0.0.1:8000',)
    """
    return () if url is None else (_origin(f"{urlsplit(url).scheme}://{urlsplit(url).netloc.rpartition('@')[2]}"),)


def trusted_origin(request: TaskRequest, url: str | None) -> tuple[str, ...]:
    """The origin of a start URL, the request's or its bundle's, unless whoever asks may not name private addresses."""
    return start_origin(url) if request.trust_start_url else ()
