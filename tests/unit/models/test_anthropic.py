"""The model behind the Messages API: requests, replies, retries and deadlines."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from engine.errors import InvalidRequest, ModelUnauthenticated, ModelUnavailable
from engine.models import AnthropicModel, ModelReply, ModelRequest
from tests.support.endpoint import Endpoint, drop, error, hang, message, raw, serve, text, trickle

KEY = "sk-ant-test-0123456789"
LOOK = {"name": "look", "description": "Looks.", "input_schema": {"type": "object", "properties": {}}}
SCHEMA = {"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"]}

Ask = Callable[..., Any]


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Send a request to a model at an endpoint: ``reply = await ask(endpoint, request, model="haiku", ...)``."""
    async with AsyncExitStack() as stack:

        async def asked(endpoint: Endpoint, request: ModelRequest | None = None, **options: Any) -> ModelReply:
            model = AnthropicModel(**{"api_key": KEY, "base_url": endpoint.url, **options})
            stack.push_async_callback(model.close)
            return await model.query(request or question())

        yield asked


def question(*blocks: Any, **fields: Any) -> ModelRequest:
    messages = fields.pop("messages", ({"role": "user", "content": list(blocks) or "What is there?"},))
    return ModelRequest(**{"purpose": "agent", "system": "Be brief.", "messages": messages, "timeout": 20.0, **fields})


