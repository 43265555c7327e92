"""Answers by which a site asks its visitors to come later, and the Retry-After header, which says when."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def asks_to_wait(status: int, retry_after: str | None) -> bool:
    """Return True for an answer to too many requests, or of a site that says when it is there again.

    >>> asks_to_wait(429, None), asks_to_wait(503, "120"), asks_to_wait(503, None)
    (True, True, False)
    """
    return status == 429 or (status == 503 and bool(retry_after))


def seconds_to_wait(retry_after: str | None) -> float | None:
    """Return a Retry-After header, a number or a date, as seconds from now; None where it is neither.

    >>> seconds_to_wait("120"), seconds_to_wait("Wed, 21 Oct 2015 07:28:00 GMT"), seconds_to_wait("soon")
    (120.0, 0.0, None)
    """
    if not retry_after:
        return None
    try:
        if retry_after.strip().isdigit():
            return float(retry_after)
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
