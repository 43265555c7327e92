"""The record of a run's requests. Every run makes one, so it must cost little."""

from __future__ import annotations

import json
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit
from weakref import WeakKeyDictionary

from sandbox.http_login import split_userinfo
from sandbox.http_methods import SAFE
from sandbox.inside.http_challenges import HttpChallenges
from sandbox.inside.logins import LoginDetector
from sandbox.inside.own_headers import OwnHeaders
from sandbox.inside.pace import Pace
from sandbox.inside.run_trace import RunTrace
from sandbox.inside.sent_request import SentRequest
from sandbox.inside.signatures import signature
from sandbox.inside.write_guard import WriteGuard, is_background, is_main_document, page_of
from sandbox.retry_after import asks_to_wait
from sandbox.sites import origin_of, same_site

if TYPE_CHECKING:
    from playwright.async_api import APIResponse, BrowserContext, Request, Response, Route

    from sandbox.inside.overrun import Overrun
    from sandbox.inside.sources import Sources

_MOST_RECORDS = 1_000
_MOST_ORIGINS = 50
_DATA = frozenset({"fetch", "xhr"})
_IMAGES = frozenset({"image", "font"})
_NEEDED = frozenset({"fetch", "xhr", "script", "eventsource", "document"})


@dataclass(frozen=True)
class _Sent:
    """A request by a method that is not safe.

    Args:
        place: Method and URL, without query.
        login: It logs in.
        by_page: The site's own code sent it, with no act of the automation before it.
    """

    place: tuple[str, str]
    signature: str
    login: bool
    by_page: bool


