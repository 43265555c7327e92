"""Origins that a request names, and that may have private addresses."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from engine.errors import InvalidRequest
from engine.task.wire import TaskRequest


def origins(hosts: Collection[str]) -> tuple[str, ...]:
    """Return origins with scheme and port.

    Raises:
        InvalidRequest: One of them is not an origin.

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
            f"allow_hosts takes origins such as http://intranet:8080, not {host.rpartition('@')[2]!r}",
            field="allow_hosts",
        )
    name = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    return f"{parts.scheme}://{name}:{port}"


def start_origin(url: str | None) -> tuple[str, ...]:
    """Return the origin of a start URL, which may be private or loopback because the user named it.

    >>> start_origin("http://127.0.0.1:8000/list?page=2")
    ('http://127.0.0.1:8000',)
    """
    return () if url is None else (_origin(f"{urlsplit(url).scheme}://{urlsplit(url).netloc.rpartition('@')[2]}"),)


def trusted_origin(request: TaskRequest, url: str | None) -> tuple[str, ...]:
    """Return the origin of a start URL, unless the request may not name private addresses.

    Args:
        url: The start URL of the request or of its bundle."""
    return start_origin(url) if request.trust_start_url else ()
