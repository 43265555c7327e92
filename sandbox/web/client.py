"""`web`: requests with cookies, redirects and retries, and the pages that answer them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NoReturn, TypedDict, TypeVar, Unpack

from sandbox.http_login import HttpLogin, split_userinfo
from sandbox.http_methods import SAFE
from sandbox.sites import origin_of
from sandbox.web import addresses, bodies, codings
from sandbox.web.cookies import Cookies
from sandbox.web.elements import Submission, WebElement, WebForm
from sandbox.web.errors import WebError
from sandbox.web.found import Found
from sandbox.web.pages import WebPage
from sandbox.web.sending import AT_ONCE, Allowed, Login, Outgoing, Sending, is_allowed
from sandbox.web.transport import Transport, WebAnswer, WebObserver
from sandbox.web.wrong_use import refuse_name

_Result = TypeVar("_Result")
_Pairs = Mapping[str, Any] | Iterable[tuple[str, Any]]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NO_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"  # a browser's: sites choose by it


class Content(TypedDict, total=False):
    """The arguments of `Web.request` but for the method and the address, as `Web.post` takes them."""

    json: Any
    form: _Pairs | None
    data: str | bytes | None
    params: _Pairs | None
    headers: Mapping[str, str] | None
    allow: Allowed


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
        login: Answers a challenge of HTTP authentication at the start URL's host; default that in the start URL.
        at_once: The most requests at a time.
        sleep: Waits between tries.

    Attributes:
        start_url: As given.
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
        login: HttpLogin | None = None,
        at_once: int = AT_ONCE,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.start_url = start_url
        every = {
            "User-Agent": user_agent or _AGENT,
            "Accept": _ACCEPT,
            "Accept-Language": language or "en-US,en;q=0.9",
            "Accept-Encoding": codings.accepted(),
            **(headers or {}),
        }
        self._observer = observer
        self._at_once = at_once
        own = {origin_of(own_origin): dict(own_headers or {})} if own_origin else {}
        login = login or split_userinfo(start_url or "")[1]
        slots = asyncio.Semaphore(at_once)
        self._sending = Sending(transport, observer, every, own, Login(login, start_url or ""), slots, sleep)
        self._followed: set[str] = set()
        self._last_page = start_url or ""

    async def get(
        self,
        url: str,
        *,
        params: _Pairs | None = None,
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

    async def post(self, url: str, **content: Unpack[Content]) -> WebPage:
        """Post JSON, a form, or a body of your own. Forms of a page are sent by their `submit`.

            rows = (await web.post("/api/search", json={"q": "dune"})).json()["rows"]

        Arguments and errors are those of `request`.
        """
        return await self.request("POST", url, **content)

    async def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        form: _Pairs | None = None,
        data: str | bytes | None = None,
        params: _Pairs | None = None,
        headers: Mapping[str, str] | None = None,
        allow: Allowed = (),
    ) -> WebPage:
        """Send a request of any method.

            await web.request("PUT", "/api/rows/7", json={"name": "Dune"})

        Args:
            method: In whatever case.
            url: Absolute, or relative to the start URL.
            json: Sent as JSON.
            form: Sent as a form's fields.
            data: Sent as it is.
            params: Added to the query; a list gives several of one name, None none.
            headers: Further headers; those of an origin are not sent on to another by a redirect.
            allow: Statuses of 400 and above that are no error; True for all.

        Raises:
            WebError: There is no answer, or one with a status of 400 or above: ``error.status``.
        """
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
            body, kind = bodies.own_body(data)
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
                except BaseException:  # cancelation, too, begins no further request
                    left.extend(each for _, each in waiting)
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

    def was_taken(self, found: Found[WebElement], at: int) -> None:
        """Take note of an element that is taken of several."""
        if self._observer is not None:
            self._observer.taken(found, at)

    def is_submitted(self, form: WebForm, values: Mapping[str, Any]) -> None:
        """Take note of a form that is about to be sent."""
        if self._observer is not None:
            self._observer.submitted(form, values)

    def _absolute(self, url: str) -> str:
        if not isinstance(url, str):
            shown = f"{type(url).__name__}: take its .href" if hasattr(url, "href") else type(url).__name__
            raise WebError(f"an address is a text, not a {shown}", reason="use")
        return addresses.join(self.start_url or "", url)

    @property
    def cookies(self) -> Cookies:
        """The jar: ``web.cookies.get("csrftoken")``, for sites that want a cookie in a header, too."""
        return self._sending.cookies

    async def _navigate(
        self, method: str, url: str, body: bytes, kind: str, headers: dict[str, str], referer: str, allow: Allowed
    ) -> WebPage:
        """Send a request as a browser opens an address or sends a form, and return the page that answers."""
        out = Outgoing(method, url, body, kind, headers, referer)
        page = self._page(out, await self._sending.navigate(out, allow), allow)
        if page.is_html:
            self._last_page = page.url
        return page

    async def fetch(
        self, method: str, url: str, body: bytes, kind: str, headers: dict[str, str], redirects: int | None = None
    ) -> WebPage:
        """Send a request as Playwright's ``page.request`` does: no Referer and no Origin, any status is an answer."""
        out = Outgoing(method, self._absolute(url), body, kind, _checked(headers), "", fetched=True)
        return self._page(out, await self._sending.navigate(out, True, redirects), True)

    def _page(self, out: Outgoing, answer: WebAnswer, allow: Allowed) -> WebPage:
        shown = addresses.shown(out.url)
        body = codings.unpacked(answer.body, answer.header("content-encoding"), shown)
        url = f"{out.url}#{out.fragment}" if out.fragment else out.url
        page = WebPage(self, out.method, url, answer.status, answer.headers, body)
        if answer.status >= 400 and not is_allowed(answer.status, allow):
            message = f"{out.method} {shown} was answered with status {answer.status}{_said(page)}"
            wait = answer.header("retry-after") or None
            raise WebError(message, reason="status", url=shown, status=answer.status, retry_after=wait)
        return page

    def __getattr__(self, name: str) -> NoReturn:
        refuse_name(self, name)


def _checked(headers: Mapping[str, str] | None) -> dict[str, str]:
    found = {str(name): str(value).strip() for name, value in (headers or {}).items()}
    for name, value in found.items():
        if not _TOKEN.fullmatch(name) or _NO_VALUE.search(value):
            raise WebError(f"{name[:40]!r} is no header, or its value has a line break", reason="use")
    return found


def _said(page: WebPage) -> str:
    """Return how an error's answer begins, where it is meant for programs."""
    if page.content_type in ("text/plain", "application/json", "application/problem+json"):
        start = " ".join(page.source[:400].split())[:200]
        return f": {start!r}" if start else ""
    return ""
