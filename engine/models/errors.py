"""What went wrong at a model's endpoint, as the engine's own errors; knows statuses and words, but no SDK."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import (
    ModelError,
    ModelOutOfCredit,
    ModelRejected,
    ModelUnauthenticated,
    ModelUnavailable,
)

_BY_TYPE: dict[str, type[ModelError]] = {
    "authentication_error": ModelUnauthenticated,
    "permission_error": ModelUnauthenticated,
    "billing_error": ModelOutOfCredit,
    "invalid_request_error": ModelRejected,
    "not_found_error": ModelRejected,
    "request_too_large": ModelRejected,
}
_PASSING = (408, 409, 429)
_LONGEST = 500  # characters of an endpoint's own words


@dataclass(frozen=True)
class Where:
    """Who was asked."""

    model: str
    endpoint: str

    def __str__(self) -> str:
        return f"{self.model} at {self.endpoint}"

    @property
    def details(self) -> dict[str, Any]:
        """As errors carry it."""
        return {"model": self.model, "endpoint": self.endpoint}


def read_failure(message: Any, where: Where) -> ModelError | None:
    """The error in an answer with status 200: one that the endpoint reports late, or a body that is no message."""
    if isinstance(message, Mapping) and message.get("type") == "error":
        reported = message.get("error")
        inner: Mapping[str, Any] = reported if isinstance(reported, Mapping) else {}
        return refused(where, str(inner.get("message", "")), status=200, kind=str(inner.get("type", "")))
    content = message.get("content") if isinstance(message, Mapping) else None
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        return no_message(where, f"{str(message)[:80]!r}")
    return None


def refused(
    where: Where, said: str, *, status: int, kind: str = "", code: str = "", headers: Mapping[str, str] | None = None
) -> ModelError:
    """An error that the endpoint reported.

    Args:
        where: Who was asked.
        said: The endpoint's own words.
        status: HTTP status; 200 where it was reported too late for another.
        kind: The API's type of error.
        code: The API's stable code for the cause.
        headers: Of the answer.
    """
    said = said[:_LONGEST]
    headers = headers or {}
    details: dict[str, Any] = {**where.details, "status": status}
    if code:
        details["error_code"] = code
    found = _class_of(status, kind, code, said)
    if found is ModelUnauthenticated:
        remedy = "set ANTHROPIC_API_KEY, or pass api_key"
        return found(f"{where} does not accept the key ({status}): {said}; {remedy}", **details)
    if found is ModelOutOfCredit:
        remedy = "add credit, or raise the account's limit"
        return found(f"the account for {where} has no credit left ({status}): {said}; {remedy}", **details)
    if found is ModelRejected:
        remedy = "; is this the model's name, and base_url its address without /v1?" if status == 404 else ""
        return found(f"{where} refused the request ({status}): {said}{remedy}", **details)
    details["retry_after"] = retry_after = _retry_after(headers)
    details["transient"] = headers.get("x-should-retry") != "false"
    when = f"; it asks to wait {retry_after:g} s" if retry_after else ""
    return ModelUnavailable(f"{where} cannot answer now ({status}): {said}{when}", **details)


def unreachable(where: Where, said: str, *, sent: bool) -> ModelUnavailable:
    """No answer, or only a part of one.

    Args:
        where: Who was asked.
        said: What went wrong.
        sent: The request may have arrived, so that its answer may be billed.
    """
    details = {**where.details, "retry_after": None, "transient": True, "maybe_billed": sent}
    return ModelUnavailable(f"{where} cannot be reached: {said}", **details)


def timed_out(where: Where, seconds: float) -> ModelUnavailable:
    """No answer in time; it may be billed all the same."""
    details = {**where.details, "retry_after": None, "transient": False, "maybe_billed": True}
    return ModelUnavailable(f"{where} gave no answer within {seconds:g} s", **details)


def _class_of(status: int, kind: str, code: str, said: str) -> type[ModelError]:
    # An empty account is a plain 400, which nothing but its words tells apart.
    if status == 402 or "spend_limit" in code or (status == 400 and "credit balance is too low" in said.lower()):
        return ModelOutOfCredit
    if status in (401, 403):
        return ModelUnauthenticated
    if status in _PASSING or status >= 500:
        return ModelUnavailable
    if 400 <= status < 500:
        return ModelRejected
    return _BY_TYPE.get(kind, ModelUnavailable)


def no_message(where: Where, said: str) -> ModelUnavailable:
    """An answer of another form than the API's."""
    return ModelUnavailable(
        f"{where} answered with something that is no message: {said[:_LONGEST]}; is base_url right?",
        **where.details,
        retry_after=None,
        transient=False,
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from the header's number of milliseconds, of seconds, or its date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        return seconds if 0 < seconds < float("inf") else None
    date = email.utils.parsedate_tz(headers.get("retry-after"))
    if date is None:
        return None
    return max(email.utils.mktime_tz(date) - time.time(), 0.0) or None
