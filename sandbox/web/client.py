"""`web`: requests with cookies, redirects and retries, and the pages that answer them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from sandbox.retry_after import asks_to_wait, seconds_to_wait
from sandbox.sites import origin_of
from sandbox.web import addresses, bodies, codings
from sandbox.web.cookies import Cookies
from sandbox.web.elements import Submission, WebElement, WebForm
from sandbox.web.errors import WebError
from sandbox.web.pages import WebPage
from sandbox.web.transport import Transport, WebAnswer, WebObserver, WebRequest
from sandbox.web.wrong_use import refuse

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
Allowed = bool | int | Collection[int]
_Result = TypeVar("_Result")

_AT_ONCE = 6  # as browsers ask a host
_MOST_REDIRECTS = 20
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRIES = 3
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0  # that is waited for within a run; a site that asks for more ends it, and triage waits
_PASSING = frozenset({502, 503, 504})
_UNANSWERED = ("closed", "dns: ", "refused", "timeout")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NO_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_TO_ANYONE = frozenset({"accept", "accept-language", "range", "user-agent", "x-requested-with"})
_ABOUT_BODY = frozenset({"content-type", "content-encoding", "content-language", "content-location"})
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,application/json;q=0.9,*/*;q=0.8"


class _Outgoing:
    """A request on its way through redirects."""

    def __init__(self, method: str, url: str, body: bytes, kind: str, headers: dict[str, str], referer: str) -> None:
        self.method = method
        self.url, self.login = addresses.checked(url)
        self.fragment = url.partition("#")[2]
        self.body = body
        self.kind = kind
        self.headers = headers
        self.referer = referer
        self.origin = origin_of(referer) if referer else origin_of(self.url)

    def redirect(self, status: int, location: str) -> None:
        """Go on to where an answer leads, as browsers do."""
        target = addresses.join(self.url, location)
        self.fragment = target.partition("#")[2] or self.fragment
        url, login = addresses.checked(target)
        if origin_of(url) != origin_of(self.url):
            self.headers = {name: value for name, value in self.headers.items() if name.lower() in _TO_ANYONE}
            self.login = None
            if self.origin != origin_of(self.url):
                self.origin = "null"
        if (status == 303 and self.method not in ("GET", "HEAD")) or (status in (301, 302) and self.method == "POST"):
            self.method, self.body, self.kind = "GET", b"", ""
            self.headers = {name: value for name, value in self.headers.items() if name.lower() not in _ABOUT_BODY}
        self.url, self.login = url, login or self.login


class Web:
    """Sends requests and reads their answers: `web` of an automation, ``async def run(web, parameters, task)``.

        page = await web.get("/search", params={"q": parameters["title"]})
        return [row["Price"] for row in page.table("Title", "Price")]

    Addresses may be relative to the start URL. Cookies are kept and redirects followed. An answer with a status of 400
    or above is an error unless ``allow`` lists it. Safe requests are repeated where the site fails for a moment.

    Args:
        transport: Sends requests.
        start_url: The address from which relative ones count.
        observer: Is told of what goes on.
        user_agent: The header; default that of a browser.
        language: The header ``Accept-Language``.
        headers: Further headers of every request.
        own_headers: Those of requests to ``own_origin`` alone.
        own_origin: Scheme, host and port.
        at_once: The most requests at a time.
        sleep: Waits between tries.

    Attributes:
        start_url: As given.
        cookies: The jar.
    """

    def __init__(
        self,
        transport: Transport,
        start_url: str | None = None,
        observer: WebObserver | None = None,
        *,
        user_agent: str | None = None,
        language: str | None = None,
        headers: Mapping[str, str] | None = None,
        own_headers: Mapping[str, str] | None = None,
        own_origin: str | None = None,
        at_once: int = _AT_ONCE,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.start_url = start_url
        self.cookies = Cookies()
        self._transport = transport
        self._observer = observer
        self._own = (origin_of(own_origin), dict(own_headers or {})) if own_origin else ("", {})
        self._headers = {
            "User-Agent": user_agent or _AGENT,
            "Accept": _ACCEPT,
            "Accept-Language": language or "en-US,en;q=0.9",
            "Accept-Encoding": codings.accepted(),
            **(headers or {}),
        }
        self._slots = asyncio.Semaphore(at_once)
        self._at_once = at_once
        self._sleep = sleep
        self._followed: set[str] = set()
        self._last_page = start_url or ""

    async def get(
        self,
        url: str,
        *,
        params: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        allow: Allowed = (),
    ) -> WebPage:
        """Get a page.

            page = await web.get("/items", params={"page": 2}, allow=[404])

        Args:
            url: Absolute, or relative to the start URL.
            params: Added to the query; a list gives several of one name, None none.
            headers: Further headers; those of an origin are not sent on to another by a redirect.
            allow: Statuses of 400 and above that are no error; True for all.

        Raises:
            WebError: There is no answer, or one with a status of 400 or above: ``error.status``.
        """
        return await self.request("GET", url, params=params, headers=headers, allow=allow)

    async def post(
        self,
        url: str,
        *,
        json: Any = None,
        form: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        data: str | bytes | None = None,
        params: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        allow: Allowed = (),
    ) -> WebPage:
        """Post JSON, a form, or a body of your own. Forms of a page are sent by their `submit`.

            rows = (await web.post("/api/search", json={"q": "dune"})).json()["rows"]

        Args:
            url: Absolute, or relative to the start URL.
            json: Sent as JSON.
            form: Sent as a form's fields.
            data: Sent as it is.
            params: Added to the query.
            headers: Further headers.
            allow: Statuses of 400 and above that are no error; True for all.

        Raises:
            WebError: There is no answer, or one with a status of 400 or above.
        """
        return await self.request(
            "POST", url, json=json, form=form, data=data, params=params, headers=headers, allow=allow
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        form: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        data: str | bytes | None = None,
        params: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        allow: Allowed = (),
    ) -> WebPage:
        """Send a request of any method. Arguments and errors are those of `get` and `post`."""
        method = method.upper()
        if not _TOKEN.fullmatch(method):
            raise WebError(f"{method[:40]!r} is no method of HTTP", reason="use")
        if sum(each is not None for each in (json, form, data)) > 1:
            raise WebError("a request has one body: json=, form= or data=", reason="use")
        body, kind = b"", ""
        if json is not None:
            body, kind = bodies.json_body(json)
        elif form is not None:
            body, kind = bodies.form_body(list(addresses.pairs(form)))
        elif data is not None:
            body, kind = (
                (data.encode(), "text/plain;charset=UTF-8")
                if isinstance(data, str)
                else (data, "application/octet-stream")
            )
        target = self._absolute(url)
        if params is not None:
            target = addresses.with_parameters(target, params)
        referer = "" if method in SAFE else self._last_page
        return await self._navigate(method, target, body, kind, _checked(headers), referer, allow)

    async def follow(self, link: WebElement | str, *, allow: Allowed = ()) -> WebPage:
        """Get the page to which a link leads, each address once, so that paging which comes round ends.

            while next_link := page.link("Next", exact=True):
                page = await web.follow(next_link.one)

        Raises:
            WebError: The address was followed before (``error.reason == "followed"``), or the request failed.
        """
        url = self._absolute(link) if isinstance(link, str) else link.href
        key = url.partition("#")[0]
        if key in self._followed:
            message = f"{addresses.shown(key)} was followed before: paging has come round, and ends here"
            raise WebError(message, reason="followed", url=addresses.shown(key))
        self._followed.add(key)
        referer = self._last_page if isinstance(link, str) else link.page_url
        return await self._navigate("GET", url, b"", "", {}, referer, allow)

    async def gather(
        self, *awaitables: Awaitable[_Result] | Iterable[Awaitable[_Result]], at_once: int = 0
    ) -> list[_Result]:
        """Await many requests, a few at a time, and return their results in order; the first error ends all.

            pages = await web.gather(web.get(url) for url in urls)

        Args:
            awaitables: Calls that were not awaited yet, one by one or as one iterable.
            at_once: The most at a time; default and limit those of `web`.
        """
        first = awaitables[0] if len(awaitables) == 1 else awaitables
        listed: list[Awaitable[_Result]] = list(first if isinstance(first, Iterable) else [first])  # type: ignore[arg-type]  # several
        waiting = iter(enumerate(listed))
        results: dict[int, _Result] = {}
        left: list[Awaitable[_Result]] = []

        async def work() -> None:
            for at, each in waiting:
                try:
                    results[at] = await each
                except BaseException:
                    left.extend(each for _, each in waiting)  # nothing more is begun
                    raise

        workers = min(at_once or self._at_once, self._at_once, len(listed))
        tasks = [asyncio.ensure_future(work()) for _ in range(workers)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for each in left:
                if asyncio.iscoroutine(each):
                    each.close()  # or Python warns that it was never awaited
        return [results[at] for at in range(len(listed))]

    async def send_form(self, page: WebPage, submission: Submission) -> WebPage:
        """Send a form of a page; automations call the form's `submit`."""
        body, kind = b"", ""
        if submission.method == "POST":
            body, kind = bodies.form_body(submission.pairs, submission.kind or bodies.URLENCODED, page.charset)
        return await self._navigate(submission.method, submission.url, body, kind, {}, page.url, submission.allow)

    def was_read(self, page: WebPage) -> None:
        """Take note of the first reading of a page."""
        if self._observer is not None:
            self._observer.page_read(page)

    def is_submitted(self, form: WebForm, values: Mapping[str, Any]) -> None:
        """Take note of a form that is about to be sent."""
        if self._observer is not None:
            self._observer.submitted(form, values)

    def _absolute(self, url: str) -> str:
        if not isinstance(url, str):
            shown = f"{type(url).__name__}: take its .href" if hasattr(url, "href") else type(url).__name__
            raise WebError(f"an address is a text, not a {shown}", reason="use")
        return addresses.join(self.start_url or "", url)

    async def _navigate(
        self, method: str, url: str, body: bytes, kind: str, headers: dict[str, str], referer: str, allow: Allowed
    ) -> WebPage:
        """Send a request, follow redirects, and return the page that answers in the end."""
        out = _Outgoing(method, url, body, kind, headers, referer)
        for _ in range(_MOST_REDIRECTS + 1):
            answer = await self._tried(out, allow)
            location = answer.header("location")
            if answer.status not in _REDIRECTS or not location:
                return self._page(out, answer, allow)
            out.redirect(answer.status, location)
        where = addresses.shown(out.url)
        message = f"{method} {addresses.shown(url)} is redirected more than {_MOST_REDIRECTS} times, at last to {where}"
        raise WebError(message, reason="redirects", url=where)

    def _page(self, out: _Outgoing, answer: WebAnswer, allow: Allowed) -> WebPage:
        shown = addresses.shown(out.url)
        body = codings.unpacked(answer.body, answer.header("content-encoding"), shown)
        url = f"{out.url}#{out.fragment}" if out.fragment else out.url
        page = WebPage(self, out.method, url, answer.status, answer.headers, body)
        if answer.status >= 400 and not _is_allowed(answer.status, allow):
            message = f"{out.method} {shown} was answered with status {answer.status}{_said(page)}"
            wait = answer.header("retry-after") or None
            raise WebError(message, reason="status", url=shown, status=answer.status, retry_after=wait)
        if page.is_html:
            self._last_page = page.url
        return page

    async def _tried(self, out: _Outgoing, allow: Allowed) -> WebAnswer:
        """Send a request until it is answered for good; one that may change something is sent once."""
        for attempt in range(1, _TRIES + 1):
            last = attempt == _TRIES or out.method not in SAFE
            wait = _FIRST_WAIT * 2 ** (attempt - 1)
            try:
                answer = await self._sent(out)
            except WebError as error:
                if last or not error.reason.startswith(_UNANSWERED):
                    raise
            else:
                asked = answer.header("retry-after")
                passing = answer.status in _PASSING or asks_to_wait(answer.status, asked)
                wait = max(wait, seconds_to_wait(asked) or 0.0)
                if last or not passing or _is_allowed(answer.status, allow) or wait > _LONGEST_WAIT:
                    return answer
            await self._sleep(wait)
        raise AssertionError  # the last try returned or raised

    async def _sent(self, out: _Outgoing) -> WebAnswer:
        request = WebRequest(out.method, out.url, self._headers_of(out), out.body)
        if self._observer is not None:
            self._observer.requested(request)
        async with self._slots:
            answer = await self._transport.send(request)
        self.cookies.keep(out.url, [value for name, value in answer.headers if name.lower() == "set-cookie"])
        if self._observer is not None:
            self._observer.answered(request, answer)
        return answer

    def _headers_of(self, out: _Outgoing) -> tuple[tuple[str, str], ...]:
        origin = origin_of(out.url)
        found = dict(self._headers)
        if referer := _referer(out.referer, out.url):
            found["Referer"] = referer
        if out.method not in SAFE:
            found["Origin"] = out.origin
        if out.kind:
            found["Content-Type"] = out.kind
        if cookie := self.cookies.header(out.url):
            found["Cookie"] = cookie
        own = self._own[1] if self._own[0] == origin else {}
        for name, value in [*out.headers.items(), *own.items()]:
            same = next((key for key in found if key.lower() == name.lower()), None)
            if same is not None:
                del found[same]
            found[name] = value
        return tuple(found.items())

    def __getattr__(self, name: str) -> NoReturn:
        refuse(name, None)


def _checked(headers: Mapping[str, str] | None) -> dict[str, str]:
    found = {str(name): str(value).strip() for name, value in (headers or {}).items()}
    for name, value in found.items():
        if not _TOKEN.fullmatch(name) or _NO_VALUE.search(value):
            raise WebError(f"{name[:40]!r} is no header, or its value has a line break", reason="use")
    return found


def _is_allowed(status: int, allow: Allowed) -> bool:
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


def _said(page: WebPage) -> str:
    """Return how an error's answer begins, where it is meant for programs."""
    if page.content_type in ("text/plain", "application/json", "application/problem+json"):
        start = " ".join(page.source[:400].split())[:200]
        return f": {start!r}" if start else ""
    return ""
