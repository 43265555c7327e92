"""A small site on loopback, and a sandbox for each module."""

from __future__ import annotations

import secrets
import textwrap
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
import pytest_asyncio

from sandbox import Automation, Egress, Host, Outcome, PoolOptions, Sandbox
from tests.support.paths import DRIVER_CACHE
from tests.support.serving import serving

PDF = b"%PDF-1.4 a very small document"
PAGES = {
    "/": """<title>Items</title><h1>Items</h1><p>Showing 1-2 of 1,247 results</p>
        <ul><li>one</li><li>two</li></ul> <a href="/2" rel="next">Next page</a> <button disabled>Load more</button>
        <a href="/report">Report</a> <a href="/data.csv" download>Data</a> <button id="make">Make</button>
        <script>document.getElementById("make").onclick = () => { location.href = "/data.csv"; };</script>
        <a href="/2" target="_blank">Popup</a>""",
    "/2": "<title>Second</title><p class='none'>Nothing here</p>",
    "/login": """<title>Log in</title><form action="/session" method="post">
        <input name="user" placeholder="Your name"> <input name="secret" type="password"> <button>Go</button></form>""",
    "/cut": """<title>Cut</title><a href="/2" title="A very long title of a book">A very lo…</a>
        <select name="size"><option value="s">Small</option><option value="l">Large</option></select>""",
}


FILES = """<title>Files</title>
    <form action="/made" method="post"><input type="hidden" name="token" value="{token}">
    <button>Statement</button></form>
    <button onclick="location.href = '/once/{token}'">One time</button>
    <button onclick="tell('/report').then((url) => window.open(url))">New tab</button>
    <button onclick="tell('/report').then((url) => Object.assign(document.createElement('a'),
        {{href: url, download: 'Übersicht'}}).click())">By script</button>
    <button onclick="tell('/report').then((url) => {{ const it = document.createElement('embed'); it.type =
        'application/pdf'; it.src = url; document.body.append(it); }})">Preview</button>
    <button onclick="fetch('/report')">Draw</button>
    <a href="/shown" target="_blank">Viewer</a> <a href="/made" data-method="post">By method</a>
    <a href="data:text/csv;base64,YTtiCg==" download="rows">Rows</a> <a href="/answers">Letter</a>
    <button onclick="location.href = '/answers'">Answers</button> <a href="/plain" download="as told">Told</a>
    <embed type="application/pdf" src="/report"> <button onclick="location.href = '/gone.pdf'">Gone</button>
    <button onclick="location.href = '/note.txt'">Note</button> <button>Nothing</button> <a href="/2">A page</a>
    <script>
      const tell = (path) => fetch(path).then((r) => r.blob()).then((b) => URL.createObjectURL(b));
      document.querySelector('[data-method]').onclick = (event) => {{
        event.preventDefault(); document.forms[0].submit(); }};
    </script>"""


_asked: Counter[str] = Counter()  # for files that are given out one time


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/files":
            self._answer(200, FILES.format(token=secrets.token_hex(8)).encode(), "text/html; charset=utf-8")
        elif self.path == "/made":
            self._answer(405, b"<title>Not allowed</title>", "text/html")
        elif self.path.startswith("/once/"):
            self._give_once(self.path)
        elif self.path == "/framed":
            self._answer(200, f"<h1>Shown</h1><iframe src=/once/{secrets.token_hex(8)}></iframe>".encode(), "text/html")
        elif self.path == "/plain":
            self._answer(200, PDF, "application/pdf")
        elif self.path == "/note.txt":
            self._answer(200, "Größe: 5 €".encode(), "text/plain")
        elif self.path == "/shown":
            self._answer(200, b"<title>Shown</title><embed type=application/pdf src=/report>", "text/html")
        elif self.path == "/answers":
            name = "attachment; filename=\"Letter_.pdf\"; filename*=UTF-8''Letter%20f%C3%BCr%202024%20%E2%82%AC.pdf"
            self._answer(200, PDF, "application/pdf", {"Content-Disposition": name})
        elif self.path == "/report":
            self._answer(
                200, PDF, "application/pdf", {"Content-Disposition": "inline; filename*=UTF-8''R%C3%A9port.pdf"}
            )
        elif self.path == "/data.csv":
            self._answer(200, b"a,b\n1,2\n", "text/csv", {"Content-Disposition": "attachment"})
        elif self.path == "/away":
            self._answer(302, b"", "text/html", {"Location": "http://127.0.0.1:9009/"})
        elif self.path == "/busy":
            self._answer(503, b"<title>Busy</title>", "text/html", {"Retry-After": "7"})
        else:
            page = PAGES.get(self.path)
            self._answer(
                200 if page else 404, (page or "<title>Not found</title>").encode(), "text/html; charset=utf-8"
            )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/made":
            self._give_once(body)
            return
        self._answer(200, b"<title>Welcome</title>", "text/html")

    def _give_once(self, token: str) -> None:
        _asked[token] += 1
        if _asked[token] > 1:
            self._answer(410, b"<title>It was given out already</title>", "text/html")
        else:
            self._answer(200, PDF, "application/pdf")

    def _answer(self, status: int, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """URL of the site, without a slash at its end."""
    with serving(_Handler) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(pool=PoolOptions(spare=0), cache=DRIVER_CACHE) as opened:
        yield opened


Run = Callable[..., Coroutine[Any, Any, Outcome]]


@pytest.fixture
def run(sandbox: Sandbox, site: str) -> Run:
    """Run the body of an automation, at the site's first page unless told otherwise."""

    async def run_body(
        body: str, path: str | None = "/", host: Host | None = None, kind: str = "page", **options: Any
    ) -> Outcome:
        code = body if "def run" in body else f"async def run({kind}, parameters, task):\n" + _indent(body)
        automation = Automation(code, resources=options.pop("resources", {}))
        return await sandbox.run(
            automation,
            options.pop("parameters", {}),
            start_url=None if path is None else site + path,
            egress=options.pop("egress", Egress(allow=(site,))),
            host=host or Host(),
            **options,
        )

    return run_body


def _indent(body: str) -> str:
    return textwrap.indent(textwrap.dedent(body).strip() + "\n", "    ")
