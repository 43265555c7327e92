"""Validation of a request before anything is stored or spent."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import AnyUrl, ValidationError

from engine.errors import InvalidRequest
from engine.task.browser_options import BrowserOptions
from engine.task.ids import LONGEST_KEY, new_id
from engine.task.json_values import as_json
from engine.task.origins import origins
from engine.task.redaction import Redactor, secret_names, secret_values, secrets_of_urls
from engine.task.schema import OutputSchema
from engine.task.wire import AiMode, IfInterrupted, Limits, ProvenanceMode, TaskRequest, TrustMode

_LARGEST_SECRETS = 64 << 10  # bytes
_LONGEST_TASK = 100_000  # characters; a model pays for them in each call
_MOST_SECRETS = 1_000


def build(
    task: str | None,
    *,
    start_url: str | AnyUrl | None,
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
    browser: BrowserOptions | Mapping[str, Any] | None = None,
    trust: TrustMode = "strict",
    provenance: ProvenanceMode = "auto",
    trace: bool = False,
    if_interrupted: IfInterrupted = "fail",
    idempotency_key: str | None = None,
    trust_start_url: bool = True,
) -> TaskRequest:
    """Return a validated request.

    Raises:
        InvalidRequest: An argument is malformed; ``details["field"]`` names it.
    """
    if task is None and reuse_key is None:
        raise InvalidRequest("task is missing; describe what is to be done, or name a saved automation", field="task")
    if task is not None and (not isinstance(task, str) or not task.strip()):
        raise InvalidRequest("task is empty; describe in plain words what is to be done", field="task")
    if task is not None and len(task) > _LONGEST_TASK:
        raise InvalidRequest(
            f"task has {len(task):,} characters, at most {_LONGEST_TASK:,} are read: pass data as parameters",
            field="task",
        )
    task = task or ""
    _check_word("ai", ai, AiMode)
    _check_word("trust", trust, TrustMode)
    _check_word("provenance", provenance, ProvenanceMode)
    _check_word("if_interrupted", if_interrupted, IfInterrupted)
    checked = _parameters(parameters)
    for name in strings("secrets", secrets):
        if name not in checked:
            raise InvalidRequest(f"secrets names {name!r}, which is not a parameter", field="secrets")
    url, http_login = split_userinfo(_url(start_url))
    in_urls = secrets_of_urls(task, http_login, checked)
    hidden = secret_names(checked, secrets) | set(in_urls)
    _check_secrets({**checked, **in_urls}, hidden)
    _check_trace(trace, hidden)
    return TaskRequest(
        task=_text(task.strip(), "task"),
        start_url=url,
        parameters=checked,
        output_schema=output_schema.json_schema if output_schema else None,
        reuse_key=_key("reuse_key", reuse_key) or new_id("wtr_"),
        model=model,
        ai=ai,
        secrets=hidden,
        http_login=http_login,
        allow_hosts=origins(strings("allow_hosts", allow_hosts)),
        limits=_limits(limits, timeout, budget_usd),
        browser=_browser(browser, checked, Redactor(checked, hidden)),
        trust=trust,
        provenance=provenance,
        trace=trace,
        if_interrupted=if_interrupted,
        idempotency_key=_key("idempotency_key", idempotency_key),
        trust_start_url=trust_start_url,
    )


def _check_trace(trace: bool, secrets: Collection[str]) -> None:
    """Refuse a trace beside secrets: it holds what is typed and what sites send, and nothing in it can be hidden."""
    if not isinstance(trace, bool):
        raise InvalidRequest(f"trace must be True or False, not {trace!r}", field="trace")
    if trace and secrets:
        raise InvalidRequest(
            f"trace=True is not kept beside secrets ({', '.join(sorted(secrets))}): Playwright's trace holds what is"
            " typed and what sites send, whole; leave it out (trace=False), or use an account without a secret",
            field="trace",
        )


def _check_word(field: str, given: str, allowed: Any) -> None:
    """Refuse a word that is none of a ``Literal``'s."""
    *others, last = (f'"{word}"' for word in get_args(allowed))
    if given not in get_args(allowed):
        raise InvalidRequest(f"{field} must be {', '.join(others)} or {last}, not {given!r}", field=field)


