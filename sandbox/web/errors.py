"""The exceptions of `web`.

WebError                 a request that failed, a page that cannot be read; ``reason`` tells which
├── NotOnPage            no element, several where one was asked for, no such field; also a `LookupError`
└── WrongUse             a method that `web` does not have, with the one that it has; also an `AttributeError`
"""

from __future__ import annotations

from typing import Any

# `WebError.reason`. The first line is the transport's: what keeps a request from being answered.
REASONS = frozenset(
    {"dns", "refused", "timeout", "tls", "policy", "closed", "protocol"}
    | {"address", "held", "status", "redirects", "body", "json", "html", "followed", "missing", "ambiguous", "use"}
)


class WebError(Exception):
    """A request that failed, or a page that does not have what was asked of it.

    Args:
        message: What happened, where, and what to do about it.
        reason: One of `REASONS`; the transport may add words after a colon: ``"dns: no such host"``.
        url: The address of the request or the page, without user name and password.
        status: The answer's, if there was one.
        retry_after: The answer's header, by which a site says when to come again.
    """

    def __init__(
        self, message: str, *, reason: str, url: str = "", status: int | None = None, retry_after: str | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.url = url
        self.status = status
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), str(self), self.reason, self.url, self.status, self.retry_after)


class NotOnPage(WebError, LookupError):
    """Something that a page does not have, or has more than once."""


class WrongUse(WebError, AttributeError):
    """A method or attribute of another library; the message names the right one."""


def _rebuild(
    kind: type[WebError], message: str, reason: str, url: str, status: int | None, retry_after: str | None
) -> WebError:
    return kind(message, reason=reason, url=url, status=status, retry_after=retry_after)
