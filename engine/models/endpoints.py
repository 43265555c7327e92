"""Addresses of model endpoints: checked before anything is sent, and shown without what is secret in them."""

from __future__ import annotations

from urllib.parse import urlsplit

from engine.errors import InvalidRequest

OPENAI = "openai+"
"""The beginning of a ``base_url`` that speaks chat completions: ``openai+http://localhost:1234/v1``."""


def checked_url(url: str) -> str:
    """Return an endpoint's address without a slash at its end.

    Raises:
        InvalidRequest: It is no address.
    """
    parts = urlsplit(url.strip())
    try:
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is not a number
        usable = False
    if not usable:
        raise InvalidRequest(
            f"base_url is {public_url(url)!r}, not an address like http://localhost:11434", field="base_url"
        )
    return url.strip().rstrip("/")


def public_url(url: str) -> str:
    """Return the address without user, password and query.

    >>> public_url("http://me:secret@localhost:1234/v1?key=k")
    'http://localhost:1234/v1'
    """
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
