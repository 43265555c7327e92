"""Triage of failed runs: the site, a wall, the network, a limit, or the code, which alone can be repaired."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from engine.diagnosis import page_kinds
from engine.diagnosis.private_backends import private_backend, private_destination
from engine.task.cause import Cause
from engine.task.wire import ErrorCode
from sandbox.retry_after import seconds_to_wait

if TYPE_CHECKING:
    from sandbox import Evidence, ScriptError


# Pattern of an error of the proxy, Chromium or Playwright's own requests; reason; remedy; whether a retry may help.
_NETWORK: tuple[tuple[str, str, str, bool], ...] = (
    (r"^proxy: ", "proxy", "the proxy made no connection to it; check proxy=, and whether the site is up", False),
    (r"\bdns: |ERR_DNS|EAI_AGAIN", "dns", "its name was not looked up in time; try again later", True),
    (r"\bdns\b|ERR_NAME_|ERR_ICANN|ENOTFOUND", "dns", "its host name is not known; check the address", False),
    (r"\brefused\b|_REFUSED|ECONNREFUSED", "connection-refused", "nothing answers there; is the site up?", True),
    (r"\btls\b|ERR_CERT|ERR_\w*SSL|ERR_ECH|certificate", "tls", "its certificate or TLS is not valid", False),
    (r"ERR_UNSAFE_PORT", "unsafe-port", "browsers open no page on this port; serve the site on another one", False),
    (r"ERR_TOO_MANY_REDIRECTS", "redirect-loop", "it redirects without end", False),
    (r"[Tt]imeout|TIMED_OUT|ETIMEDOUT", "site-timeout", "it did not answer in time; try again later", True),
    (r"ERR_(?:INTERNET_DISC|NETWORK|ADDRESS)|ENETUN|EHOSTUN", "network", "the network is not reachable", True),
    (
        r"ERR_(?:EMPTY_RESPONSE|CONNECTION|SOCKET|SOCKS|HTTP2|HTTP_1|QUIC|SPDY|INCOMPLETE|CONTENT_|TUNNEL|PROXY|RESPONSE"
        r"|INVALID_HTTP|INVALID_RESPONSE|INVALID_CHUNKED|WS_|TOO_MANY_RETRIES)"
        r"|socket hang up|ECONNRESET|EPIPE|connection ended",
        "connection-lost",
        "it closed the connection without an answer; try again later",
        True,
    ),
    (r"ERR_(?:INVALID|UNSAFE)_REDIRECT", "redirect-invalid", "it redirects to what is no address of a page", False),
    (r"ERR_\w*AUTH", "login-required", "it asks for a login that the browser cannot give", False),
    (r"ERR_(?:OUT_OF_MEMORY|INSUFFICIENT|CACHE)", "browser-failed", "the browser had no room; try again later", True),
    # Not what a page of the code's own making says: an address that is none, a download, a request that was held back.
    (r"ERR_(?!ABORTED|FAILED|INVALID_URL|UNKNOWN_URL|DISALLOWED_URL|FILE_|BLOCKED_BY_CLIENT|HTTP_RESPONSE)",
     "site-unreachable", "the browser could not open it", False),
)  # fmt: skip
_NET_ERROR = re.compile(r"net::(ERR_\w+)")
_OWN_REQUEST = re.compile(r"APIRequestContext\.\w+: ")
_UNREACHED = re.compile(r"Timeout|socket hang up|connection ended|\bE[A-Z]{4,}\b|certificate", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://\S+")
_NEVER = (501, 505)
_CODE_SECONDS = 30.0  # for which a one-time code holds
_NEXT_CODE_AFTER = 1.0  # seconds into the next code's time, for clocks differ


def site_cause(
    failure: ScriptError | None,
    page: Evidence,
    *,
    start_url: str | None = None,
    login_expected: bool = False,
    first: bool = False,
    good: bool = False,
) -> Cause | None:
    """Return the cause that lies with the site, the network or a wall, or None if the code is the remaining suspect.

    Args:
        failure: The script's error, or None if it returned.
        page: The evidence at the end of the run.
        start_url: The run's start: a 404 there is the site's, a 404 at an address that the code built is not.
        login_expected: Good runs log in or end on a page with a login form, so that such a page is not a wall.
        first: Only the start URL has been opened, which may be a page of content with a login form.
        good: The result is good otherwise; then only a page that cannot be content is a wall.
    """
    return (
        _shortage(page)
        or private_destination(page, start_url)
        or _network(failure, page)
        or (private_backend(page, start_url) if failure is not None and not first else None)
        or _walls(page, login_expected, first=first, good=good)
        or _status(page, start_url, login_expected, good=good)
        or _own_requests(failure, page)
        or (_requests_for_data(page) if not (good or (first and failure is None)) else None)
        or _error_page(page, in_title=good)
        or _start(failure, first=first)
    )


def _shortage(page: Evidence) -> Cause | None:
    """Return the cause for connections that this program had no means for, which is not the fault of site or code."""
    short = next((reason for _, reason in page.refused if reason.startswith("shortage: ")), None)
    if short is None:
        return None
    message = f"connections of the run could not be made: {short.removeprefix('shortage: ')}"
    return Cause("sandbox-unavailable", message, details={"problem": short})


def _network(failure: ScriptError | None, page: Evidence) -> Cause | None:
    reason = page.main_refused
    if reason and reason.startswith("policy"):
        hosts = sorted({host for host, why in page.refused if why.startswith("policy")})
        return Cause(
            "host-not-allowed",
            f"the page led to {', '.join(hosts) or 'a host'}, which this run may not reach"
            f" ({reason.removeprefix('policy: ')}); name it in allow_hosts if it is meant to be reached",
            details={"hosts": hosts},
        )
    if failure is None:
        return None
    own = _OWN_REQUEST.match(failure.message)
    if own:
        # Without its log, which quotes headers; and with the proxy's reason for the host.
        said = failure.message.partition("Call log:")[0]
        if not _UNREACHED.search(said[own.end() :]):
            return None
        reason = next((why for host, why in reversed(page.refused) if host in failure.message), None)
        if reason and reason.startswith("policy"):
            return None  # the code asked for a host that its egress excludes, which is reported elsewhere
        text = reason or said[own.end() :]
    elif failure.kind == "timeout" and page.pending_document is not None:
        text = "timeout"
    elif failure.kind == "navigation" or reason:
        # A timeout while waiting for an element of a loaded page is not the network's.
        # The address may say anything.
        said = _ADDRESS.sub("", failure.message) if failure.type == "WebError" else ""
        text = reason or said or " ".join(_NET_ERROR.findall(failure.message))
    else:
        return None
    if page.status == 401 and "AUTH" in text:
        return None  # told as a login
    for pattern, name, remedy, transient in _NETWORK:
        if re.search(pattern, text):
            code: ErrorCode = "timeout" if name == "site-timeout" else "internal-error"
            details = {"error": reason or failure.message[:300]}
            if name == "site-unreachable":
                remedy = f"{remedy} ({' '.join(_NET_ERROR.findall(failure.message))})"
            return Cause(name, f"the site could not be reached: {remedy}", code, details, transient=transient)
    return None


def _start(failure: ScriptError | None, *, first: bool) -> Cause | None:
    """Return the cause for a start URL that was not opened: no line of the code had run."""
    if failure is None or not (first or failure.at_start):
        return None
    said = failure.message.partition("Call log:")[0].strip()
    return Cause("site-unreachable", f"the start URL could not be opened: {said}", details={"error": said[:300]})


def _walls(page: Evidence, login_expected: bool, *, first: bool, good: bool) -> Cause | None:
    if page_kinds.is_bot_wall(page):
        return Cause("bot-wall", f"{page.url} asks for proof that a person is there; no code can mend that")
    if not good and (said := page_kinds.refused_code(page)) is not None:
        what = f": {said!r}" if said else "; was it used already, or is its secret another one?"
        rest = _CODE_SECONDS - time.time() % _CODE_SECONDS
        message = f"{page.url} did not take the one-time code{what}"
        return Cause("one-time-code", message, transient=True, wait=rest + _NEXT_CODE_AFTER)
    if page.password_field and page.password_filled and not good:
        if not page.state_changing:
            return None  # filled in but never sent: the form is not the one that the code knows
        if page_kinds.login_ended(page):
            return _session_ended(page.url)
        return Cause(
            "wrong-credentials",
            f"{page.url} still asks for the password after it was given; check the credentials",
        )
    if page_kinds.is_rate_limit(page, in_title=good):
        return _turned_away(page.url, 429, page)
    login = page_kinds.led_to_login(page) if first or good else page_kinds.is_login(page)
    if login and not login_expected:
        what = "the session expired" if page_kinds.session_expired(page) else "the site asks for a login"
        how = "give the credentials as parameters" if first else "the automation does not log in itself"
        return Cause("login-required", f"{what} at {page.url}, and {how}")
    if page_kinds.is_paywall(page):
        return Cause("paywall", f"{page.url} shows its content to subscribers only")
    return None


def _status(page: Evidence, start_url: str | None, login_expected: bool, *, good: bool) -> Cause | None:
    if page.status is None or page.status < 400:
        return None
    where = page.documents[-1][0] if page.documents else page.url
    if page.status == 429 or page.status >= 500:
        return _turned_away(where, page.status, page)
    if good:
        return None  # the task may be to find out what does not exist
    details: dict[str, Any] = {"status": page.status, "url": where}
    if page.status in (401, 403, 407):
        if page.password_field and login_expected:
            return None
        if page.status == 401 and not page.http_login and _was_let_in(page):
            return _session_ended(where)
        if page.status == 401:
            return _unauthorized(where, page, details)
        return Cause("access-denied", f"{where} refuses access with status {page.status}", details=details)
    only_redirects_before = all(300 <= status < 400 for _, status in page.documents[:-1])
    if only_redirects_before or _same_page(where, start_url):
        return Cause("http-error", f"{where} answers with status {page.status}; check the start URL", details=details)
    return None


def _was_let_in(page: Evidence) -> bool:
    """Return True where a login was sent and something was read after it, so that the credentials are right."""
    at = {url for _, url in page.logins}
    read = [url.partition("?")[0] for url, status in (*page.documents[1:-1], *page.answers[:-1]) if status < 300]
    return bool(at) and any(url not in at for url in read)


def _session_ended(where: str) -> Cause:
    message = f"the login worked, and {where} asks for it again: the session ended while the automation ran"
    return Cause("session-ended", message, details={"url": where}, transient=True, mendable=True)


def _unauthorized(where: str, page: Evidence, details: dict[str, Any]) -> Cause:
    if page.http_login == "refused":
        message = f"{where} refuses the user name and the password (HTTP authentication); check the credentials"
        return Cause("wrong-credentials", message, details=details)
    if page.http_login == "asked":
        message = (
            f"{where} asks for a user name and a password (HTTP authentication, status 401); give them as the"
            " parameters user and password, or in the start URL"
        )
        return Cause("login-required", message, details=details)
    return Cause("login-required", f"{where} asks for a login (status 401)", details=details)


def _own_requests(failure: ScriptError | None, page: Evidence) -> Cause | None:
    """Return the cause for an error response to a request of the code's own, which it then could not read."""
    if failure is None or failure.kind == "timeout" or not page.answers:
        return None
    where, status = page.answers[-1]
    if status == 401 and _was_let_in(page):
        return _session_ended(where)
    return _turned_away(where, status, page) if status == 429 or status >= 500 else None


