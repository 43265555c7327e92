"""Conversion of a worker's answers to results. Workers are hostile: every field is checked."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlsplit

from sandbox.egress.origins import LONGEST_NAME
from sandbox.page_map import parse_maps
from sandbox.protocol import ProtocolError, checked_list, checked_row, checked_text, checked_whole, is_whole
from sandbox.read_evidence import parse_ambiguous, parse_scrolled, parse_sources, parse_stale
from sandbox.results import ErrorKind, Evidence, Execution, HttpLoginState, PageSnapshot, Picture, ScriptError

if TYPE_CHECKING:
    from sandbox.egress.dialer import Dialer

_MAX_TEXT = 1 << 20  # characters
_MAX_SNAPSHOT = 8 << 20
_MAX_ITEMS = 1_000
_MAX_AGENT = 300


def script_error(data: Any) -> ScriptError | None:
    """Parse a `ScriptError`; None for null."""
    if data is None:
        return None
    data = _object(data)
    kind = data.get("kind")
    if kind not in get_args(ErrorKind):
        raise ProtocolError(f"an error of unknown kind {str(kind)[:50]!r}")
    return ScriptError(
        type=_text(data.get("type"), 200),
        message=_text(data.get("message"), 10_000),
        traceback=_text(data.get("traceback"), 10_000),
        line=_optional(data.get("line"), int),
        kind=kind,
    )


def evidence(data: Any, dialer: Dialer) -> Evidence:
    """Combine the worker's and the network's parts of the `Evidence`."""
    data = _object(data)
    refused = dict.fromkeys(dialer.refused)
    main_refused = None
    if data.get("failed_document") is not None:
        url, failure = _pair(data["failed_document"], str, str)
        name = _host_and_port(url)
        if "ERR_CERT" in failure or "ERR_SSL" in failure:
            refused[name, "tls"] = None
        main_refused = next((reason for host, reason in reversed(refused) if host == name), None)
    maps, broken = parse_maps(data.get("maps", []))
    return Evidence(
        url=_text(data.get("url", "")),
        title=_text(data.get("title", "")),
        text=_text(data.get("text", "")),
        status=_optional(data.get("status"), int),
        documents=tuple(_pair(item, str, int) for item in _list(data.get("documents", []))),
        retry_after=_optional(data.get("retry_after"), str),
        turned_away=tuple(_pair(item, str, int) for item in _list(data.get("turned_away", []))),
        pending_document=_optional(data.get("pending_document"), str),
        answers=tuple(_pair(item, str, int) for item in _list(data.get("answers", []))),
        password_field=data.get("password_field") is True,
        password_filled=data.get("password_filled") is True,
        code_field=data.get("code_field") is True,
        code_sent=data.get("code_sent") is True,
        challenge=data.get("challenge") is True,
        next_controls=tuple(map(_text, _list(data.get("next_controls", [])))),
        next_pages=tuple(map(_text, _list(data.get("next_pages", [])))),
        counts=tuple(_pair(item, str, int) for item in _list(data.get("counts", []))),
        state_changing=tuple(_pair(item, str, str) for item in _list(data.get("state_changing", []))),
        logins=tuple(_pair(item, str, str) for item in _list(data.get("logins", []))),
        agreements=tuple(map(_text, _list(data.get("agreements", [])))),
        background=tuple(_pair(item, str, str) for item in _list(data.get("background", []))),
        own_signatures=tuple(map(_text, _list(data.get("own_signatures", [])))),
        change_signatures=tuple(map(_text, _list(data.get("change_signatures", [])))),
        hosts=tuple(dialer.reached),
        refused=tuple(refused),
        failed_origins=tuple(map(_text, _list(data.get("failed_origins", [])))),
        empty=tuple(_pair(item, str, bool) for item in _list(data.get("empty", []))),
        main_refused=main_refused,
        messages=tuple(map(_text, _list(data.get("messages", [])))),
        examined=_examined(data.get("examined")),
        landmarks=tuple(map(_text, _list(data.get("landmarks", [])))),
        groups=tuple(_pair(item, str, int) for item in _list(data.get("groups", []))),
        http_login=_one_of(data.get("http_login") or "", get_args(HttpLoginState)),
        longest_wait=_seconds(data.get("longest_wait", 0)),
        fetched=data.get("fetched") is True,
        images=checked_whole(data.get("images", 0)),
        inputs=tuple(_pair(item, str, str) for item in _list(data.get("inputs", []))),
        output_read=data.get("output_read") is True,
        notices=tuple(map(_text, _list(data.get("notices", [])))),
        alerts=tuple(map(_text, _list(data.get("alerts", [])))),
        maps=maps,
        unmapped=checked_whole(data.get("unmapped", 0)) + broken,
        ambiguous=parse_ambiguous(data.get("ambiguous", [])),
        stale=parse_stale(data.get("stale", [])),
        scrolled=parse_scrolled(data.get("scrolled")),
        sources=parse_sources(data.get("sources", [])),
        picture=picture(data.get("picture", {})),
        screenshot=_image(data.get("screenshot")),
        legible=_optional(data.get("legible"), str),
    )


def _examined(data: Any) -> tuple[int, int | None] | None:
    if data is None:
        return None
    count, total = checked_row(data, 2)
    return checked_whole(count), _optional(total, int)


def execution(data: Any) -> Execution:
    """Parse an `Execution`."""
    data = _object(data)
    error = script_error(data.get("error"))
    seconds = _seconds(data.get("seconds"))
    output, url, title = (_text(data.get(name)) for name in ("output", "url", "title"))
    parts = tuple(checked_whole(item) for item in _list(data.get("parts", [])))
    if sum(parts) != len(output):
        raise ProtocolError("the parts of an output must be all of it")
    notices = tuple(map(_text, _list(data.get("notices", []))))
    return Execution(error is None, output, error, url, title, seconds, parts, notices)


def snapshot(data: Any) -> PageSnapshot:
    """Parse a `PageSnapshot`."""
    data = _object(data)
    hints = tuple(_pair(item, str, str) for item in _list(data.get("hints", [])))
    return PageSnapshot(_text(data.get("url")), _text(data.get("title")), _text(data.get("aria"), _MAX_SNAPSHOT), hints)


def locators(data: Any, refs: list[str]) -> dict[str, str]:
    """Parse locators by ref."""
    data = _object(data)
    return {ref: _text(data.get(ref)) for ref in refs}


def picture(data: Any) -> Picture | None:
    """Parse a `Picture`; None for an empty object."""
    data = _object(data)
    image = _image(data.get("image"))
    if image is None:
        return None
    boxes = tuple(None if each is None else _box(each) for each in _list(data.get("boxes", [])))
    return Picture(image, _optional(data.get("legible"), str), _text(data.get("url", "")), boxes)


def _box(data: Any) -> tuple[int, int, int, int]:
    left, top, width, height = map(checked_whole, checked_row(data, 4))
    return left, top, width, height


def user_agent(data: Any) -> tuple[str, int]:
    """Parse a user agent and a status."""
    agent, status = _pair(data, str, int)
    if not agent.isprintable() or len(agent) > _MAX_AGENT:
        raise ProtocolError("a user agent must be one short line")
    return agent, status


def _object(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ProtocolError("an answer must be an object")
    return data


def _text(value: Any, limit: int = _MAX_TEXT) -> str:
    return checked_text(value, limit)


def _one_of(value: Any, known: tuple[str, ...]) -> Any:
    if value not in known:
        raise ProtocolError(f"one of {known} was expected")
    return value


def _seconds(value: Any) -> float:
    if not is_whole(value) and not (isinstance(value, float) and value >= 0):
        raise ProtocolError("seconds must be a number")
    return float(value)


def _list(value: Any) -> list[Any]:
    return checked_list(value, _MAX_ITEMS)


def _optional(value: Any, kind: type) -> Any:
    if value is not None and not _is(value, kind):
        raise ProtocolError(f"a {kind.__name__} or null was expected")
    return value


def _is(value: Any, kind: type) -> bool:
    return is_whole(value) if kind is int else isinstance(value, kind)


def _pair(value: Any, first: type, second: type) -> tuple[Any, Any]:
    if not (isinstance(value, list) and len(value) == 2 and _is(value[0], first) and _is(value[1], second)):
        raise ProtocolError(f"a pair of {first.__name__} and {second.__name__} was expected")
    return value[0], value[1]


def _image(value: Any) -> bytes | None:
    if value is None:
        return None
    text = _text(value, 8 * _MAX_TEXT)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error, or not ASCII
        raise ProtocolError("an image must be base64") from None


def _host_and_port(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise ProtocolError("a URL must be valid") from None
    host = parts.hostname or ""
    name = f"[{host}]:{port}" if ":" in host else f"{host.rstrip('.')}:{port}"
    return name[:LONGEST_NAME]  # as it is recorded
