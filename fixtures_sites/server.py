"""One small threaded HTTP server for all fixture sites."""

from __future__ import annotations

import importlib
import re
import secrets
import socket
import ssl
import threading
import traceback
from collections.abc import Callable
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from .errors import HangupError, UnknownSiteError
from .http import Request, Response
from .seeds import seeded
from .sites import SITES

__all__ = ["FixtureServer", "Site", "serve"]

_SELF_SIGNED = Path(__file__).with_name("self_signed.pem")
View = Callable[..., "Response | str"]


class Site:
    """A site: its routes in each version, and its initial state.

    `about` describes the site in one line, with its credentials if it has any. `state` makes the object that is
    `request.state` in routes and `server.state` in tests.

        SITE = Site("shop", about="a shop", state=Cart)

        @SITE.route("/item/{slug}", version="v1")
        def item(request: Request, slug: str) -> str: ...

        @SITE.route("/order", version="v2", methods=("POST",))
        def order(request: Request) -> Response: ...

    In a path, `{name}` matches one segment and `{name+}` the rest, including slashes. A route without a version
    belongs to all versions.
    """

    def __init__(
        self,
        name: str,
        *,
        about: str,
        state: Callable[[], Any] = SimpleNamespace,
        versions: tuple[str, ...] = ("v1", "v2"),
    ) -> None:
        self.name = name
        self.about = about
        self.versions = versions
        self.new_state = state
        self._routes: list[tuple[re.Pattern[str], str | None, tuple[str, ...], View]] = []
        self.not_found: View = lambda request: "<!doctype html><title>Not found</title><h1>Page not found</h1>"

    def route(
        self, path: str, *, version: str | None = None, methods: tuple[str, ...] = ("GET",)
    ) -> Callable[[View], View]:
        """Register the decorated function for a path; it is called with the request and the path's names."""
        parts = re.split(r"(\{\w+\+?\})", path)
        pattern = "".join(_segment(part) if part.startswith("{") else re.escape(part) for part in parts)

        def register(view: View) -> View:
            self._routes.append((re.compile(pattern), version, methods, view))
            return view

        return register

    def respond(self, request: Request) -> Response:
        """Answer a request: 404 where no route has the path, 405 where none has the method."""
        method = "GET" if request.method == "HEAD" else request.method
        other_method = False
        for pattern, version, methods, view in self._routes:
            match = pattern.fullmatch(request.path)
            if match is None or version not in (None, request.version):
                continue
            if method in methods:
                return _as_response(view(request, **match.groupdict()))
            other_method = True
        if other_method:
            return Response("Method not allowed", 405, "text/plain")
        missing = _as_response(self.not_found(request))
        return Response(missing.body, 404, missing.content_type, missing.headers)


def _segment(part: str) -> str:
    name = part.strip("{}+")
    return f"(?P<{name}>.+)" if part.endswith("+}") else f"(?P<{name}>[^/]+)"


def _as_response(answer: Response | str) -> Response:
    return Response(answer) if isinstance(answer, str) else answer


