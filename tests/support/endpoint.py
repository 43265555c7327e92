"""A real HTTP server on loopback that answers models' requests, and can go wrong in every way that the APIs can."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Handler"], None]
"""Answers one request."""


@dataclass
class Endpoint:
    """The server's answers, and the requests it got.

    Args:
        url: For ``base_url``.
        answers: One for each request, in order; the last one answers all further ones.
        requests: Bodies, as they came.
        headers: Headers of the same, with names in lower case.
    """

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    """Takes one request to the endpoint that the server belongs to."""

    protocol_version = "HTTP/1.1"
    endpoint: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path not in ("/v1/messages", "/v1/chat/completions"):
            return error(404, "not_found_error", f"there is nothing at {self.path}")(self)
        number = len(self.endpoint.requests)
        self.endpoint.requests.append(json.loads(body))
        self.endpoint.headers.append({name.lower(): value for name, value in self.headers.items()})
        return self.endpoint.answers[min(number, len(self.endpoint.answers) - 1)](self)

    def send(self, status: int, body: bytes, headers: Mapping[str, str], *, cut: bool = False) -> None:
        """A whole answer, or the first half of one and then nothing."""
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = cut

    def log_message(self, *_: Any) -> None:
        """Keeps quiet."""


@contextmanager
def serve(*answers: Answer) -> Iterator[Endpoint]:
    """An endpoint at a free port of loopback."""
    endpoint = Endpoint(answers=list(answers))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"endpoint": endpoint}))
    endpoint.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def message(*content: Mapping[str, Any], stop_reason: str = "end_turn", **usage: int) -> Answer:
    """A good answer, with the fields that the API sends."""
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-5-5",
        "content": list(content),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5, **usage},
    }
    return lambda handler: handler.send(200, json.dumps(body).encode(), {})


def error(status: int, kind: str, text: str, *, error_code: str | None = None, **headers: str) -> Answer:
    """An error as the API reports it; header names are written with underscores."""
    details = {"details": {"error_code": error_code}} if error_code else {}
    body = json.dumps({"type": "error", "error": {"type": kind, "message": text, **details}})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.send(status, body.encode(), named)


def raw(body: bytes, content_type: str = "application/json", status: int = 200, *, cut: bool = False) -> Answer:
    """Any body; ``cut``: the connection is closed in its middle."""
    return lambda handler: handler.send(status, body, {"content-type": content_type}, cut=cut)


def drop(handler: Handler) -> None:
    """Closes the connection without an answer."""
    handler.close_connection = True


def hang(handler: Handler) -> None:
    """Says nothing for a minute, or until the test is over."""
    handler.endpoint.over.wait(60)
    handler.close_connection = True


def trickle(handler: Handler) -> None:
    """Sends a byte now and then for a minute, so that no time between two bytes is ever long."""
    handler.close_connection = True
    handler.send_response(200)
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    with contextlib.suppress(OSError):  # the client has gone
        for _ in range(1200):
            handler.wfile.write(b"1\r\n \r\n")
            if handler.endpoint.over.wait(0.05):
                break


def text(words: str) -> dict[str, Any]:
    """A text block."""
    return {"type": "text", "text": words}
