"""A request that is sent, and the names and texts that it carries, in whatever encoding a form or JSON sends them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

Fields = tuple[tuple[str, str], ...]

LONGEST_BODY = 1 << 18
"""The bytes of the longest body whose fields are looked at; no login is longer."""
_MOST_FIELDS = 5_000


@dataclass(frozen=True)
class SentRequest:
    """The parts of a request that the rules look at.

    Args:
        method: Its method.
        url: Its whole URL.
        body: What it sends.
        content_type: The header that says how the body is encoded; empty where there is none.
        opens_page: It is a navigation of a page; not one of a frame, and no request of a script.
        own: The automation sends it without a page.
    """

    method: str
    url: str
    body: bytes = b""
    content_type: str = ""
    opens_page: bool = False
    own: bool = False

    @property
    def place(self) -> tuple[str, str]:
        """The origin and the path."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", parts.path

    @cached_property
    def fields(self) -> Fields:
        """Names and texts of the body and the query; a name is "" where the encoding has none."""
        query = parse_qsl(urlsplit(self.url).query)
        return (*query, *_body_fields(self.body, self.content_type)) if len(self.body) <= LONGEST_BODY else ()


def words(name: str) -> str:
    """Return a name in lower case, its words separated by hyphens: ``user[newPassword]`` is ``user-new-password``."""
    return re.sub(r"[\s_\[\]$.:-]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)).lower().rstrip("-")


def _body_fields(body: bytes, content_type: str) -> Iterator[tuple[str, str]]:
    kind = content_type.partition(";")[0].strip().lower()
    if not body.strip():
        return
    if kind == "multipart/form-data" or body.startswith(b"--"):
        yield from _multipart(body, content_type)
        return
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        pass
    else:
        yield from leaves(data)
        return
    if kind == "application/x-www-form-urlencoded" or (not kind and re.fullmatch(rb"[^\s=&]+=\S*", body)):
        for pair in body.replace(b"+", b" ").split(b"&")[:_MOST_FIELDS]:
            key, _, value = pair.partition(b"=")
            yield _text(unquote_to_bytes(key)), _text(unquote_to_bytes(value))
    elif kind == "text/plain" and (lines := re.findall(rb"([^=\r\n]+)=([^\r\n]*)\r\n", body)):
        yield from ((_text(key), _text(value)) for key, value in lines[:_MOST_FIELDS])
    else:
        yield "", _text(body)


def _multipart(body: bytes, content_type: str) -> Iterator[tuple[str, str]]:
    if "boundary" not in content_type:
        boundary = _text(body[2:].partition(b"\r\n")[0])
        content_type = f'multipart/form-data; boundary="{boundary}"'
    message = message_from_bytes(b"content-type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n" + body)
    for part in list(message.walk())[:_MOST_FIELDS]:
        name, data = part.get_param("name", "", "content-disposition"), part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(data, bytes):
            yield name, _text(data)


def leaves(data: Any) -> Iterator[tuple[str, str]]:
    """Yield the texts and numbers in JSON, each with the nearest key."""
    level: list[tuple[str, Any]] = [("value", data)]
    for _ in range(_MOST_FIELDS):
        if not level:
            return
        key, value = level.pop()
        if isinstance(value, Mapping):
            level += [(str(name), inner) for name, inner in value.items()]
        elif isinstance(value, list | tuple):
            level += [(key, inner) for inner in value]
        elif isinstance(value, str) or type(value) in (int, float):
            yield key, str(value)


def _text(data: bytes) -> str:
    """Decode a part of a body. A form has the encoding of its page; what is not UTF-8 is read as Windows-1252."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
