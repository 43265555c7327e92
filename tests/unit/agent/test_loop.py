"""The agent's loop with models that go in circles, write their calls as text, or give up before they look."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import sandbox
from engine import AsyncEngine, TaskResult
from engine.agent import brief_prompts, prompts
from engine.errors import ModelRejected
from engine.models.base import ModelReply, ModelRequest, Usage
from engine.testing import ScriptedSandbox

Reply = list[dict[str, Any]] | str | ModelRejected
Play = Callable[..., Any]


@dataclass
class Player:
    """A model that gives the same replies again and again, in the forms of a local server."""

    replies: tuple[Reply, ...]
    name: str = "qwen3"
    reads: int = 10
    window: int | None = None
    stop_reason: str = ""
    requests: list[ModelRequest] = field(default_factory=list)

    async def query(self, request: ModelRequest) -> ModelReply:
        reply = self.replies[min(len(self.requests), len(self.replies) - 1)]
        self.requests.append(request)
        if isinstance(reply, ModelRejected):
            raise reply
        content = [{"type": "text", "text": reply}] if isinstance(reply, str) else reply
        return ModelReply(tuple(content), self.stop_reason, Usage(self.reads, 5), 0.0, self.name, 0.1)

    async def context_window(self) -> int | None:
        return self.window

    def worst_cost(self, request: ModelRequest) -> float:
        return 0.0

    async def close(self) -> None:
        pass

    def told(self) -> str:
        """The last message to the model."""
        return str(self.requests[-1].messages[-1]["content"])


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "name": name, "input": arguments}


@pytest.fixture
def play(tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch) -> Play:
    async def run(*replies: Reply, reads: int = 3_000, **said: Any) -> tuple[TaskResult, Player]:
        monkeypatch.setattr(sandbox, "Sandbox", lambda **options: ScriptedSandbox())
        player = Player(replies, reads=reads, **said)
        async with AsyncEngine(store=tmp_path, model=player) as engine:
            return await engine.run("List the towns", start_url="http://127.0.0.1:9/", reuse_key="k"), player

    return run


async def test_the_same_call_with_the_same_answer_ends_at_the_sixth_time(play: Play) -> None:
    result, player = await play([call("click", ref="e1")])
    assert result.error is not None
    assert (result.error.reason, len(player.requests)) == ("stuck", 6)
    assert "there is no tool 'click'" in result.error.message
    assert "Limits.turns" not in result.error.message


async def test_it_is_told_at_the_third_time(play: Play) -> None:
    _, player = await play(*[[call("click", ref="e1")]] * 3, [call("give_up", reason="impossible", message="no")])
    assert "You made the same call 3 times" in player.told()


async def test_two_calls_in_turns_are_a_circle_too(play: Play) -> None:
    result, player = await play(*[[call("click")], [call("open")]] * 6)
    assert result.error is not None
    assert result.error.reason == "stuck"
    assert len(player.requests) == 7


async def test_giving_up_before_anything_was_tried_is_answered_once(play: Play) -> None:
    result, player = await play([call("give_up", reason="impossible", message="I cannot browse the internet.")])
    assert result.error is not None
    assert (result.error.reason, len(player.requests)) == ("impossible", 2)
    assert "nothing was tried yet" in player.told()
    assert "the model tried nothing; a larger model" in result.error.message


async def test_a_task_that_is_none_for_the_web_is_given_up_at_once(play: Play) -> None:
    _, player = await play([call("give_up", reason="not-a-web-task", message="It is a poem.")])
    assert len(player.requests) == 1


async def test_giving_up_beside_code_is_ignored(play: Play) -> None:
    both = [call("give_up", reason="impossible", message="no"), call("write", code="async def run(): pass")]
    _, player = await play([call("look")], both, [call("give_up", reason="impossible", message="no")])
    assert "give_up is ignored beside write" in player.told()
    assert len(player.requests) == 3


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Here: ```python\nprint(1)\n```", "your text had code in it, which runs nothing"),
        ("I will look at the page first.", "No tool was called. Go on with a tool"),
    ],
)
async def test_text_without_a_call_is_answered_by_what_it_held(play: Play, said: str, told: str) -> None:
    result, player = await play(said)
    assert told in player.told()
    assert result.error is not None
    assert result.error.reason == "agent-silent"
    assert result.error.message.startswith("qwen3 answered 3 times without calling a tool (it said: ")
    assert "--jinja" in result.error.message


async def test_a_prompt_over_the_window_is_sent_again_shorter(play: Play) -> None:
    refusal = ModelRejected("too long", reason="context-window", window=7_000)
    result, player = await play(refusal, [call("give_up", reason="site-broken", message="no")])
    assert result.error is not None
    assert result.error.reason == "site-broken"
    assert player.requests[-1].max_tokens < player.requests[0].max_tokens


async def test_a_window_that_is_too_small_is_refused_with_the_remedy(play: Play) -> None:
    result, player = await play(ModelRejected("too long", reason="context-window", window=4_096))
    assert result.error is not None
    assert "qwen3 has a context window of 4096 tokens" in result.error.message
    assert "num_ctx" in result.error.message
    assert len(player.requests) == 1


async def test_an_endpoint_that_cuts_the_prompt_is_told_of(play: Play) -> None:
    result, _ = await play("Hello! How can I assist you today?", reads=500)
    assert result.error is not None
    assert "so the endpoint cuts the prompt: raise its context window" in result.error.message


@pytest.mark.parametrize("said", ["", "I can't help with that."])
async def test_a_provider_that_refuses_to_answer_is_told_as_that_and_not_as_a_harmful_task(
    play: Play, said: str
) -> None:
    result, player = await play(said, stop_reason="refusal")
    assert result.error is not None
    assert (result.error.code, result.error.reason, len(player.requests)) == ("rejected", "model-refused", 1)
    assert "qwen3 or its provider refuses to answer" in result.error.message
    assert said in result.error.message
    assert "another model" in result.error.message


@pytest.mark.parametrize(("window", "brief"), [(8_192, True), (16_384, True), (32_768, False), (None, False)])
async def test_a_small_window_gets_the_brief_prompt(play: Play, window: int | None, *, brief: bool) -> None:
    _, player = await play([call("give_up", reason="harmful", message="no")], window=window)
    request = player.requests[0]
    expected = (brief_prompts.SYSTEM, brief_prompts.TOOLS) if brief else (prompts.SYSTEM, prompts.TOOLS)
    assert (request.system, request.tools) == expected


def test_the_brief_prompt_saves_two_fifths_and_lets_every_argument_be_written() -> None:
    schemas = {tool["name"]: tool["input_schema"] for tool in prompts.TOOLS}
    assert all(schemas[tool["name"]] == tool["input_schema"] for tool in brief_prompts.TOOLS)
    brief, usual = (len(each.SYSTEM) + len(json.dumps(each.TOOLS)) for each in (brief_prompts, prompts))
    assert brief < usual * 0.6


def test_the_brief_prompt_names_each_guard_of_the_usual_one() -> None:
    guards = ("task.irreversible", "task.outcome", "task.already_done", "task.empty", "task.read", "give_up", "hostile")
    for guard in (*guards, "other_parameters", "urljoin", "never accept"):
        assert guard in prompts.SYSTEM
        assert guard in brief_prompts.SYSTEM
