"""Requests on their way: cookies, redirects, retries, logins, and the headers that a browser adds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from urllib.parse import urlsplit

from sandbox.http_digest import authorization, is_challenge, is_for
from sandbox.http_login import HttpLogin
from sandbox.http_methods import SAFE
from sandbox.retry_after import asks_to_wait, seconds_to_wait
from sandbox.sites import origin_of
from sandbox.web import addresses
from sandbox.web.cookies import Cookies
from sandbox.web.errors import WebError
from sandbox.web.transport import Transport, WebAnswer, WebObserver, WebRequest
from sandbox.web.words import words

AT_ONCE = 6  # as browsers ask a host
Allowed = bool | int | Collection[int]

_MOST_REDIRECTS = 20
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRIES = 3
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0  # that is waited for within a run; a site that asks for more ends it, and triage waits
_PASSING = frozenset({502, 503, 504})
_UNANSWERED = ("closed", "dns: ", "refused", "timeout")
_TO_ANYONE = words("accept accept-language range user-agent x-requested-with")
_ABOUT_BODY = words("content-type content-encoding content-language content-location")


class Outgoing:
    """A request on its way through redirects."""

    def __init__(
        self,
        method: str,
        url: str,
        body: bytes,
        kind: str,
        headers: dict[str, str],
        referer: str,
        *,
        fetched: bool = False,
    ) -> None:
        self.method = method
        self.url, self.login = addresses.checked(url)
        self.fragment = url.partition("#")[2]
        self.body = body
        self.kind = kind
        self.headers = headers
        self.referer = referer
        self.origin = "" if fetched else origin_of(referer or self.url)

    def redirect(self, status: int, location: str) -> None:
        """Go on to where an answer leads, as browsers do."""
        target = addresses.join(self.url, location)
        self.fragment = target.partition("#")[2] or self.fragment
        url, login = addresses.checked(target)
        if origin_of(url) != origin_of(self.url):
            self.headers = {name: value for name, value in self.headers.items() if name.lower() in _TO_ANYONE}
            self.login = None
            if self.origin and self.origin != origin_of(self.url):
                self.origin = "null"
        if (status == 303 and self.method not in ("GET", "HEAD")) or (status in (301, 302) and self.method == "POST"):
            self.method, self.body, self.kind = "GET", b"", ""
            self.headers = {name: value for name, value in self.headers.items() if name.lower() not in _ABOUT_BODY}
        self.url, self.login = url, login or self.login


class Login:
    """The login of a run for HTTP authentication, given where it is asked for, and only at the start URL's host.

    Args:
        login: User name and password.
        start_url: The address.
    """

    def __init__(self, login: HttpLogin | None, start_url: str) -> None:
        self._login = login
        self._start_url = start_url
        self._origins: set[str] = set()

    def ahead(self, out: Outgoing) -> str | None:
        """Return the header for a request where Basic was taken before, as browsers send it without being asked."""
        login = out.login or self._login
        if login is None or origin_of(out.url) not in self._origins:
            return None
        return authorization("Basic", login, out.method, out.url)

    def answer(self, out: Outgoing, answer: WebAnswer) -> str | None:
        """Return the header that answers a challenge; None if there is none to give."""
        challenge = answer.header("www-authenticate")
        if not is_challenge(answer.status, challenge):
            return None
        login = out.login or (self._login if is_for(out.url, self._start_url) else None)
        if login is None:
            return None
        said = authorization(challenge, login, out.method, out.url)
        if said is not None and said.startswith("Basic"):
            self._origins.add(origin_of(out.url))
        return said


class Sending:
    """The way of requests to a transport.

    Args:
        transport: Sends one request.
        observer: Is told of each.
        headers: Those of every request.
        own: Those of requests to an origin.
        login: Answers challenges.
        slots: Bounds the requests at a time.
        sleep: Waits between tries.

    Attributes:
        cookies: The jar.
    """

    def __init__(
        self,
        transport: Transport,
        observer: WebObserver | None,
        headers: Mapping[str, str],
        own: Mapping[str, Mapping[str, str]],
        login: Login,
        slots: asyncio.Semaphore,
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self.cookies = Cookies()
        self._transport = transport
        self._observer = observer
        self._headers = headers
        self._own = own
        self._login = login
        self._slots = slots
        self._sleep = sleep

    async def navigate(self, out: Outgoing, allow: Allowed, redirects: int | None = None) -> WebAnswer:
        """Send a request, follow redirects, and return the answer in the end.

        Args:
            out: The request; in the end, the one that was answered.
            allow: Statuses that are no error, and not to be tried again.
            redirects: The most that are followed; 0 returns the redirect itself.
        """
        first = addresses.shown(out.url)
        most = _MOST_REDIRECTS if redirects is None else redirects
        for _ in range(most + 1):
            answer = await self._tried(out, allow)
            location = answer.header("location")
            if answer.status not in _REDIRECTS or not location or redirects == 0:
                return answer
            out.redirect(answer.status, location)
        where = addresses.shown(out.url)
        message = f"{out.method} {first} is redirected more than {most} times, at last to {where}"
        raise WebError(message, reason="redirects", url=where)

    async def _tried(self, out: Outgoing, allow: Allowed) -> WebAnswer:
        """Send a request until it is answered for good; one that may change something is sent once."""
        for attempt in range(1, _TRIES + 1):
            last = attempt == _TRIES or out.method not in SAFE
            wait = _FIRST_WAIT * 2 ** (attempt - 1)
            try:
                answer = await self._answered(out)
            except WebError as error:
                if last or not error.reason.startswith(_UNANSWERED):
                    raise
            else:
                asked = answer.header("retry-after")
                passing = answer.status in _PASSING or asks_to_wait(answer.status, asked)
                wait = max(wait, seconds_to_wait(asked) or 0.0)
                if last or not passing or is_allowed(answer.status, allow) or wait > _LONGEST_WAIT:
                    return answer
            await self._sleep(wait)
        raise AssertionError  # the last try returned or raised

    async def _answered(self, out: Outgoing) -> WebAnswer:
        """Send a request, and once more with the login where the site asks for it."""
        answer = await self._sent(out)
        if "authorization" in {name.lower() for name in out.headers}:
            return answer
        tried = self._login.ahead(out)
        said = self._login.answer(out, answer)
        if said is None or said == tried:
            return answer
        out.headers = {**out.headers, "Authorization": said}
        again = await self._sent(out)
        del out.headers["Authorization"]  # another address has an answer of its own
        return again

    async def _sent(self, out: Outgoing) -> WebAnswer:
        request = WebRequest(out.method, out.url, self._headers_of(out), out.body)
        if self._observer is not None:
            self._observer.requested(request)
        async with self._slots:
            answer = await self._transport.send(request)
        self.cookies.keep(out.url, [value for name, value in answer.headers if name.lower() == "set-cookie"])
        if self._observer is not None:
            self._observer.answered(request, answer)
        return answer

    def _headers_of(self, out: Outgoing) -> tuple[tuple[str, str], ...]:
        found = dict(self._headers)
        if referer := _referer(out.referer, out.url):
            found["Referer"] = referer
        if out.method not in SAFE and out.origin:
            found["Origin"] = out.origin
        if out.kind:
            found["Content-Type"] = out.kind
        if cookie := self.cookies.header(out.url):
            found["Cookie"] = cookie
        if said := self._login.ahead(out):
            found["Authorization"] = said
        own = self._own.get(origin_of(out.url), {})
        for name, value in [*out.headers.items(), *own.items()]:
            same = next((key for key in found if key.lower() == name.lower()), None)
            if same is not None:
                del found[same]
            found[name] = value
        return tuple(found.items())


def is_allowed(status: int, allow: Allowed) -> bool:
    """Return True for a status that is no error to who asked."""
    return allow if isinstance(allow, bool) else status == allow if isinstance(allow, int) else status in allow


def _referer(source: str, target: str) -> str:
    """Return the header ``Referer`` for a request: the address to its own origin, the origin to others."""
    if not source or urlsplit(source).scheme not in ("http", "https"):
        return ""
    source = addresses.checked(source)[0]
    if origin_of(source) == origin_of(target):
        return source
    downgrade = urlsplit(source).scheme == "https" and urlsplit(target).scheme == "http"
    return "" if downgrade else f"{origin_of(source)}/"