class RunRecorder:
    """The record of a browser context's requests, and of the automation's own, from the context's start.

    Attributes:
        crashed: The browser or a page crashed.
        frozen: Requests that may change something are not sent any more.
        guard: Blocks the first of them, in a run that may change nothing.
        logins: Judges which requests log in.
        challenges: Answers challenges of HTTP authentication.
        own_headers: Headers of requests to the start URL's origin alone; None for none.
        pace: Waits where the site says that it got too many requests.
        agreements: Labels of the controls by which the automation accepted an agreement.
        assents_looked_at: How often each locator's element was looked at for being such a control.
        harmless: Signatures of requests that change nothing which lasts, or that the site sends by itself.
        trace: What the automation gave and got; None while none runs.
        sources: Keeps the responses; None where nobody asks for them.
        overrun: The time after which code that does nothing is ended; None where only the limits of the host end it.
        documents: URL and status of the last main documents.
        failed_document: The last main document, where it failed to load: its URL and the browser's error.
        failed_origins: Origins of scripts and data of pages that did not come.
        pending_document: URL of a main document that was requested and is not answered yet.
        answers: URL and status of the last of the automation's own requests.
        turned_away: URL, without query, and status of the requests for data by which the scripts of the page that is
            shown, or the automation itself, were told to come later, and not served since.
        retry_after: Retry-After header of the last main document, own request, or request for data turned away.
        images: The number of pictures and fonts that pages asked for.
    """

    def __init__(self, context: BrowserContext, own_headers: OwnHeaders | None = None) -> None:
        self.crashed = False
        self.frozen = False
        self.guard: WriteGuard | None = None
        self.logins = LoginDetector()
        self.challenges = HttpChallenges()
        self.own_headers = own_headers
        self.pace = Pace()
        self.agreements: list[str] = []
        self.assents_looked_at: Counter[str] = Counter()
        self.harmless: set[str] = set()
        self.trace: RunTrace | None = None
        self.sources: Sources | None = None
        self.overrun: Overrun | None = None
        self.documents: deque[tuple[str, int]] = deque(maxlen=20)
        self.failed_document: tuple[str, str] | None = None
        self.failed_origins: dict[str, None] = {}
        self.pending_document: str | None = None
        self.turned_away: dict[str, int] = {}
        self.answers: deque[tuple[str, int]] = deque(maxlen=20)
        self.retry_after: str | None = None
        self.images = 0
        self._sent: deque[_Sent] = deque(maxlen=_MOST_RECORDS)
        self._acted = False  # since the last main document
        self._verdicts: WeakKeyDictionary[Request, bool] = WeakKeyDictionary()
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("requestfailed", self._on_failure)

    @property
    def state_changing(self) -> list[tuple[str, str]]:
        """Method and URL, without query, of requests by methods that are not safe."""
        return [each.place for each in self._sent]

    @property
    def login_requests(self) -> list[tuple[str, str]]:
        """Those of `state_changing` that log in."""
        return [each.place for each in self._sent if each.login]

    @property
    def background(self) -> list[tuple[str, str]]:
        """Those of `state_changing` that the site's own code sends without an act, or that are known to be harmless."""
        return [each.place for each in self._sent if not each.login and self._is_harmless(each)]

    @property
    def own_signatures(self) -> list[str]:
        """Signatures of requests that the site's own code sent before the automation did anything on the page."""
        return sorted({each.signature for each in self._sent if each.by_page and each.signature})

    @property
    def change_signatures(self) -> list[str]:
        """Signatures of the requests that may change something: neither logins nor background."""
        return list(dict.fromkeys(e.signature for e in self._sent if not e.login and not self._is_harmless(e)))

    def is_harmless(self, request: SentRequest) -> bool:
        """Return True for a request of a kind that is known to change nothing which lasts, or to be the site's own."""
        return signature(request) in self.harmless

    def _is_harmless(self, sent: _Sent) -> bool:
        return sent.by_page or sent.signature in self.harmless

    def end_trace(self) -> RunTrace:
        """Return the trace; what follows is a look of ours."""
        trace, self.trace = self.trace, None
        return trace or RunTrace()

    def note_act(self) -> None:
        """Note that the automation does something that may make a page send requests."""
        self.logins.note_act()
        self._acted = True
        if self.overrun is not None:
            self.overrun.note_act()
        if self.guard is not None:
            self.guard.acted = True

    def note_own_request(self, method: str, url_or_request: Any, options: dict[str, Any]) -> None:
        """Note a request that the automation is about to send without a page, by `APIRequestContext`.

        Raises:
            PermissionError: The recorder is frozen, and the method is not safe.
            WriteBlocked: The guard blocks it.
        """
        sent = _own_request(method, url_or_request, options)
        if self.frozen and sent.method not in SAFE:
            raise PermissionError(f"{sent.method} is not sent: something irreversible was done already")
        if self.trace is not None:
            self.trace.note("url", sent.method, "".join(sent.place), sent.body.decode("utf-8", "replace"), sent.url)
        self.logins.note_act()
        if self.overrun is not None:
            self.overrun.note_act()
        login = self._judge(sent)
        if self.guard is not None:
            self.guard.check_own(sent, login=login)

    def note_own_answer(self, method: str, response: APIResponse) -> None:
        """Note the answer to an own request."""
        if self.sources is not None:
            self.sources.methods[response.url] = method.upper()
        self.answers.append((split_userinfo(response.url)[0], response.status))
        self.retry_after = response.headers.get("retry-after")
        self._note_wait(response.url, response.status, self.retry_after)

    def is_login(self, request: Request) -> bool:
        """Return the verdict on a page's request; the first call makes it."""
        if request.method.upper() in SAFE and not is_main_document(request):
            return False
        known = self._verdicts.get(request)
        if known is None:
            before = request.redirected_from
            redirected = before is not None and self._verdicts.get(before, False)
            by_page = is_background(request) or not (self._acted or request.is_navigation_request())
            known = self._verdicts[request] = self._judge(
                sent_request(request), redirected=redirected, background=is_background(request), by_page=by_page
            )
        return known

    def _judge(
        self, sent: SentRequest, *, redirected: bool = False, background: bool = False, by_page: bool = False
    ) -> bool:
        login = not background and self.logins.is_login(sent, redirected_login=redirected)
        if sent.method not in SAFE:
            kind = signature(sent)
            if by_page and not login:
                self.harmless.add(kind)
            self._sent.append(_Sent((sent.method, "".join(sent.place)), kind, login=login, by_page=by_page))
        return login

    def _on_request(self, request: Request) -> None:
        self.images += request.resource_type in _IMAGES
        if self.trace is not None:
            self.trace.note_request(request)
        self.is_login(request)
        if is_main_document(request) and not self._gives_login(request):
            self.pending_document = request.url
            if self.overrun is not None:
                self.overrun.note_act()
            self._acted = False  # what a page sends while it opens is its own doing

    def _on_response(self, response: Response) -> None:
        if not is_main_document(response.request):
            if response.request.resource_type in _DATA:
                self._note_data(response)
            return
        if self._gives_login(response.request):
            return
        url = split_userinfo(response.url)[0]
        self.pending_document = None
        if not self._meets_challenge(response, url):
            self.documents.append((url, response.status))
            self.turned_away.clear()
            self._keep_pace(response, url)
            self.retry_after = response.headers.get("retry-after")
            self.failed_document = None

    def _note_data(self, response: Response) -> None:
        """Note the answer to a page's own request for data, and where it is to come later, load the page again then."""
        request, after = response.request, response.headers.get("retry-after")
        page = page_of(request) if asks_to_wait(response.status, after) else None
        if page is None or not same_site(response.url, page.url):
            self._note_served(response.url, response.status)
            return
        if self._note_wait(response.url, response.status, after):
            self.retry_after = after
            if request.method in SAFE:
                self.pace.reload(page, response.status, response.headers, lambda: not self._acted)

    def _note_wait(self, url: str, status: int, after: str | None) -> bool:
        """Note an address that is to be asked for later, and return True; forget one that was served since."""
        if not asks_to_wait(status, after):
            self._note_served(url, status)
        elif len(self.turned_away) < _MOST_ORIGINS:
            self.turned_away[url.partition("?")[0]] = status
            return True
        return False

    def _note_served(self, url: str, status: int) -> None:
        if status < 400:
            self.turned_away.pop(url.partition("?")[0], None)

    def _keep_pace(self, response: Response, url: str) -> None:
        self.pace.started = self.pace.started or response.status < 400
        page = page_of(response.request)
        by_click = page is not None and not self.challenges.is_opening(page) and response.request.method in SAFE
        if page is not None and by_click and response.status >= 400:
            self.pace.follow(page, url, response.status, response.headers)

    def _meets_challenge(self, response: Response, url: str) -> bool:
        if response.status != 401 or response.request.method not in SAFE:
            return False
        page = page_of(response.request)
        return page is not None and self.challenges.meet(response.status, response.headers, url, page)

    def _gives_login(self, request: Request) -> bool:
        own = self.challenges.own_page
        return own is not None and page_of(request) is own

    def _on_failure(self, request: Request) -> None:
        if not is_main_document(request):
            if request.resource_type in _NEEDED and len(self.failed_origins) < _MOST_ORIGINS:
                self.failed_origins[origin_of(request.url)] = None
            return
        if self._gives_login(request):
            return
        if self.pending_document == request.url:
            self.pending_document = None
        # ERR_ABORTED is a download or a navigation that gave way to another
        if "ERR_ABORTED" not in (request.failure or ""):
            self.failed_document = (split_userinfo(request.url)[0], request.failure or "")


