"""The question of ``doctor --model``, asked of a real server on loopback."""

from typing import Any

import pytest

from engine.models import AnthropicModel
from engine.models.examination import examine
from tests.support.endpoint import Answer, error, message, serve

WORD = {"type": "tool_use", "id": "t1", "name": "report", "input": {"word": "KESTREL-417"}}


async def findings(answer: Answer, **options: Any) -> dict[str, tuple[bool, str, str]]:
    with serve(answer) as endpoint:
        model = AnthropicModel("qwen3", base_url=endpoint.url, max_retries=0, **options)
        found = await examine(model, timeout=20)
        await model.close()
    return {each.name: (each.ok, each.detail, each.remedy) for each in found}


async def test_a_good_model_passes() -> None:
    found = await findings(message(WORD, input_tokens=7_000), window=16_384)
    assert [ok for ok, _, _ in found.values()] == [True] * 4
    assert found["context window"][1] == "16384 tokens; the start of 6,000 tokens was read"


@pytest.mark.parametrize(
    ("answer", "options", "name", "detail", "remedy"),
    [
        (message({"type": "text", "text": "KESTREL-417"}, input_tokens=7_000), {}, "tool calls", "KESTREL", "--jinja"),
        (message(WORD, input_tokens=2_048), {}, "context window", "it cuts prompts", "num_ctx"),
        (message(WORD | {"input": {"word": "?"}}, input_tokens=7_000), {}, "context window", "not found", "larger"),
        (message(WORD, input_tokens=7_000), {"window": 4_096}, "context window", "6000 are needed", "num_ctx"),
        (error(404, "not_found_error", "model 'qwen3' not found"), {}, "endpoint", "not found", ""),
    ],
)
async def test_what_is_wrong_is_told_with_the_remedy(
    answer: Answer, options: dict[str, Any], name: str, detail: str, remedy: str
) -> None:
    ok, said, help_ = (await findings(answer, **options))[name]
    assert not ok
    assert detail in said
    assert remedy in help_
