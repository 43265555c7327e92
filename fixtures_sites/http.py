"""The requests, uploads and responses of a site's routes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qs, quote

from .errors import HangupError

__all__ = ["Request", "Response", "Upload"]


@dataclass(frozen=True)
class Upload:
    """A file in a multipart form."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Request:
    """A parsed request.

    `session` is the visitor's own dict, identified by a cookie that is set once the dict is not empty. `state` is the
    site's, new for each server. `path` does not include the query; header names are in lower case.
    """

    method: str
    path: str
    version: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    body: bytes
    session: dict[str, Any]
    state: Any
    stopping: threading.Event

    def arg(self, name: str, default: str = "") -> str:
        """Return the first value of a query parameter."""
        return self.query.get(name, [default])[0]

    def number(self, name: str, default: int = 1) -> int:
        """Return a query parameter as an integer; the default if it is absent or not an integer."""
        try:
            return int(self.arg(name))
        except ValueError:
            return default

    @property
    def form(self) -> dict[str, str]:
        """The first value of each field of a posted form, urlencoded or multipart; files are in `uploads`."""
        return {name: values[0] for name, values in self.form_lists.items()}

    @property
    def form_lists(self) -> dict[str, list[str]]:
        """All values of each field of a posted form."""
        if self.headers.get("content-type", "").startswith("multipart/form-data"):
            found: dict[str, list[str]] = {}
            for name, part in self._parts():
                if isinstance(part, str):
                    found.setdefault(name, []).append(part)
            return found
        return parse_qs(self.body.decode(), keep_blank_values=True)

    @property
    def uploads(self) -> dict[str, Upload]:
        """The files of a multipart form by field name; a field left empty is absent."""
        return {name: part for name, part in self._parts() if isinstance(part, Upload)}

    def pause(self, seconds: float) -> None:
        """Wait as a slow site does.

        Raises:
            HangupError: The server is stopping.
        """
        if self.stopping.wait(seconds):
            raise HangupError("the server stopped")

    def _parts(self) -> Iterator[tuple[str, str | Upload]]:
        head = f"Content-Type: {self.headers.get('content-type', '')}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + self.body)
        for part in message.iter_parts() if message.is_multipart() else ():
            name = str(part.get_param("name", "", header="content-disposition"))
            content = part.get_payload(decode=True)
            raw = content if isinstance(content, bytes) else b""
            filename = part.get_filename()
            if filename is None:
                yield name, raw.decode()
            elif filename:
                yield name, Upload(filename, part.get_content_type(), raw)


@dataclass(frozen=True)
class Response:
    """A route's response; a route may also return a `str`, which is sent as an HTML page.

    `body` may be an iterator, which is sent chunk by chunk. A `Content-Length` in `headers` is sent unchanged, right or
    wrong, and the connection is closed afterwards.
    """

    body: str | bytes | Iterator[bytes] = b""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: object, status: int = 200) -> Response:
        """Return a JSON document."""
        return cls(json.dumps(value), status, "application/json")

    @classmethod
    def redirect(cls, location: str, status: int = 303) -> Response:
        """Redirect the visitor; status 303 turns a POST into a GET."""
        return cls(b"", status, headers={"Location": location})

    @classmethod
    def download(cls, content: bytes | Iterator[bytes], filename: str, content_type: str) -> Response:
        """Return a file that the browser saves instead of showing it."""
        name = f"attachment; filename*=UTF-8''{quote(filename)}"
        return cls(content, content_type=content_type, headers={"Content-Disposition": name})
