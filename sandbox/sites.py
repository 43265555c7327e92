"""The origin and the site of an address, for comparison with another's."""

from __future__ import annotations

from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address, without a port that goes without saying; empty if it is broken.

    >>> origin_of("https://ada:pw@shop.test:443/a?b=1"), origin_of("http://[::1]:8080/")
    ('https://shop.test', 'http://[::1]:8080')
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" if port in (None, _PORTS.get(parts.scheme)) else f"{parts.scheme}://{host}:{port}"


def same_site(a: str, b: str) -> bool:
    """Return True for addresses whose hosts end in the same two labels; for IP addresses, if they are the same.

    >>> same_site("https://api.shop.test/rows", "https://www.shop.test/"), same_site("http://10.0.3.4", "http://10.1.3.4")
    (True, False)
    """
    return _site(a) == _site(b)


def _site(url: str) -> str:
    host = urlsplit(url).hostname or ""
    return host if host.replace(".", "").isdigit() else ".".join(host.split(".")[-2:])