async def freeze(context: BrowserContext, recorder: RunRecorder) -> None:
    """Send no request any more that may change something."""

    async def send_safe_only(route: Route) -> None:
        if route.request.method.upper() in SAFE:
            await route.continue_()
        else:
            await route.abort("blockedbyclient")

    recorder.frozen = True
    await context.route("**/*", send_safe_only)


def sent_request(request: Request) -> SentRequest:
    """Return a page's request as the rules look at it."""
    return SentRequest(
        request.method.upper(),
        request.url,
        request.post_data_buffer or b"",
        request.headers.get("content-type", ""),
        opens_page=is_main_document(request),
    )


def _own_request(method: str, url_or_request: Any, options: dict[str, Any]) -> SentRequest:
    url = getattr(url_or_request, "url", None) or str(url_or_request)
    headers = {name.lower(): value for name, value in (options.get("headers") or {}).items()}
    body, content_type = _own_body(options)
    if body is None:
        body, content_type = getattr(url_or_request, "post_data_buffer", None) or b"", ""
    if params := options.get("params"):
        query = params if isinstance(params, str) else urlencode(params)
        url += ("&" if urlsplit(url).query else "?") + query
    return SentRequest(method.upper(), url, body, headers.get("content-type", content_type), own=True)


def _own_body(options: dict[str, Any]) -> tuple[bytes | None, str]:
    """The body of an own request, and its encoding. Files of a multipart form are left out: no login sends one."""
    data, form = options.get("data"), options.get("form")
    multipart = options.get("multipart")
    if isinstance(data, bytes):
        return data, ""
    if isinstance(data, str):
        return data.encode(), ""
    if data is not None:
        return json.dumps(data, default=str).encode(), "application/json"
    for pairs in (form, multipart):
        if pairs is not None:
            listed = pairs.items() if isinstance(pairs, dict) else pairs._fields  # Playwright's FormData
            plain = [(name, value) for name, value in listed if isinstance(value, str | int | float | bool)]
            return urlencode(plain).encode(), "application/x-www-form-urlencoded"
    return None, ""
