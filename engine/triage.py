"""Why did it fail: the code, or the site, a wall, the network, our own limits? Only code can be mended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.task import ErrorCode


class Failure(Protocol):
    """The part of a script's error that triage reads."""

    @property
    def kind(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def message(self) -> str: ...


class PageEvidence(Protocol):
    """The part of a run's evidence that triage reads."""

    @property
    def url(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def status(self) -> int | None: ...
    @property
    def documents(self) -> tuple[tuple[str, int], ...]: ...
    @property
    def retry_after(self) -> str | None: ...
    @property
    def password_field(self) -> bool: ...
    @property
    def password_filled(self) -> bool: ...
    @property
    def state_changing(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def refused(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def main_refused(self) -> str | None: ...


@dataclass(frozen=True)
class Cause:
    """A cause that code cannot mend.

    Args:
        reason: Fine-grained, for ``error.details``.
        message: What happened and what to do.
        code: The wire's code.
        details: Facts beside the reason.
    """

    reason: str
    message: str
    code: ErrorCode = "internal-error"
    details: Mapping[str, Any] = field(default_factory=dict)


_NETWORK: tuple[tuple[str, str, str], ...] = (
    (r"dns|ERR_NAME_NOT_RESOLVED|ERR_NAME_RESOLUTION", "dns", "its host name is not known; check the address"),
    (r"refused|ERR_CONNECTION_REFUSED", "connection-refused", "nothing answers there; is the site up?"),
    (r"tls|ERR_CERT|ERR_SSL", "tls", "its certificate or TLS is not valid"),
    (r"ERR_TOO_MANY_REDIRECTS", "redirect-loop", "it redirects without end"),
    (r"timeout|ERR_TIMED_OUT|ERR_CONNECTION_TIMED_OUT", "site-timeout", "it did not answer in time; try again later"),
    (r"ERR_INTERNET_DISCONNECTED|ERR_ADDRESS_UNREACHABLE|ERR_NETWORK", "network", "the network is not reachable"),
    (r"ERR_", "connection-lost", "it closed the connection without an answer; try again later"),
)  # fmt: skip
_BOT_WALL = re.compile(
    r"verify (?:that )?you(?:'| a)re (?:a )?human|are you a robot|i'm not a robot|complete the captcha|unusual traffic"
    r"|checking your browser|prove you are human|automated (?:access|requests)"
    r"|enable javascript and cookies to continue",
    re.IGNORECASE,
)
_MAINTENANCE = re.compile(
    r"(?:down for|under|scheduled) maintenance|we(?:'ll| will) be (?:right )?back|temporarily unavailable",
    re.I,
)
_ERROR_PAGE = re.compile(
    r"something went wrong|internal server error|unexpected error|service unavailable|an error (?:has )?occurred",
    re.I,
)
_PAYWALL = re.compile(
    r"subscribe to (?:continue|read|unlock)|subscribers only|start your (?:free )?trial to (?:continue|read)",
    re.I,
)
_SESSION = re.compile(
    r"session (?:has )?(?:expired|timed out)|(?:sign|log) in (?:again )?to continue|please (?:sign|log) in",
    re.I,
)
_SHORT_PAGE = 1500  # characters; a page of content that mentions such words is longer


def site_cause(
    failure: Failure | None, page: PageEvidence, *, start_url: str | None = None, login_expected: bool = False
) -> Cause | None:
    """The cause that lies with the site, the network or a wall, or None where the code is left as the suspect.

    Args:
        failure: The script's error, or None where it ran but its result is suspect.
        page: What the page itself says at the end of the run.
        start_url: Where the run began: a 404 there is the site's, a 404 at an address that the code built is not.
        login_expected: Whether good runs log in, or end on a page with a login form; then such a page is no wall.
    """
    return (
        _network(failure, page)
        or _walls(page, login_expected)
        or _status(page, start_url)
        or _error_page(page)
    )  # fmt: skip


def _network(failure: Failure | None, page: PageEvidence) -> Cause | None:
    reason = page.main_refused
    if reason and reason.startswith("policy"):
        hosts = sorted({host for host, why in page.refused if why.startswith("policy")})
        return Cause(
            "host-not-allowed",
            f"the page led to {', '.join(hosts) or 'a host'}, which this run may not reach"
            f" ({reason.removeprefix('policy: ')}); name it in allow_hosts if it is meant to be reached",
            details={"hosts": hosts},
        )
    if failure is None or (failure.kind != "navigation" and not reason):
        return None
    # A time-out while waiting for something on a page that did load is not the network's.
    if failure.kind == "timeout" and page.status is not None and not reason:
        return None
    text = f"{reason or ''} {failure.message}"
    for pattern, name, remedy in _NETWORK:
        if re.search(pattern, text):
            code: ErrorCode = "timeout" if name == "site-timeout" else "internal-error"
            return Cause(name, f"the site could not be reached: {remedy}", code, {"error": failure.message[:300]})
    return None


def _walls(page: PageEvidence, login_expected: bool) -> Cause | None:
    seen = f"{page.title}\n{page.text}"
    if _BOT_WALL.search(seen) and (len(page.text) < _SHORT_PAGE or page.status in (403, 429, 503)):
        return Cause("bot-wall", f"{page.url} asks for proof that a person is there; no code can mend that")
    if page.password_field and page.password_filled:
        if not page.state_changing:
            return None  # filled in but never sent: the form is another than the code knows
        return Cause(
            "wrong-credentials",
            f"{page.url} still asks for the password after it was given; check the credentials",
        )
    if page.password_field and not login_expected:
        what = "the session expired" if _SESSION.search(seen) else "the site asks for a login"
        return Cause("login-required", f"{what} at {page.url}, and the automation does not log in itself")
    if _PAYWALL.search(seen) and len(page.text) < _SHORT_PAGE * 2:
        return Cause("paywall", f"{page.url} shows its content to subscribers only")
    return None


def _status(page: PageEvidence, start_url: str | None) -> Cause | None:
    status = page.status
    if status is None or status < 400:
        return None
    where = page.documents[-1][0] if page.documents else page.url
    details: dict[str, Any] = {"status": status, "url": where}
    if page.retry_after:
        details["retry_after"] = page.retry_after
    if status == 429:
        return Cause("site-rate-limit", f"{where} answers 429, too many requests; try again later", details=details)
    if status == 503 and _MAINTENANCE.search(f"{page.title}\n{page.text}"):
        return Cause("maintenance", f"{where} is down for maintenance; try again later", details=details)
    if status >= 500:
        return Cause("http-error", f"{where} answers with status {status}; try again later", details=details)
    if status in (401, 403, 407):
        return Cause("access-denied", f"{where} refuses access with status {status}", details=details)
    if len(page.documents) <= 1 or _same_page(where, start_url):
        return Cause("http-error", f"{where} answers with status {status}; check the start URL", details=details)
    return None


def _error_page(page: PageEvidence) -> Cause | None:
    if len(page.text) > _SHORT_PAGE:
        return None
    if _MAINTENANCE.search(f"{page.title}\n{page.text}"):
        return Cause("maintenance", f"{page.url} is down for maintenance; try again later")
    if _ERROR_PAGE.search(f"{page.title}\n{page.text}"):
        return Cause("error-page", f"{page.url} shows an error page with status {page.status}; try again later")
    return None


def _same_page(a: str, b: str | None) -> bool:
    return b is not None and a.split("#")[0].rstrip("/") == b.split("#")[0].rstrip("/")


def limit_cause(limit: str, value: object) -> Cause:
    """The cause where one of our own limits ended the run."""
    code: ErrorCode = "timeout" if limit in ("wall_seconds", "wall") else "internal-error"
    return Cause(
        f"limit-{limit.replace('_', '-')}",
        f"the run passed its limit {limit} = {value}; raise it, or make the task smaller",
        code,
        {"limit": limit, "value": value},
    )
