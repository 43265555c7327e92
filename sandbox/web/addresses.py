"""Addresses as browsers understand them: what a page's links and a site's redirects lead to."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit, urlunsplit

from sandbox.http_login import HttpLogin, split_userinfo
from sandbox.web.errors import WebError

LONGEST = 64 << 10
_STRIPPED = re.compile(r"[\t\n\r]")
_SPECIAL = re.compile(r"\s*(?:https?:|[/\\?#.]|$)", re.IGNORECASE)
_ORIGIN = re.compile(r"https?://[\w.:-]+(?=[/?#]|\Z)", re.ASCII)
_PLAIN_PATH = re.compile(r"/(?!/)[\w~/-]*(?:\?[\w=&%+~.,:-]*)?", re.ASCII)
_PLAIN = re.compile(r"https?://[\w.:-]+/(?!/)[\w~/-]*(?:\?[\w=&%+~.,:-]+)?", re.ASCII)
_IN_PATH = "/%:@!$&'()*+,;=~[]|^`{}\\-._"
_SHOWN = 300


def join(base: str, reference: str) -> str:
    """Return the address to which a reference in a page leads, with its fragment; as it is where it is no http address.

    >>> join("http://a.test/x/y?z=1", " ../b c\\n.html#d")
    'http://a.test/b%20c.html#d'
    >>> join("http://a.test/x/", r"\\\\b.test\\c"), join("http://a.test/x", "mailto:ada@b.test")
    ('http://b.test/c', 'mailto:ada@b.test')
    """
    origin = _ORIGIN.match(base)
    if origin is not None and _PLAIN_PATH.fullmatch(reference):
        return origin[0] + reference  # as most links have it
    if origin is not None and _PLAIN.fullmatch(reference):
        return reference
    reference = _STRIPPED.sub("", reference).strip("\x00 \x0b\x0c\x1f")
    if _SPECIAL.match(reference):
        head, mark, tail = re.match(r"([^?#]*)([?#]?)(.*)", reference, re.DOTALL).groups()  # type: ignore[union-attr]  # it matches any text
        reference = head.replace("\\", "/") + mark + tail
    try:
        joined = urljoin(base, reference)
        return _quoted(joined) if joined[:5].lower() in ("http:", "https") else joined
    except ValueError:
        return reference


def checked(url: str) -> tuple[str, HttpLogin | None]:
    """Return an address in the form in which it is sent, without its fragment, and the login that it held.

    >>> checked("HTTP://ada:pw@Shop.test:80/ä?q=ü b#top")
    ('http://shop.test/%C3%A4?q=%C3%BC%20b', HttpLogin(user='ada', names=frozenset()))

    Raises:
        WebError: It is no http address.
    """
    if len(url) > LONGEST:
        raise WebError(f"an address of {len(url)} characters: the most is {LONGEST}", reason="address")
    bare, login = split_userinfo(_STRIPPED.sub("", url).strip())
    try:
        parts = urlsplit(bare)
        host, port = (parts.hostname or "").rstrip("."), parts.port
        if parts.scheme not in ("http", "https") or not host:
            raise WebError(f"{shown(bare)!r} is no http address", reason="address", url=shown(bare))
        host = f"[{host}]" if ":" in host else _ascii(host)
    except ValueError:  # brackets, ports and labels that are none
        raise WebError(f"{shown(bare)!r} is no valid address", reason="address", url=shown(bare)) from None
    usual = port in (None, {"http": 80, "https": 443}[parts.scheme])
    authority = host if usual else f"{host}:{port}"
    return _quoted(urlunsplit((parts.scheme, authority, parts.path or "/", parts.query, ""))), login


def with_parameters(url: str, parameters: Any) -> str:
    """Add parameters to an address's query.

    >>> with_parameters("http://a.test/?x=1#top", {"q": "ä b", "tag": ["u", "v"], "n": None})
    'http://a.test/?x=1&q=%C3%A4+b&tag=u&tag=v#top'
    """
    added = urlencode(pairs(parameters))
    if not added:
        return url
    rest, mark, fragment = url.partition("#")
    glue = "" if rest.endswith(("?", "&")) else "&" if "?" in rest else "?"
    return f"{rest}{glue}{added}{mark}{fragment}"


def pairs(values: Any) -> list[tuple[str, str]]:
    """Return names and values as pairs of texts: lists give several, None gives none, True and False as in JSON.

    >>> pairs({"a": [1, 2], "b": True, "c": None})
    [('a', '1'), ('a', '2'), ('b', 'true')]
    """
    listed = values.items() if hasattr(values, "items") else values
    found: list[tuple[str, str]] = []
    for name, value in listed:
        several = value if isinstance(value, (list, tuple)) else [value]
        found += [(str(name), as_text(each)) for each in several if each is not None]
    return found


def as_text(value: object) -> str:
    """Return a value as it stands in a query or a form."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def shown(url: str) -> str:
    """Return an address for a message: without user name and password, and not too long."""
    url = split_userinfo(url)[0]
    return url if len(url) <= _SHOWN else url[:_SHOWN] + "…"


def _ascii(host: str) -> str:
    host = host.lower()
    return host if host.isascii() else host.encode("idna").decode("ascii")


def _quoted(url: str) -> str:
    """Percent-encode what may not stand in an address, and leave what is encoded."""
    if url.isascii() and not re.search(r'[\x00-\x20"<>\x7f]', url):
        return url
    parts = urlsplit(url)
    path, query, fragment = (quote(part, safe=_IN_PATH + "?", errors="replace") for part in parts[2:])
    return urlunsplit((parts.scheme, parts.netloc, path, query, fragment))
