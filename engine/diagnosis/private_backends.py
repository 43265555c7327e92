"""Backends of a page on private origins of their own, such as an API on another port, which a run may not reach yet."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine.task.cause import Cause

if TYPE_CHECKING:
    from sandbox import Evidence

_PRIVATE = "is not a public address"
_LOCAL_NAMES = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".corp", ".test", ".intranet")


def private_backend(page: Evidence, start_url: str | None) -> Cause | None:
    """Return the cause for a private page whose own scripts or data come from private origins that were refused.

    A page of the public Internet that asks for a private origin has no claim to it.
    """
    refused = _refused(page, start_url)
    origins = sorted({origin for origin in page.failed_origins if _name(origin) in refused})
    return host_not_allowed("the page loads its scripts or data from", origins) if origins else None


def private_destination(page: Evidence, start_url: str | None) -> Cause | None:
    """Return the cause for a private page that led to a page at another private origin, which was refused."""
    if page.main_refused is None or not page.main_refused.endswith(_PRIVATE):
        return None
    origins = [f"{'https' if name.endswith(':443') else 'http'}://{name}" for name in sorted(_refused(page, start_url))]
    return host_not_allowed("the page led to", origins) if origins else None


def _refused(page: Evidence, start_url: str | None) -> set[str]:
    """Return the private hosts that were refused to a private page, as ``host:port``."""
    if start_url is None or not _is_private(urlsplit(start_url).hostname or ""):
        return set()
    names = {name for name, reason in page.refused if reason.endswith(_PRIVATE)}
    return {name for name in names if not _is_link_local(f"http://{name}")}


def host_not_allowed(what: str, origins: Collection[str]) -> Cause:
    """Return the cause for origins that were refused, with the exact option that allows them."""
    given = ", ".join(f'"{origin}"' for origin in origins)
    return Cause(
        "host-not-allowed",
        f"{what} {', '.join(origins)}, which this run may not reach; if it is meant to, run it again with"
        f" allow_hosts=[{given}]",
        details={"hosts": [_name(origin) for origin in origins], "allow_hosts": list(origins)},
    )


def _name(origin: str) -> str:
    parts = urlsplit(origin)
    return f"{parts.netloc.rpartition('@')[2]}" if parts.port else f"{parts.netloc}:{_port(parts.scheme)}"


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _is_private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(_LOCAL_NAMES)


def _is_link_local(origin: str) -> bool:
    """Return True for addresses such as 169.254.169.254, by which machines tell their secrets."""
    try:
        return ip_address(urlsplit(origin).hostname or "").is_link_local
    except ValueError:
        return False
