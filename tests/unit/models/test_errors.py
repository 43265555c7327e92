"""Every failure of an endpoint has an error of the engine, and every exception of the SDK is translated."""

from __future__ import annotations

import json
import pickle
from typing import Any

import httpx2
import pytest

from engine.errors import ModelError, ModelOutOfCredit, ModelRejected, ModelUnauthenticated, ModelUnavailable
from engine.models import AnthropicModel, ModelRequest
from engine.models.anthropic import translate
from engine.models.errors import ModelEndpoint
from tests.support.endpoint import Answer, drop, error, raw, serve

HERE = ModelEndpoint("claude-haiku-5-5", "http://127.0.0.1:1")
ASK = ModelRequest(purpose="ask", system="", messages=({"role": "user", "content": "Well?"},), timeout=20)
CREDIT = "Your credit balance is too low to access the Anthropic API."


@pytest.mark.parametrize(
    ("answer", "expected", "details"),
    [
        (error(401, "authentication_error", "invalid x-api-key"), ModelUnauthenticated, {"status": 401}),
        (error(403, "permission_error", "not yours"), ModelUnauthenticated, {"status": 403}),
        (error(402, "billing_error", "no payment"), ModelOutOfCredit, {"status": 402}),
        (error(400, "invalid_request_error", CREDIT), ModelOutOfCredit, {"status": 400}),
        (
            error(429, "rate_limit_error", "limit", error_code="enforced_spend_limit_reached"),
            ModelOutOfCredit,
            {"error_code": "enforced_spend_limit_reached"},
        ),
        (error(400, "invalid_request_error", "messages: no"), ModelRejected, {"status": 400}),
        (error(404, "not_found_error", "model: x"), ModelRejected, {"status": 404}),
        (error(413, "request_too_large", "too large"), ModelRejected, {"status": 413}),
        (error(408, "timeout_error", "slow"), ModelUnavailable, {"status": 408}),
        (error(429, "rate_limit_error", "slow", retry_after="30"), ModelUnavailable, {"retry_after": 30.0}),
        (error(500, "api_error", "oh"), ModelUnavailable, {"status": 500, "retry_after": None}),
        (error(503, "api_error", "oh", x_should_retry="false"), ModelUnavailable, {"transient": False}),
        (error(529, "overloaded_error", "busy"), ModelUnavailable, {"status": 529}),
        (raw(json.dumps({"type": "error", "error": {"type": "overloaded_error"}}).encode()), ModelUnavailable, {}),
        (raw(json.dumps({"type": "error", "error": {"type": "billing_error"}}).encode()), ModelOutOfCredit, {}),
        (raw(b'{"type": "mess'), ModelUnavailable, {"transient": False}),
        (raw(b'{"id": "words"}'), ModelUnavailable, {"transient": False}),
        (raw(b"<h1>Welcome</h1>", "text/html"), ModelRejected, {"reason": "wrong-endpoint"}),
        (raw(b'{"object": "chat.completion", "choices": []}'), ModelRejected, {"reason": "wrong-endpoint"}),
        (raw(b'{"error": "Unexpected endpoint or method."}'), ModelRejected, {"reason": "wrong-endpoint"}),
        (raw(b'{"error": "model runner has stopped"}'), ModelUnavailable, {"status": 200}),
        (raw(b"Method Not Allowed", "text/plain", 405), ModelRejected, {"reason": "wrong-endpoint"}),
        (raw(b"404 page not found", "text/plain", 404), ModelRejected, {"reason": "wrong-endpoint"}),
        (error(400, "invalid_request_error", "gemma3 does not support tools"), ModelRejected, {"reason": "no-tools"}),
        (raw(b"\xff\xfe\xff", "application/json"), ModelUnavailable, {"transient": False}),
        (drop, ModelUnavailable, {"transient": True}),
    ],
)
async def test_each_failure_of_the_endpoint_has_its_error(
    answer: Answer, expected: type[ModelError], details: dict[str, Any]
) -> None:
    with serve(answer) as endpoint:
        model = AnthropicModel(api_key="k", base_url=endpoint.url, max_retries=0)
        with pytest.raises(ModelError) as raised:
            await model.query(ASK)
        await model.close()
    assert type(raised.value) is expected
    assert details.items() <= raised.value.details.items()
    assert raised.value.details["endpoint"] == endpoint.url
    assert pickle.loads(pickle.dumps(raised.value)).details == raised.value.details