def strings(field: str, names: Collection[str]) -> Collection[str]:
    """Return the names.

    Raises:
        InvalidRequest: They are not a collection of strings.
    """
    if (
        isinstance(names, (str, bytes))
        or not isinstance(names, Iterable)
        or not all(isinstance(name, str) for name in names)
    ):
        raise InvalidRequest(f"{field} takes a list of strings, not {names!r}", field=field)
    return names


def _parameters(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    if parameters is None:
        return {}
    if not isinstance(parameters, Mapping):
        raise InvalidRequest(
            f"parameters must be a dict whose keys are strings, not {type(parameters).__name__}", field="parameters"
        )
    checked: dict[str, Any] = as_json("parameters", parameters)
    return checked


def _check_secrets(parameters: Mapping[str, Any], names: Collection[str]) -> None:
    """Refuse secrets that all that is shown or kept cannot be searched for in good time."""
    values = [value for name in names for value in secret_values(parameters[name])]
    size = sum(len(value.encode()) for value in values)
    if size > _LARGEST_SECRETS or len(values) > _MOST_SECRETS:
        raise InvalidRequest(
            f"the secret parameters {sorted(names)} hold {len(values):,} values of {size:,} bytes in all; at most"
            f" {_MOST_SECRETS:,} values of {_LARGEST_SECRETS:,} bytes are searched for in what is kept or shown: pass"
            " what is not secret under a name that no secret has",
            field="parameters",
        )


def _text(text: str, field: str) -> str:
    """Return the text, or refuse a lone surrogate, which neither UTF-8 nor a database can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"{field} holds a character that is not Unicode text: {error}", field=field) from None
    return text


def _browser(
    given: BrowserOptions | Mapping[str, Any] | None, parameters: Mapping[str, Any], redactor: Redactor
) -> BrowserOptions:
    options = BrowserOptions.parse(given)
    for header, names in options.header_parameters.items():
        if unknown := sorted(names - parameters.keys()):
            raise InvalidRequest(f"browser: {header} names {unknown[0]!r}, which is not a parameter", field="browser")
    for header, value in options.filled(parameters).items():
        if not value.strip() or not value.isascii() or not value.isprintable():
            named = ", ".join(sorted(options.header_parameters[header]))
            message = f"browser: {header} would not be one line of ASCII characters with the value of {named}"
            raise InvalidRequest(message, field="browser")
    if any(redactor.text(text) != text for text in (options.user_agent or "", *options.headers.values())):
        raise InvalidRequest(
            "browser: a secret parameter's value stands in it, and it is saved with the automation; name the parameter"
            ' in the header instead, as in "Bearer {token}", or log in with it',
            field="browser",
        )
    return options


def _url(url: str | AnyUrl | None) -> str | None:
    if url is None:
        return None
    if isinstance(url, AnyUrl):
        url = str(url)
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except (ValueError, AttributeError):
        valid = False
    if not valid or any(c.isspace() or ord(c) < 32 for c in url):
        raise InvalidRequest(f"start_url must be an http or https URL, not {_shown(url)!r}", field="start_url")
    return _text(url, "start_url")


def _shown(url: object) -> str:
    """Return what was given for a URL, without a password."""
    return re.sub(r"(?<=//)[^/?#]*@", "…@", str(url))


def split_userinfo(url: str | None) -> tuple[str | None, tuple[str, str] | None]:
    """Take user name and password out of a URL.

    >>> split_userinfo("http://ada:x@intranet.test/")
    ('http://intranet.test/', ('ada', 'x'))
    """
    if url is None or "@" not in url:  # most requests import no sandbox here
        return url, None
    from sandbox import http_login

    clean, login = http_login.split_userinfo(url)
    return clean, (login.user, login.password) if login is not None else None


def _key(field: str, key: str | None) -> str | None:
    if key is None:
        return None
    if not isinstance(key, str) or not 1 <= len(key) <= LONGEST_KEY:
        raise InvalidRequest(f"{field} must be a string of 1 to {LONGEST_KEY} characters", field=field)
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
