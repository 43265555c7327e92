"""Models behind OpenAI's chat completions, over real HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import ModelError, ModelRejected, ModelUnauthenticated, ModelUnavailable
from engine.models import ModelRequest, OpenAIModel
from engine.models.anthropic import AnthropicModel
from engine.models.choice import model_at
from tests.support.endpoint import Answer, drop, error, raw, serve

LOOK = {"name": "look", "description": "Shows the page.", "input_schema": {"type": "object", "properties": {}}}
USE = {"type": "tool_use", "id": "c1", "name": "look", "input": {"find": "é"}}
TURNS = (
    {"role": "user", "content": [{"type": "text", "text": "Go"}]},
    {"role": "assistant", "content": [{"type": "text", "text": "I look."}, USE]},
    {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "c1", "content": "no page", "is_error": True},
            {"type": "text", "text": "Go on."},
        ],
    },
)
ASK = ModelRequest(purpose="agent", system="Work.", tools=(LOOK,), messages=TURNS, timeout=20)


def completion(finish: str = "stop", usage: Any = None, **message: Any) -> Answer:
    body = {"model": "qwen3", "choices": [{"finish_reason": finish, "message": message}], "usage": usage or {}}
    return raw(json.dumps(body).encode())


async def ask(answer: Answer, **options: Any) -> tuple[Any, dict[str, Any]]:
    with serve(answer) as endpoint:
        model = OpenAIModel("qwen3", base_url=f"{endpoint.url}/v1", max_retries=0, **options)
        try:
            return await model.query(ASK), endpoint.requests[0]
        finally:
            await model.close()


async def test_a_conversation_is_sent_in_the_form_of_chat_completions() -> None:
    _, sent = await ask(completion(content="done"))
    assert [message["role"] for message in sent["messages"]] == ["system", "user", "assistant", "tool", "user"]
    assert sent["messages"][2]["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"find": "é"}'}}
    ]
    assert sent["messages"][3] == {"role": "tool", "tool_call_id": "c1", "content": "Error: no page"}
    assert sent["tools"][0]["function"]["name"] == "look"
    assert set(sent) == {"model", "max_tokens", "messages", "tools"}


async def test_calls_and_tokens_come_back_as_in_the_messages_api() -> None:
    call = {"id": "c2", "type": "function", "function": {"name": "look", "arguments": '{"find": "x"}'}}
    reply, _ = await ask(completion("tool_calls", {"prompt_tokens": 30, "completion_tokens": 4}, tool_calls=[call]))
    assert [dict(use) for use in reply.tool_uses] == [
        {"type": "tool_use", "name": "look", "input": {"find": "x"}, "id": "c2"}
    ]
    assert (reply.stop_reason, reply.usage.input_tokens, reply.usage.output_tokens) == ("tool_use", 30, 4)
    assert reply.cost_usd == 0.0


async def test_a_call_written_as_text_is_read_here_too() -> None:
    reply, _ = await ask(completion(content='<tool_call>{"name": "look", "arguments": {}}</tool_call>'))
    assert [use["name"] for use in reply.tool_uses] == ["look"]


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        (error(401, "invalid_api_key", "no such key"), ModelUnauthenticated, "does not accept the key"),
        (error(404, "not_found", "model 'qwen3' not found"), ModelRejected, "not found"),
        (error(400, "invalid", "maximum context length is 8192 tokens"), ModelRejected, "context window"),
        (error(500, "server_error", "oh"), ModelUnavailable, "cannot answer now"),
        (raw(b'{"error": "no model loaded"}'), ModelUnavailable, "no model loaded"),
        (raw(b"<html>LM Studio</html>", "text/html"), ModelRejected, "it sent a web page"),
        (raw(b'{"type": "message", "content": []}'), ModelUnavailable, "not a message"),
        (drop, ModelUnavailable, "cannot be reached"),
    ],
)
async def test_each_failure_has_its_error(answer: Answer, expected: type[ModelError], said: str) -> None:
    with pytest.raises(expected, match=said):
        await ask(answer)


@pytest.mark.parametrize(
    ("base_url", "sent"), [("http://localhost:1234/v1", "none"), ("https://api.example/v1", "sk-of-environment")]
)
def test_the_environments_key_goes_over_https_only(base_url: str, sent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-environment")
    assert OpenAIModel("qwen3", base_url=base_url)._credentials() == {"api_key": sent}


def test_the_address_names_the_api() -> None:
    assert isinstance(model_at("qwen3", base_url="openai+http://localhost:1234/v1"), OpenAIModel)
    assert isinstance(model_at("qwen3", base_url="http://localhost:1234"), AnthropicModel)
    assert model_at("qwen3", base_url="openai+http://me:pw@localhost:1234/v1").endpoint == "http://localhost:1234/v1"