async def test_a_refused_connection_is_unavailable() -> None:
    with serve() as endpoint:
        pass
    model = AnthropicModel(api_key="k", base_url=endpoint.url, max_retries=0)
    with pytest.raises(ModelUnavailable, match="cannot be reached: ConnectError"):
        await model.query(ASK)
    await model.close()


EXPECTED: dict[str, type[ModelError]] = {
    "AuthenticationError": ModelUnauthenticated,
    "PermissionDeniedError": ModelUnauthenticated,
    "CredentialsError": ModelUnauthenticated,
    "IdentityTokenFileError": ModelUnauthenticated,
    "PaymentRequiredError": ModelOutOfCredit,
    "BadRequestError": ModelRejected,
    "NotFoundError": ModelRejected,
    "PreconditionFailedError": ModelRejected,
    "ContentTooLargeError": ModelRejected,
    "UnprocessableEntityError": ModelRejected,
    "RequestHeaderFieldsTooLargeError": ModelRejected,
    "ClientClosedRequestError": ModelRejected,
    "RequestTimeoutError": ModelUnavailable,
    "ConflictError": ModelUnavailable,
    "RateLimitError": ModelUnavailable,
    "InternalServerError": ModelUnavailable,
    "HTTPNotImplementedError": ModelUnavailable,
    "ServiceUnavailableError": ModelUnavailable,
    "GatewayTimeoutError": ModelUnavailable,
    "OverloadedError": ModelUnavailable,
    "APIStatusError": ModelUnavailable,
    "APIConnectionError": ModelUnavailable,
    "APITimeoutError": ModelUnavailable,
    "APIResponseValidationError": ModelUnavailable,
    "APIWebhookValidationError": ModelUnavailable,
    "APIError": ModelUnavailable,
    "RetryableError": ModelUnavailable,
    "AnthropicError": ModelUnavailable,
}


def sdk_errors() -> Any:
    """Import the SDK's exceptions here: it takes two seconds, which each test process would spend to collect tests."""
    from anthropic import _exceptions

    return _exceptions


def test_the_list_of_sdk_exceptions_is_complete() -> None:
    kinds = (value for value in vars(sdk_errors()).values() if isinstance(value, type))
    assert {kind.__name__ for kind in kinds if issubclass(kind, Exception)} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_every_exception_of_the_sdk_is_translated(name: str) -> None:
    found = translate(example(getattr(sdk_errors(), name)), HERE)
    assert type(found) is EXPECTED[name]


def example(kind: Any) -> Exception:
    import anthropic

    request = httpx2.Request("POST", HERE.url)
    if issubclass(kind, anthropic.APIStatusError):
        response = httpx2.Response(getattr(kind, "status_code", 500), request=request)
        return kind("oh", response=response, body=None)
    if issubclass(kind, anthropic.APIResponseValidationError):
        return kind(httpx2.Response(200, request=request), None)
    if issubclass(kind, anthropic.APITimeoutError):
        return kind(request)
    if issubclass(kind, anthropic.APIConnectionError):
        return kind(request=request)
    if issubclass(kind, anthropic.APIError):
        return kind("oh", request, body=None)
    return kind("oh")


def test_a_broken_stream_is_translated_and_other_errors_are_not() -> None:
    assert isinstance(translate(httpx2.RemoteProtocolError("gone"), HERE), ModelUnavailable)
    assert translate(TypeError("a bug of ours"), HERE) is None