class FixtureServer:
    """A site being served on 127.0.0.1, until `close()` or the end of the `with` block.

    `version` may be set at any time: the next request gets the other version, on the same origin. So may `seed`, which
    gives the same pages other data (see `fixtures_sites.seeds`; the form has none). `state` is the site's state.
    `requests` logs `(method, path with query)` in order. `errors` has the tracebacks of routes that failed, which the
    visitor saw as a 500. With `tls`, the server uses HTTPS with a self-signed certificate.
    """

    def __init__(self, site: Site, *, version: str = "v1", port: int = 0, tls: bool = False) -> None:
        self.site = site
        self.scheme = "https" if tls else "http"
        self.version = version
        self.seed = 0
        self.state = site.new_state()
        self.requests: list[tuple[str, str]] = []
        self.errors: list[str] = []
        self._sessions: dict[str, dict[str, Any]] = {}
        self._stopping = threading.Event()
        self._server = _Server(self, port, tls=tls)
        self.port: int = self._server.server_address[1]
        # Cookies belong to a host, not to a port: with the same name, sites that run side by side would share theirs.
        self._cookie = f"sid{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The URL of the start page, with the slash at its end."""
        return f"{self.scheme}://127.0.0.1:{self.port}/"

    @property
    def version(self) -> str:
        """The version that the next request gets."""
        return self._version

    @version.setter
    def version(self, version: str) -> None:
        if version not in self.site.versions:
            known = ", ".join(self.site.versions)
            raise UnknownSiteError(f"the site {self.site.name!r} has no version {version!r}; it has {known}")
        self._version = version

    def close(self) -> None:
        """Stop serving, drop all connections and close the port. May be called twice."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Response:
        """Answer one request (called by the HTTP handler, on the connection's thread)."""
        if self._stopping.is_set():  # the connection was accepted while the server was closing
            raise HangupError("the server stopped")
        self.requests.append((method, target))
        url = urlsplit(target)
        cookies = {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
        token = cookies.get(self._cookie, "")
        session = self._sessions.get(token, {})
        request = Request(
            method=method,
            path=unquote(url.path),
            version=self.version,
            query=parse_qs(url.query, keep_blank_values=True),
            headers=headers,
            cookies=cookies,
            body=body,
            session=session,
            state=self.state,
            stopping=self._stopping,
        )
        with seeded(self.seed):
            response = self.site.respond(request)
        if session and token not in self._sessions:
            token = secrets.token_urlsafe(12)
            self._sessions[token] = session
            new = {**response.cookies, self._cookie: f"{token}; Path=/; HttpOnly; SameSite=Lax"}
            response = Response(response.body, response.status, response.content_type, response.headers, new)
        return response


def serve(name: str, *, version: str = "v1", port: int = 0, tls: bool = False) -> FixtureServer:
    """Serve a site on loopback.

    Args:
        name: Name of the site.
        version: Design to serve; it can be changed later.
        port: Port; 0 takes a free one.
        tls: Use HTTPS with a self-signed certificate.

    Raises:
        UnknownSiteError: There is no such site or version.
        OSError: The port is not available.
    """
    if name not in SITES:
        raise UnknownSiteError(f"there is no site {name!r}; there are {', '.join(sorted(SITES))}")
    site: Site = importlib.import_module(SITES[name]).SITE
    return FixtureServer(site, version=version, port=port, tls=tls)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, fixture: FixtureServer, port: int, *, tls: bool) -> None:
        self.fixture = fixture
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(_SELF_SIGNED)
            # The connection's thread does the handshake, at its first read.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.discard(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # the visitor closed it first
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore the error: it is a visitor that closed the connection; failures of routes are in `errors`."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "fixture"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def _handle(self) -> None:
        fixture = self.server.fixture
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            response = fixture.answer(self.command, self.path, headers, body)
        except HangupError:
            self.close_connection = True
            return
        except Exception:  # noqa: BLE001  a route's mistake must reach the test, not end the thread
            fixture.errors.append(traceback.format_exc())
            response = Response(fixture.errors[-1], 500, "text/plain; charset=utf-8")
        self._send(response)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815  names of http.server

    def _send(self, response: Response) -> None:
        body = response.body.encode() if isinstance(response.body, str) else response.body
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        # A redesign must be visible at the next load, not when a cache expires.
        headers = {"Cache-Control": "no-store", **response.headers}
        chunked = False
        if "Content-Length" in headers:
            headers["Connection"] = "close"  # the body may be shorter or longer than declared
        elif isinstance(body, bytes):
            headers["Content-Length"] = str(len(body))
        else:
            headers["Transfer-Encoding"] = "chunked"
            chunked = True
        for name, value in headers.items():
            self.send_header(name, value)
        for name, value in response.cookies.items():
            self.send_header("Set-Cookie", f"{name}={value}")
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            for chunk in filter(None, [body] if isinstance(body, bytes) else body):
                self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" if chunked else chunk)
                self.wfile.flush()
            if chunked:
                self.wfile.write(b"0\r\n\r\n")
        except HangupError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is http.server's
        """Print nothing; `FixtureServer.requests` is the log."""
