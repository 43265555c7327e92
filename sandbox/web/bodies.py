"""Bodies of requests: JSON, and forms in the three ways in which browsers send them."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any
from urllib.parse import quote_from_bytes

from sandbox.web.errors import WebError
from sandbox.web.form_fields import File, Pairs

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_LINE_ENDS = re.compile(r"\r\n|\r|\n")


def json_body(value: Any) -> tuple[bytes, str]:
    """Return a value as a JSON body, and its type."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(), "application/json"


def own_body(data: str | bytes) -> tuple[bytes, str]:
    """Return a body that code has written itself, and its type.

    Raises:
        WebError: It is neither text nor bytes.
    """
    if isinstance(data, str):
        return data.encode(), "text/plain;charset=UTF-8"
    if not isinstance(data, bytes):
        message = f"data= is text or bytes, not {type(data).__name__}: fields of a form go by form=, JSON by json="
        raise WebError(message, reason="use")
    return data, "application/octet-stream"


def form_body(pairs: Pairs, kind: str = URLENCODED, charset: str = "utf-8") -> tuple[bytes, str]:
    """Return the fields of a form as a body, and its type.

    >>> form_body([("q", "a b&c"), ("name", "Zoë")])
    (b'q=a+b%26c&name=Zo%C3%AB', 'application/x-www-form-urlencoded')
    """
    if kind == MULTIPART:
        return _multipart(pairs, charset)
    if kind == "text/plain":
        lines = [f"{name}={_text(value)}\r\n" for name, value in pairs]
        return "".join(lines).encode(charset, "xmlcharrefreplace"), kind
    return urlencoded(pairs, charset).encode("ascii"), URLENCODED


def urlencoded(pairs: Pairs, charset: str = "utf-8") -> str:
    """Return the fields of a form as they stand in a query; what the charset lacks becomes a character reference."""
    return "&".join(f"{_quoted(name, charset)}={_quoted(_text(value), charset)}" for name, value in pairs)


def _text(value: str | File) -> str:
    return value.name if isinstance(value, File) else _LINE_ENDS.sub("\r\n", value)


def _quoted(text: str, charset: str) -> str:
    data = _LINE_ENDS.sub("\r\n", text).encode(charset, "xmlcharrefreplace")
    return quote_from_bytes(data, safe=" *-._").replace(" ", "+").replace("~", "%7E")


def _multipart(pairs: Pairs, charset: str) -> tuple[bytes, str]:
    edge = f"----WebKitFormBoundary{secrets.token_hex(8)}"
    parts: list[bytes] = []
    for name, value in pairs:
        head = f'--{edge}\r\nContent-Disposition: form-data; name="{_escaped(_LINE_ENDS.sub(chr(13) + chr(10), name))}"'
        if isinstance(value, File):
            head += f'; filename="{_escaped(value.name)}"\r\nContent-Type: {value.content_type}'
            content = value.content
        else:
            content = _text(value).encode(charset, "xmlcharrefreplace")
        parts += [head.encode(charset, "xmlcharrefreplace"), b"\r\n\r\n", content, b"\r\n"]
    parts.append(f"--{edge}--\r\n".encode())
    return b"".join(parts), f"{MULTIPART}; boundary={edge}"


def _escaped(text: str) -> str:
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
