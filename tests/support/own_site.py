"""A site that is one function of a test's own, served on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.serving import serving


@dataclass(frozen=True)
class Asked:
    """A request to the site."""

    method: str
    path: str
    form: dict[str, str]
    cookies: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """The site's answer."""

    body: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class OwnSite:
    """The site's address, and the requests to it but for those of its icon."""

    url: str
    asked: list[Asked] = field(default_factory=list)

    def sent(self, method: str) -> list[str]:
        """Return the paths of the requests by this method."""
        return [each.path for each in self.asked if each.method == method]


@contextmanager
def own_site(handle: Callable[[Asked], Answer]) -> Iterator[OwnSite]:
    """Serve it."""
    site = OwnSite("")

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            cookies = {name: morsel.value for name, morsel in SimpleCookie(self.headers.get("Cookie", "")).items()}
            asked = Asked(self.command, urlsplit(self.path).path, dict(parse_qsl(body)), cookies)
            if asked.path == "/favicon.ico":
                answer = Answer("", 404)
            else:
                site.asked.append(asked)
                answer = handle(asked)
            data = answer.body.encode()
            self.send_response(answer.status)
            for name, value in ({"Content-Type": "text/html; charset=utf-8"} | answer.headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815  the names that http.server calls

        def log_message(self, *args: Any) -> None: ...

    with serving(Handler) as url:
        site.url = f"{url}/"
        yield site
