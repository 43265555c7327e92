"""Failures of a model's endpoint as the engine's errors, by status and text; independent of any SDK."""

from __future__ import annotations

import email.utils
import re
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
_TRANSIENT = (408, 409, 429)
_MARKUP = re.compile(r"<!?[A-Za-z][^<>]*>")
_TOO_LONG = re.compile(r"prompt is too long|context (?:length|size|window)|maximum context|exceed_context", re.I)
_WINDOWS = re.compile(r"(?:context (?:length|size|window)\D{0,20}|> )(\d{4,7})|(\d{4,7}) maximum", re.I)
_LONGEST = 500  # characters of an endpoint's own message


@dataclass(frozen=True)
class ModelEndpoint:
    """A model and the address at which it is served, for messages."""

    model: str
    url: str

    def __str__(self) -> str:
        return f"{self.model} at {self.url}"

    @property
    def details(self) -> dict[str, Any]:
        """The model and its address as an error's ``details``."""
        return {"model": self.model, "endpoint": self.url}


def read_failure(message: Any, endpoint: ModelEndpoint) -> ModelError | None:
    """Return the error in a response with status 200: one that was reported late, or a body that is not a message."""
    if not isinstance(message, Mapping):
        return no_message(endpoint, f"{str(message)[:80]!r}")
    reported = message.get("error")
    if message.get("type") == "error" or (reported and "content" not in message):
        inner: Mapping[str, Any] = reported if isinstance(reported, Mapping) else {"message": reported}
        return refused(endpoint, str(inner.get("message") or ""), status=200, kind=str(inner.get("type") or ""))
    if "choices" in message and "content" not in message:
        return wrong_endpoint(endpoint, "it answers in the form of OpenAI's chat completions")
    return None if "content" in message else no_message(endpoint, f"{str(message)[:80]!r}")


def wrong_endpoint(endpoint: ModelEndpoint, why: str) -> ModelRejected:
    """Return the error for a server that does not speak the Messages API at this address."""
    return ModelRejected(
        f"{endpoint} does not speak the Messages API: {why}; base_url must be a server that answers POST /v1/messages"
        " (LiteLLM, Ollama and llama.cpp can), without /v1 at its end",
        **endpoint.details,
        reason="wrong-endpoint",
    )


def refused(
    endpoint: ModelEndpoint,
    said: str,
    *,
    status: int,
    kind: str = "",
    code: str = "",
    headers: Mapping[str, str] | None = None,
) -> ModelError:
    """Return the error that the endpoint reported.

    Args:
        endpoint: The endpoint.
        said: Its message.
        status: HTTP status; 200 if the error came too late for another.
        kind: The API's error type.
        code: The API's stable error code.
        headers: Headers of the response.
    """
    said = said[:_LONGEST]
    headers = headers or {}
    details: dict[str, Any] = {**endpoint.details, "status": status}
    if code:
        details["error_code"] = code
    found = _class_of(status, kind, code, said)
    if found is ModelUnauthenticated:
        remedy = "set ANTHROPIC_API_KEY, or pass api_key"
        return found(f"{endpoint} does not accept the key ({status}): {said}; {remedy}", **details)
    if found is ModelOutOfCredit:
        remedy = "add credit, or raise the account's limit"
        return found(f"the account for {endpoint} has no credit left ({status}): {said}; {remedy}", **details)
    if (status in (404, 405) and not kind) or "unexpected endpoint" in said.lower():
        return wrong_endpoint(endpoint, f"it says {status} {_MARKUP.sub(' ', said).strip()[:100]!r}")
    if "does not support tools" in said.lower():
        remedy = "take a model whose template has tool calls (of qwen3, llama3.1 or mistral-nemo size or later)"
        return ModelRejected(f"{endpoint} cannot call tools: {said}; {remedy}", **details, reason="no-tools")
    if found is ModelRejected and _TOO_LONG.search(said):
        return found(
            f"the prompt is longer than the context window of {endpoint} ({status}): {said}",
            **details, reason="context-window", window=_window(said),
        )  # fmt: skip
    if found is ModelRejected:
        remedy = "; is this the model's name, and base_url its address without /v1?" if status == 404 else ""
        return found(f"{endpoint} refused the request ({status}): {said}{remedy}", **details)
    details["retry_after"] = retry_after = _retry_after(headers)
    details["transient"] = headers.get("x-should-retry") != "false"
    when = f"; it asks to wait {retry_after:g} s" if retry_after else "; try again later, or see the server's log"
    return ModelUnavailable(f"{endpoint} cannot answer now ({status}): {said}{when}", **details)


def unreachable(endpoint: ModelEndpoint, said: str, *, sent: bool) -> ModelUnavailable:
    """Return the error for a missing or partial response.

    Args:
        endpoint: The endpoint.
        said: The failure.
        sent: The request may have arrived, so that its response may be billed.
    """
    details = {**endpoint.details, "retry_after": None, "transient": True, "maybe_billed": sent}
    return ModelUnavailable(f"{endpoint} cannot be reached: {said}", **details)


def timed_out(endpoint: ModelEndpoint, seconds: float) -> ModelUnavailable:
    """Return the error for a timeout; the response may be billed all the same."""
    details = {**endpoint.details, "retry_after": None, "transient": False, "maybe_billed": True}
    return ModelUnavailable(f"{endpoint} gave no answer within {seconds:g} s", **details)


def _class_of(status: int, kind: str, code: str, said: str) -> type[ModelError]:
    # An empty account is a plain 400, recognizable only by its message.
    if status == 402 or "spend_limit" in code or (status == 400 and "credit balance is too low" in said.lower()):
        return ModelOutOfCredit
    if status in (401, 403):
        return ModelUnauthenticated
    if status in _TRANSIENT or status >= 500:
        return ModelUnavailable
    if 400 <= status < 500:
        return ModelRejected
    return _BY_TYPE.get(kind, ModelUnavailable)


def no_message(endpoint: ModelEndpoint, said: str) -> ModelError:
    """Return the error for a response of another form than the API's."""
    if _MARKUP.search(said):
        return wrong_endpoint(endpoint, "it sent a web page")
    return ModelUnavailable(
        f"{endpoint} sent a response that is not a message: {said[:_LONGEST]}; is base_url right?",
        **endpoint.details,
        retry_after=None,
        transient=False,
    )


def _window(said: str) -> int | None:
    """Return the size of the context window that a refusal names.

    >>> _window("This model's maximum context length is 8192 tokens. However, you requested 9100 tokens")
    8192
    >>> _window("prompt is too long: 9000 tokens > 8192 maximum")
    8192
    """
    match = _WINDOWS.search(said)
    return int(match[1] or match[2]) if match else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait, from milliseconds, seconds or a date in the headers."""
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
