"""Recordings: replayed at other addresses, refused where they no longer fit, and free of secrets."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.errors import InvalidRequest, ModelUnavailable, RecordingMismatch
from engine.models import AnthropicModel, RecordedModel, RecordingModel, resolve_model
from engine.models.recording_placeholders import Placeholders
from tests.support import conversation
from tests.support.conversation import (
    LAMPS,
    PAGE,
    RECORDING,
    SECRET,
    SITE,
    STAIRS,
    TOOLS,
    first_step,
    question,
)
from tests.support.endpoint import error, message, serve, text

ELSEWHERE = "http://localhost:8001"
NAMES = {"site": ELSEWHERE, "login": SECRET}


def recorded(path: Path = RECORDING, **options: float) -> RecordedModel:
    return RecordedModel(path, substitutions=NAMES, **options)


async def test_a_recording_replays_at_another_address() -> None:
    model = recorded()
    assert (model.name, model.remaining) == ("claude-haiku-5-5", 4)
    first, second, stairs, lamps = await conversation.hold(model, ELSEWHERE)
    assert [use["name"] for use in first.tool_uses] == ["locator", "python"]
    assert f"page.goto('{ELSEWHERE}/?category=joinery')" in first.tool_uses[1]["input"]["code"]
    assert second.text.startswith("Done")
    assert [json.loads(reply.text)["trade"] for reply in (stairs, lamps)] == ["joinery", "electrical"]
    assert model.remaining == 0


async def test_answers_have_the_cost_of_their_recording() -> None:
    model = recorded()
    for reply in await conversation.hold(model, ELSEWHERE):
        assert reply.recorded
        assert reply.cost_usd == pytest.approx(resolve_model(model.name).cost(reply.usage))
        assert 0 < reply.cost_usd <= model.worst_cost(first_step())
        assert reply.seconds > 1


async def test_questions_may_come_in_any_order_and_repeatedly() -> None:
    model = recorded()
    contents = [LAMPS.replace(SITE, ELSEWHERE), STAIRS, STAIRS]
    replies = [await model.query(question(content)) for content in contents]
    assert [json.loads(reply.text)["trade"] for reply in replies] == ["electrical", "joinery", "joinery"]
    assert model.remaining == 2


async def test_prompts_may_be_reworded() -> None:
    assert (await recorded().query(first_step(task="Wholly other words."))).tool_uses


STRICTER = {"type": "object", "properties": {"refs": {"type": "string"}}, "required": ["refs"]}


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (first_step(tools=TOOLS[1:]), "step 1 of 2 does not fit: it calls the tool 'locator'"),
        (first_step(tools=({**TOOLS[0], "input_schema": STRICTER}, TOOLS[1])), r"\$\.refs: \['e17'\] is not of type"),
        (first_step(page=PAGE.replace("e17", "e18")), r"it uses the ref e17 \(locator\)"),
        (question("Something else."), "not asked when it was recorded"),
    ],
)
async def test_an_answer_that_does_not_fit_is_refused(request_: conversation.ModelRequest, complaint: str) -> None:
    with pytest.raises(RecordingMismatch, match=complaint) as raised:
        await recorded().query(request_)
    assert str(RECORDING) in str(raised.value)
    assert "make record SITE=directory" in str(raised.value)


async def test_a_step_beyond_the_recording_is_refused() -> None:
    model = recorded()
    await conversation.hold(model, ELSEWHERE)
    with pytest.raises(RecordingMismatch, match="2 steps are played"):
        await model.query(first_step(ELSEWHERE))


@pytest.mark.parametrize(
    ("code", "page", "fits"),
    [
        ("await page.get_by_ref('e7').click()", "link [e7]", True),
        ("await page.get_by_ref('e7').click()", "link [e77]", False),
        ("await page.get_by_ref('e7').click()", "≡ 30 more (e5-e35)", True),
        ("await page.get_by_ref('e7').click()", "≡ 30 more (f1e5-f1e35)", False),
        ('page.locator("aria-ref=f2e7")', "[ref=f2e7]", True),
        ('page.locator("aria-ref=f2e7")', "[ref=e7]", False),
        ("print('e7')", "nothing", True),
    ],
)
async def test_refs_in_code_must_have_been_shown(tmp_path: Path, code: str, page: str, fits: bool) -> None:
    lines = RECORDING.read_text().splitlines()
    step = json.loads(lines[1])
    step["content"] = [{"type": "tool_use", "id": "t", "name": "python", "input": {"code": code}}]
    path = tmp_path / "recording.jsonl"
    path.write_text(f"{lines[0]}\n{json.dumps(step)}\n")
    model = recorded(path)
    if fits:
        await model.query(first_step(page=page))
    else:
        with pytest.raises(RecordingMismatch, match="which the page did not show"):
            await model.query(first_step(page=page))


async def test_recording_a_recording_gives_the_same_file(tmp_path: Path) -> None:
    copy = tmp_path / "copy.jsonl"
    model = RecordingModel(recorded(), copy, substitutions=NAMES, about="directory")
    await conversation.hold(model, ELSEWHERE)
    await model.close()
    original, again = (path.read_text().splitlines() for path in (RECORDING, copy))
    assert again[1:] == original[1:]
    assert {**json.loads(original[0]), "recorded_at": ""} == {**json.loads(again[0]), "recorded_at": ""}


async def test_neither_secrets_nor_thinking_nor_errors_are_written(tmp_path: Path) -> None:
    secret = 'p"ss wörd&'
    spelled = [
        secret,
        repr(f"'{secret}"),
        json.dumps(secret),
        quote(secret),
        base64.b64encode(secret.encode()).decode(),
    ]
    thought = {"type": "thinking", "thinking": f"it is {secret}", "signature": "c2ln"}
    path = tmp_path / "recording.jsonl"
    busy = error(529, "overloaded_error", "busy", x_should_retry="false")
    with serve(message(thought, text(" ".join(spelled))), busy) as endpoint:
        asked = AnthropicModel(api_key="k", base_url=endpoint.url)
        model = RecordingModel(asked, path, substitutions={"password": secret})
        live = await model.query(first_step())
        with pytest.raises(ModelUnavailable):
            await model.query(first_step())
        await model.close()
    _, line = path.read_text().splitlines()
    assert [block["type"] for block in json.loads(line)["content"]] == ["text"]
    assert not [leak for leak in [*spelled, "ss w", "thinking"] if leak in line]
    again = await RecordedModel(path, substitutions={"password": secret}).query(first_step())
    assert again.content == live.content[1:]


async def test_a_recorded_mistake_of_the_model_is_replayed(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    wrong = {"type": "tool_use", "id": "t", "name": "locator", "input": {"refs": ["e999"]}}
    with serve(message(wrong, stop_reason="tool_use")) as endpoint:
        model = RecordingModel(AnthropicModel(api_key="k", base_url=endpoint.url), path, substitutions={})
        live = await model.query(first_step())
        await model.close()
    again = await RecordedModel(path).query(first_step())
    assert again.content == live.content == (wrong,)


async def test_the_recorded_time_is_not_waited_for(tmp_path: Path) -> None:
    header, *answers = RECORDING.read_text().splitlines()
    slow = tmp_path / "slow.jsonl"
    slow.write_text("\n".join([header, *(json.dumps(json.loads(line) | {"seconds": 3600.0}) for line in answers)]))
    async with asyncio.timeout(60):
        replies = await conversation.hold(recorded(slow), ELSEWHERE)
    assert {reply.seconds for reply in replies} == {3600.0}


async def test_the_pace_scales_the_recorded_time() -> None:
    started = time.monotonic()
    reply = await recorded(pace=0.02).query(first_step())
    assert time.monotonic() - started >= reply.seconds * 0.02 > 0.1


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    copy = Path(shutil.copy(RECORDING, tmp_path / "copy.jsonl"))
    with pytest.raises(InvalidRequest, match=r"copy\.jsonl exists"):
        RecordingModel(recorded(), copy, substitutions={})


def test_a_malformed_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read"):
        RecordedModel(tmp_path / "missing.jsonl")
    with pytest.raises(InvalidRequest, match="needs substitutions for login"):
        RecordedModel(RECORDING, substitutions={"site": ELSEWHERE})
    other = tmp_path / "other.jsonl"
    for content, complaint in [('{"format": 2}', "format is 2"), ("", "not as it was"), ('{"format": 1}', "'model'")]:
        other.write_text(content)
        with pytest.raises(RecordingMismatch, match=complaint):
            RecordedModel(other)


@pytest.mark.parametrize("names", [{"{{site}}": "x"}, {"site": ""}, {"a b": "x"}])
def test_substitutions_need_names_and_values(names: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest, match="without braces"):
        Placeholders(names)


PIECES = st.sampled_from(
    [
        "{{site}}",
        "{{=login}}",
        "{",
        "{{",
        "}}",
        "=",
        "site",
        "site.host",
        "|quote",
        "login",
        SITE,
        SITE[7:],
        SECRET,
        "\u2028",
    ]
)
TEXT = st.lists(PIECES | st.text(st.characters(exclude_categories=["Cs"]), max_size=3)).map("".join)


@given(TEXT, st.dictionaries(st.sampled_from(["site", "login", "other"]), TEXT.filter(bool)))
def test_filling_restores_what_was_hidden(page: str, names: dict[str, str]) -> None:
    placeholders = Placeholders(names)
    assert placeholders.fill(placeholders.hide({page: [page, 1, None]})) == {page: [page, 1, None]}


@given(TEXT)
def test_a_value_is_hidden_in_every_encoding(page: str) -> None:
    hidden = Placeholders({"site": SITE, "login": SECRET}).hide(f"{page}{quote(SITE, safe='')}{SECRET}{page}{SITE[7:]}")
    assume("|quote" not in page)
    assert not [value for value in (SITE, SITE[7:], SECRET, quote(SITE, safe="")) if value in hidden]
