"""A site in memory, to which `Web` sends its requests in the tests of the client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sandbox.web.client import Web
from sandbox.web.elements import WebElement, WebForm
from sandbox.web.errors import WebError
from sandbox.web.found import Found
from sandbox.web.pages import WebPage
from sandbox.web.transport import WebAnswer, WebRequest

HTML = ("Content-Type", "text/html; charset=utf-8")
URL = "http://shop.test/"
Answering = WebAnswer | WebError | Callable[[WebRequest], WebAnswer]


def html(text: str, *headers: tuple[str, str], status: int = 200) -> WebAnswer:
    return WebAnswer(status, (HTML, *headers), text.encode())


def redirect(to: str, *headers: tuple[str, str], status: int = 302) -> WebAnswer:
    return WebAnswer(status, (("Location", to), *headers))


@dataclass
class Site:
    """Answers by path, each in turn and the last again; keeps what was asked."""

    answers: dict[str, list[Answering]] = field(default_factory=dict)
    requests: list[WebRequest] = field(default_factory=list)

    async def send(self, request: WebRequest) -> WebAnswer:
        self.requests.append(request)
        path = urlsplit(request.url).path
        listed = self.answers.get(request.url) or self.answers.get(path)
        if not listed:
            return WebAnswer(404, (("Content-Type", "text/plain"),), b"nothing here")
        answer = listed.pop(0) if len(listed) > 1 else listed[0]
        if isinstance(answer, WebError):
            raise answer
        return answer(request) if callable(answer) else answer

    @property
    def last(self) -> WebRequest:
        return self.requests[-1]

    def header(self, name: str) -> str | None:
        """The value of a header of the last request."""
        return next((value for key, value in self.last.headers if key.lower() == name.lower()), None)


@dataclass
class Sleeps:
    """Notes how long was to be waited, and does not wait."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def site(**answers: Answering | list[Answering]) -> Site:
    """A site by path: ``site(index=…)`` is ``/``, ``site(a_b=…)`` is ``/a/b``."""
    paths = {"/" if name == "index" else "/" + name.replace("_", "/"): given for name, given in answers.items()}
    return Site({path: given if isinstance(given, list) else [given] for path, given in paths.items()})


def web_on(where: Site, **options: object) -> Web:
    options.setdefault("sleep", Sleeps())
    return Web(where, URL, **options)  # type: ignore[arg-type]  # as the tests give them


class NoSender:
    """The client of a page that sends nothing."""

    def was_taken(self, found: Found[WebElement], at: int) -> None:
        pass

    def was_read(self, page: WebPage) -> None:
        pass

    def is_submitted(self, form: WebForm, values: Mapping[str, object]) -> None:
        raise AssertionError

    async def send_form(self, page: WebPage, submission: object) -> WebPage:
        raise AssertionError


def page_of(source: str | bytes, url: str = URL, content_type: str = HTML[1]) -> WebPage:
    """A page that is only read."""
    body = source.encode() if isinstance(source, str) else source
    return WebPage(NoSender(), "GET", url, 200, (("Content-Type", content_type),), body)