def _requests_for_data(page: Evidence) -> Cause | None:
    """Return the cause for a page that lacks its data, since its scripts asked for them too often, or too early."""
    return _turned_away(*page.turned_away[-1], page) if page.turned_away else None


def _turned_away(where: str, status: int, page: Evidence) -> Cause:
    wait = seconds_to_wait(page.retry_after)
    details: dict[str, Any] = {"status": status, "url": where}
    if page.retry_after:
        details["retry_after"] = page.retry_after
    if status == 429:
        shown = page.status if where == page.url else status  # a page may say so with any status
        message = f"{where} says that it got too many requests (status {shown}); try again later"
        # by the pace of the automation itself
        later = len(page.documents) > 1 or len(page.answers) > 1 or bool(page.turned_away and page.inputs)
        transient = wait is not None or later
        return Cause("site-rate-limit", message, details=details, transient=transient, wait=wait, mendable=later)
    transient = status not in _NEVER
    if status == 503 and page_kinds.says_maintenance(page):
        message = f"{where} is down for maintenance; try again later"
        return Cause("maintenance", message, details=details, transient=transient, wait=wait)
    message = f"{where} answers with status {status}; try again later"
    return Cause("http-error", message, details=details, transient=transient, wait=wait)


def _error_page(page: Evidence, *, in_title: bool) -> Cause | None:
    if page_kinds.says_maintenance(page, in_title=in_title):
        return Cause("maintenance", f"{page.url} is down for maintenance; try again later")
    if page_kinds.says_error(page, in_title=in_title):
        return Cause("error-page", f"{page.url} shows an error page with status {page.status}; try again later")
    return None


def _same_page(a: str, b: str | None) -> bool:
    return b is not None and a.split("#")[0].rstrip("/") == b.split("#")[0].rstrip("/")


_PASSED = {"output_bytes": "the result, or what the code logged, is larger than the limit"}
_REMEDY = "raise it, or make the task smaller"
_REMEDIES = {"output_bytes": "ask for fewer rows or fields, or let the automation save the data as a file"}


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def limit_cause(limit: str, value: object) -> Cause:
    """Return the cause for a run that one of the engine's limits ended."""
    code: ErrorCode = "timeout" if limit in ("wall_seconds", "wall") else "internal-error"
    return Cause(
        f"limit-{limit.replace('_', '-')}",
        f"{_PASSED.get(limit, 'the run passed its limit')} {limit} = {_number(value)}; {_REMEDIES.get(limit, _REMEDY)}",
        code,
        {"limit": limit, "value": value},
    )