async def test_thinking_is_passed_back_unchanged(ask: Ask) -> None:
    thinking = {"type": "thinking", "thinking": "", "signature": "c2ln", "unknown_field": None}
    use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}, "caller": None}
    with serve(message(thinking, use, stop_reason="tool_use"), message(text("Two rows."))) as endpoint:
        first = await ask(endpoint, question(tools=(LOOK,)))
        answered = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "rows"}]}
        history = (*question().messages, {"role": "assistant", "content": list(first.content)}, answered)
        second = await ask(endpoint, question(messages=history, tools=(LOOK,)))
    assert first.content[0] == thinking
    assert first.tool_uses == ({"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}},)
    assert endpoint.requests[1]["messages"][1]["content"] == list(first.content)
    assert second.text == "Two rows."


async def test_the_cost_follows_from_the_tokens(ask: Ask) -> None:
    usage = {"input_tokens": 1000, "output_tokens": 2000, "cache_read_input_tokens": 10_000}
    with serve(message(text("ok"), **usage, cache_creation_input_tokens=4000)) as endpoint:
        reply = await ask(endpoint)
    assert reply.usage.prompt_tokens == 15_000
    assert reply.cost_usd == pytest.approx(0.0001 + 0.001 + 0.0001 + 0.0005)
    assert reply.model == "claude-haiku-5-5"
    assert not reply.recorded


async def test_breakpoints_are_at_the_system_prompt_and_the_last_two_requests(ask: Ask) -> None:
    turns = (
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": [text("a")]},
        {"role": "user", "content": [text("second"), text("and more")]},
        {"role": "assistant", "content": [text("b")]},
        {"role": "user", "content": [text("third")]},
    )
    with serve(message(text("ok"))) as endpoint:
        await ask(endpoint, question(messages=turns, tools=(LOOK,)))
        await ask(endpoint, question(purpose="ask"))
    agent, single = endpoint.requests
    assert marked(agent) == ["Be brief.", "and more", "third"]
    assert marked(single) == ["Be brief."]
    assert "cache_control" not in json.dumps(turns)


def marked(body: Any) -> list[str]:
    """Return the texts with a cache breakpoint."""
    blocks = [*body.get("tools", []), *body["system"], *(b for m in body["messages"] for b in m["content"])]
    return [block["text"] for block in blocks if "cache_control" in block]


async def test_the_api_enforces_the_schema_of_a_priced_model(ask: Ask) -> None:
    with serve(message(text('{"kind": "a"}'))) as endpoint:
        await ask(endpoint, question(output_schema=SCHEMA))
        await ask(endpoint, question(output_schema={"type": "object"}))
    enforced, open_object = endpoint.requests
    sent = enforced["output_config"]["format"]["schema"]
    assert (sent["required"], sent["additionalProperties"]) == (["kind"], False)
    assert "output_config" not in open_object
    assert '{"type": "object"}' in open_object["system"][0]["text"]


async def test_a_local_model_gets_basic_fields_only(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    thought = {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": ""}]}
    turns = ({"role": "user", "content": "a"}, thought, {"role": "user", "content": "b"})
    with serve(message(text("ok"))) as endpoint:
        request = question(messages=turns, output_schema=SCHEMA, tools=(LOOK,))
        reply = await ask(endpoint, request, model="qwen3:8b", api_key=None)
    (body,) = endpoint.requests
    assert set(body) == {"model", "max_tokens", "system", "tools", "messages"}
    assert '"kind"' in body["system"]
    assert "cache_control" not in json.dumps(body)
    assert "thinking" not in json.dumps(body)
    assert KEY not in json.dumps(endpoint.headers)
    assert reply.cost_usd == AnthropicModel("qwen3:8b", base_url=endpoint.url).worst_cost(request) == 0


@pytest.mark.parametrize(
    ("content", "stop_reason"), [((), "refusal"), ((text("I see."),), "end_turn"), ((text("I s"),), "max_tokens")]
)
async def test_replies_without_a_tool_call_are_accepted(ask: Ask, content: Any, stop_reason: str) -> None:
    with serve(message(*content, stop_reason=stop_reason)) as endpoint:
        reply = await ask(endpoint, question(tools=(LOOK,)))
    assert (reply.stop_reason, reply.tool_uses) == (stop_reason, ())


async def test_a_lone_surrogate_does_not_break_the_call(ask: Ask) -> None:
    with serve(message(text("ok"))) as endpoint:
        await ask(
            endpoint, question({"type": "tool_result", "tool_use_id": "t", "content": [text("caf\u00e9 \ud83d")]})
        )
    (block,) = endpoint.requests[0]["messages"][0]["content"]
    assert block["content"] == [text("caf\u00e9 ?")]


BUSY = error(529, "overloaded_error", "Overloaded", retry_after_ms="10")
HALF = raw(b'{"type": "message", "content": [' + b" " * 200, cut=True)


async def test_transient_failures_are_retried(ask: Ask) -> None:
    with serve(BUSY, message(text("ok"))) as endpoint:
        assert (await ask(endpoint)).text == "ok"
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize("trouble", [drop, HALF], ids=["drop", "drop mid-body"])
async def test_a_lost_reply_is_not_retried_by_the_model(ask: Ask, trouble: Any) -> None:
    with serve(trouble, message(text("ok"))) as endpoint, pytest.raises(ModelUnavailable) as raised:
        await ask(endpoint)
    assert raised.value.details["maybe_billed"]
    assert len(endpoint.requests) == 1


async def test_retries_are_limited(ask: Ask) -> None:
    with serve(BUSY) as endpoint, pytest.raises(ModelUnavailable, match="Overloaded"):
        await ask(endpoint, max_retries=2)
    assert len(endpoint.requests) == 3


async def test_a_failure_marked_as_permanent_is_not_retried(ask: Ask) -> None:
    with serve(error(500, "api_error", "no", x_should_retry="false")) as endpoint, pytest.raises(ModelUnavailable):
        await ask(endpoint)
    assert len(endpoint.requests) == 1


async def test_a_wait_beyond_the_deadline_fails_at_once(ask: Ask) -> None:
    with serve(error(429, "rate_limit_error", "slow down", retry_after="3600")) as endpoint:
        started = time.monotonic()
        with pytest.raises(ModelUnavailable, match="wait 3600 s") as raised:
            await ask(endpoint)
    assert time.monotonic() - started < 10
    assert raised.value.details["retry_after"] == 3600
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("silence", [hang, trickle])
async def test_the_deadline_holds_for_a_silent_endpoint(ask: Ask, silence: Any) -> None:
    with serve(silence) as endpoint:
        started = time.monotonic()
        with pytest.raises(ModelUnavailable):
            await ask(endpoint, question(timeout=0.4))
        assert time.monotonic() - started < 40  # they go on for a minute


async def test_a_missing_key_is_reported_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(message(text("ok"))) as endpoint:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", endpoint.url)
        with pytest.raises(ModelUnauthenticated, match="set ANTHROPIC_API_KEY"):
            await AnthropicModel().query(question())
    assert not endpoint.requests


@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
async def test_the_environment_names_endpoint_and_key(ask: Ask, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    with serve(message(text("ok"))) as endpoint:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", f"{endpoint.url}/v1/")
        monkeypatch.setenv(variable, f" {KEY}\n")
        await ask(endpoint, base_url=None, api_key=None)
    assert endpoint.headers[0]["authorization"] == f"Bearer {KEY}"


async def test_the_key_is_in_no_message_and_no_log(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    refusal = error(401, "authentication_error", f"wrong key: {KEY}")
    with serve(refusal) as endpoint, pytest.raises(ModelUnauthenticated) as raised:
        await ask(endpoint)
    model = AnthropicModel(api_key=KEY, base_url=f"http://user:{KEY}@127.0.0.1/v1?key={KEY}")
    shown = f"{raised.value} {raised.value.details} {model!r} {model.endpoint} {caplog.text}"
    assert KEY not in shown
    with pytest.raises(ModelUnauthenticated) as garbled:
        await AnthropicModel(api_key=f"{KEY}…").query(question())
    assert KEY not in str(garbled.value)


@pytest.mark.parametrize("url", ["localhost:11434", "ftp://host", "http://", "http://host:port"])
def test_an_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest, match="base_url"):
        AnthropicModel(base_url=url)


def test_a_model_serves_one_event_loop_until_it_is_closed() -> None:
    with serve(message(text("ok"))) as endpoint:
        model = AnthropicModel(api_key=KEY, base_url=endpoint.url)

        async def once(*, close: bool) -> str:
            reply = await model.query(question())
            if close:
                await model.close()
            return reply.text

        assert asyncio.run(once(close=True)) == "ok"
        with asyncio.Runner() as runner:
            assert runner.run(once(close=False)) == "ok"
            with pytest.raises(InvalidRequest, match="another event loop"):
                asyncio.run(once(close=True))
            runner.run(model.close())
