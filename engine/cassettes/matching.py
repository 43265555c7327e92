"""The comparison of a request with recorded ones: method, URL and body, without what the options name."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

from engine.cassettes.options import CassetteOptions
from sandbox.egress.tape import Sent

_TELLING = ("accept", "authorization", "cookie", "hx-request", "range", "x-requested-with")
_BOUNDARY = re.compile(r'boundary="?([^";\s]+)"?', re.IGNORECASE)
_FIELD = re.compile(rb'\bname="([^"]*)"')

Key = tuple[str, str, str, str]


def key_of(method: str, url: str, content_type: str, body: bytes, part: str, options: CassetteOptions) -> Key:
    """Return what two equal requests have in common.

    Args:
        part: The Range header: another part of a file is another answer.
    """
    return method, without_query(url, options.ignore_query), part, body_digest(content_type, body, options.ignore_body)


def without_query(url: str, ignored: Collection[str]) -> str:
    """Return a URL without some of its query parameters, and else as it is written.

    >>> without_query("http://a.test/list?page=2&_=17", ("_",))
    'http://a.test/list?page=2'
    """
    path, mark, query = url.partition("?")
    if not mark or not ignored:
        return url
    kept = [pair for pair in query.split("&") if unquote_plus(pair.partition("=")[0]) not in ignored]
    return f"{path}?{'&'.join(kept)}" if kept else path


def body_digest(content_type: str, body: bytes, ignored: Collection[str]) -> str:
    """Return a hash of a request's body, without fields of these names and without what separates a form's parts."""
    return hashlib.sha256(_plain(content_type, body, ignored)).hexdigest() if body else ""


def _plain(content_type: str, body: bytes, ignored: Collection[str]) -> bytes:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data" and (boundary := _BOUNDARY.search(content_type)):
        parts = body.split(b"--" + boundary[1].encode())
        return b"--".join(part for part in parts if not _is_field_of(part, ignored))
    if not ignored:
        return body
    if kind == "application/x-www-form-urlencoded":
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        return urlencode([pair for pair in pairs if pair[0] not in ignored]).encode()
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return body
    return json.dumps(_without(data, ignored), sort_keys=True).encode()


def _is_field_of(part: bytes, ignored: Collection[str]) -> bool:
    named = _FIELD.search(part[:1_000])
    return named is not None and named[1].decode("utf-8", "replace") in ignored


def _without(data: Any, ignored: Collection[str]) -> Any:
    if isinstance(data, dict):
        return {name: _without(value, ignored) for name, value in data.items() if name not in ignored}
    if isinstance(data, list):
        return [_without(item, ignored) for item in data]
    return data


def variant_of(sent: Sent) -> dict[str, str]:
    """Return what a request's headers say of what it wants, and of who sends it: credentials as a hash, or not at all.

    A page before and after the login has the same address; so have a page and the data that it fetches.
    """
    found = {name: value for name in _TELLING if (value := sent.header(name)) is not None}
    if "authorization" in found:
        found["authorization"] = "given"
    if "cookie" in found:
        pairs = sorted(pair.strip() for pair in found["cookie"].split(";"))
        found["cookie"] = hashlib.sha256("; ".join(pairs).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return found


def same_variant(one: Mapping[str, str], other: Mapping[str, str], ignored: Collection[str]) -> bool:
    """Return True where two requests are told apart by none of their headers."""
    left_out = {name.lower() for name in ignored}
    return all(one.get(name) == other.get(name) for name in (*_TELLING,) if name not in left_out)
