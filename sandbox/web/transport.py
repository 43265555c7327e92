"""The boundary between `web` and whatever sends its requests: the host in a run, a function in a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class WebRequest:
    """One request on the wire. Redirects, cookies and retries are the client's: each is a request of its own.

    Args:
        method: In upper case.
        url: Absolute, http or https, in ASCII, without user name, password and fragment.
        headers: In the order of sending; ``Host``, ``Content-Length`` and ``Connection`` are the transport's.
        body: Empty for none.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class WebAnswer:
    """The answer to a request, its body as it came: content codings are undone by the client.

    Args:
        status: 200 to 599.
        headers: As received, in their order.
        body: Without transfer coding.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str:
        """Return a header's value, several joined by commas; empty if there is none.

        >>> WebAnswer(200, (("Vary", "Accept"), ("vary", "Cookie"))).header("vary")
        'Accept, Cookie'
        """
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())


class Transport(Protocol):
    """Sends requests."""

    async def send(self, request: WebRequest) -> WebAnswer:
        """Send a request and return its answer, a redirect or an error of the site's, too.

        Raises:
            WebError: There is none; ``reason`` says why.
        """


class WebObserver(Protocol):
    """Is told of what an automation does with `web`, for evidence and page maps."""

    def requested(self, request: WebRequest) -> None:
        """Take note of a request that is about to be sent."""

    def answered(self, request: WebRequest, answer: WebAnswer) -> None:
        """Take note of an answer, that of a redirect, too."""

    def page_read(self, page: Any) -> None:
        """Take note of a `WebPage` of which code reads for the first time."""

    def taken(self, found: Any, at: int) -> None:
        """Take note of an element that code takes of several that it `Found`, by position."""

    def submitted(self, form: Any, values: Mapping[str, Any]) -> None:
        """Take note of a `WebForm` that is about to be sent with these values, by their labels."""
