"""A proxy that mutates a site: an HTTP server on loopback that fetches from the site and changes its answers."""

from __future__ import annotations

import http.client
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from engine.testing.drift.mutation import Mutation
from engine.testing.drift.reply import Layout, Reply

_HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
    "upgrade",
})  # fmt: skip
_NOT_PASSED_ON = _HOP_BY_HOP | {"content-length", "content-encoding", "content-security-policy", "date", "server"}


class DriftProxy:
    """Serves the site at ``upstream`` on 127.0.0.1, changed by ``mutation``, until it is closed.

    ``mutation`` may be set at any time; None passes everything on unchanged. ``changed`` counts the answers that the
    mutation has changed since it was set.

    Args:
        upstream: Any address on the site; requests go to its origin.
        layout: The layout of the site's list.

    >>> with DriftProxy("http://127.0.0.1:9/") as proxy:
    ...     proxy.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(self, upstream: str, layout: Layout | None = None) -> None:
        parts = urlsplit(upstream)
        self.upstream = f"{parts.scheme}://{parts.netloc}"
        self._host, self._secure = parts.netloc, parts.scheme == "https"
        self._layout = layout or Layout()
        self._lock = threading.Lock()
        self.mutation = None
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The site's root, as seen through the proxy."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    @property
    def mutation(self) -> Mutation | None:
        """The current mutation; None passes everything on unchanged."""
        return self._mutation

    @mutation.setter
    def mutation(self, mutation: Mutation | None) -> None:
        self._mutation = mutation
        self.forget()

    def forget(self) -> None:
        """Forget the answers so far, as if the mutation were set now."""
        self._memory: dict[str, Any] = {}
        self.changed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, events: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving. May be called twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> _Answer:
        """Fetch from the site and apply the mutation (called on the connection's thread)."""
        mutation = self._mutation
        asked = mutation.target(target, self._layout) if mutation is not None else target
        answer = self._fetch(method, asked, headers, body)
        if mutation is None:
            return answer
        reply = Reply(
            method, target, answer.status, answer.header("content-type"), answer.body, self._layout, self._memory,
            fetch=lambda other: self._fetch("GET", other, headers, b"").body.decode(errors="replace"),
        )  # fmt: skip
        with self._lock:  # its memory is shared
            if mutation.apply(reply) or asked != target:
                self.changed += 1
        if reply.status != answer.status:
            answer.headers = [(name, value) for name, value in answer.headers if name.lower() != "location"]
        answer.status, answer.body = reply.status, reply.body
        answer.set("content-type", reply.content_type)
        return answer

    def _fetch(self, method: str, target: str, headers: dict[str, str], body: bytes) -> _Answer:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        options: dict[str, Any] = {"context": ssl.create_default_context()} if self._secure else {}
        connection = kind(self._host, timeout=30, **options)
        try:
            sent = {n: self._upstream(v) for n, v in headers.items() if n.lower() not in _HOP_BY_HOP}
            connection.request(method, target, body or None, sent | {"Host": self._host, "Accept-Encoding": "identity"})
            response = connection.getresponse()
            content = response.read()
            found = [(n, self._here(v)) for n, v in response.getheaders() if n.lower() not in _NOT_PASSED_ON]
        finally:
            connection.close()
        answer = _Answer(response.status, found, content)
        if answer.header("content-type").startswith(("text/", "application/json")):
            answer.body = content.replace(self.upstream.encode(), self.url.rstrip("/").encode())
        return answer

    def _upstream(self, value: str) -> str:
        return value.replace(self.url.rstrip("/"), self.upstream)

    def _here(self, value: str) -> str:
        if self._secure:
            value = value.replace("; Secure", "").replace("; secure", "")
        return value.replace(self.upstream, self.url.rstrip("/"))


class _Answer:
    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def header(self, name: str) -> str:
        return next((v for n, v in self.headers if n.lower() == name), "")

    def set(self, name: str, value: str) -> None:
        self.headers = [(n, v) for n, v in self.headers if n.lower() != name] + ([(name, value)] if value else [])


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: DriftProxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore the error: a browser that closed the connection is none."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            answer = self.server.proxy.answer(self.command, self.path, dict(self.headers.items()), body)
        except (OSError, http.client.HTTPException) as error:
            answer = _Answer(502, [("Content-Type", "text/plain")], f"the site cannot be reached: {error}".encode())
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815  names of http.server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is http.server's
        """Print nothing."""
