"""Mistakes of a model, or of code it wrote: an answer that says so, and no money for what code cannot mend."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from engine import AsyncEngine, TaskResult
from engine.bundles import BundleStore
from engine.bundles.matching import parameter_types
from engine.errors import ModelError, ModelOverBudget, ModelUnavailable
from engine.models.base import ModelReply, ModelRequest, Usage
from engine.models.budget import ModelBudget
from engine.testing import ScriptedModel
from fixtures_sites import FixtureServer
from sandbox import PoolOptions
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

TITLE = """\
async def run(page, parameters, task):
    return [{"title": await page.title()}]
"""
ASK = """\
async def run(page, parameters, task):
    return [await task.ask("what is it?", "content", {schema})]
"""
CAREFUL = """\
from sandbox.toolkit import AskRefused
async def run(page, parameters, task):
    try:
        kind = await task.ask("what is it?", "content")
    except AskRefused as error:
        kind = f"nobody knows: {error}"
    return [{"kind": kind}]
"""
WRITE = [("write", {"code": TITLE})]
DONE = [("finish", {"summary": "Take the title down"})]


async def run(store: Path, site: FixtureServer, model: Any, **changed: Any) -> TaskResult:
    async with AsyncEngine(store=store, model=model, pool=PoolOptions(spare=0)) as engine:
        url = site.url.rstrip("/") + "/list"
        return await engine.run(TASK, **({"start_url": url, "reuse_key": "k"} | changed))


def answers(model: ScriptedModel) -> list[tuple[str, bool]]:
    """Return the tools' answers in the last request: their text, and True for an error."""
    blocks = [b for m in model.requests[-1].messages if m["role"] == "user" for b in m["content"]]
    return [(b["content"], b["is_error"]) for b in blocks if b["type"] == "tool_result"]


async def test_arguments_that_fit_no_tool_are_answered(tmp_path: Path, site: FixtureServer) -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("write", {"code": 5}),
        ("write", {"edits": [{"old": "a", "new": "b"}]}),
        ("write", {"code": TITLE, "parameters": "q"}),
        ("look", {"unfold": 5}),
        ("locator", {"refs": 5}),
        ("hover", {}),
        ("finish", {"summary": ["s"]}),
        ("finish", {"summary": "s", "notes": ["n"]}),
        ("finish", {"summary": "s", "other_parameters": "q"}),
        ("give_up", {"reason": "impossible"}),
    ]
    model = ScriptedModel(*[[turn] for turn in wrong], WRITE, [("finish", {"summary": "\ud83d", "notes": "\ud83d"})])
    result = await run(tmp_path, site, model)
    assert result.ok, result.error
    assert [error for _, error in answers(model)] == [True] * len(wrong) + [False]
    assert "$.unfold: 5 is not of type 'string'" in answers(model)[3][0]
    bundle = BundleStore(tmp_path / "default").load("k")
    assert bundle is not None
    assert bundle.notes == "?\n"


@pytest.mark.parametrize("schema", ["{'type': 'strnig'}", "{'$ref': '#'}", "{'$ref': 'http://example.com/a'}"])
async def test_a_bad_schema_of_a_question_is_the_codes_error(tmp_path: Path, site: FixtureServer, schema: str) -> None:
    model = ScriptedModel([("write", {"code": ASK.format(schema=schema)})], WRITE + DONE)
    result = await run(tmp_path, site, model)
    assert result.ok, result.error
    assert "the question's schema cannot be used" in answers(model)[0][0]


async def test_an_answer_that_is_no_json_is_not_kept(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", CAREFUL)
    result = await run(tmp_path, site, ScriptedModel(ask=lambda request: "NaN"))
    assert result.output == [{"kind": "nobody knows: the model's answer did not fit what was asked: it was not JSON"}]
    again = await run(tmp_path, site, ScriptedModel(ask=lambda request: '"a tool"'))
    assert again.output == [{"kind": "a tool"}]


async def test_the_model_sees_no_secret_in_what_code_asks(tmp_path: Path, site: FixtureServer) -> None:
    code = """\
async def run(page, parameters, task):
    secret = parameters["password"]
    return [await task.ask(f"is {secret} in it?", f"content with {secret}", {"enum": ["yes", secret]})]
"""
    save(tmp_path, "k", code, parameters={"password": "x"})
    model = ScriptedModel(ask=lambda request: '"yes"')
    result = await run(tmp_path, site, model, parameters={"password": "correct-horse"})
    assert result.output == ["yes"]
    assert "[secret:password]" in json.dumps(model.requests[0].messages)
    assert "correct-horse" not in str(model.requests)


def refuses(error: ModelError) -> Any:
    def ask(request: ModelRequest) -> str:
        raise error

    return ask


async def test_a_model_that_is_gone_ends_the_run_even_where_code_would_go_on(
    tmp_path: Path, site: FixtureServer
) -> None:
    model = ScriptedModel([("write", {"code": CAREFUL})], DONE, ask=refuses(ModelUnavailable("gone", model="m")))
    result = await run(tmp_path, site, model)
    assert result.error is not None
    assert result.error.reason == "model-unavailable"
    assert len(model.requests) == 2
    assert BundleStore(tmp_path / "default").load("k") is None


async def test_a_question_that_costs_too_much_is_for_the_code_to_mend(tmp_path: Path, site: FixtureServer) -> None:
    model = ScriptedModel([("write", {"code": CAREFUL})], WRITE + DONE, ask=refuses(ModelOverBudget("too dear")))
    result = await run(tmp_path, site, model)
    assert result.ok, result.error
    assert "task.ask was not answered: too dear" in answers(model)[0][0]


class LongTitle(BaseModel):
    title: str

    @field_validator("title")
    @classmethod
    def long(cls, title: str) -> str:
        if len(title) < 100:
            raise ValueError("too short")
        return title


async def test_what_a_pydantic_class_refuses_is_not_accepted(tmp_path: Path, site: FixtureServer) -> None:
    model = ScriptedModel(WRITE, [("give_up", {"reason": "impossible", "message": "titles are short"})])
    result = await run(tmp_path, site, model, output_schema=list[LongTitle])
    assert result.error is not None
    assert result.error.reason == "impossible"
    assert "too short" in answers(model)[0][0]


async def test_a_start_url_with_a_secret_is_neither_shown_nor_saved(tmp_path: Path, site: FixtureServer) -> None:
    code = TITLE.replace("page.title()", 'page.title() + parameters["token"][:0]')
    model = ScriptedModel([("write", {"code": code})], DONE)
    url = site.url.rstrip("/") + "/list?token=correct-horse"
    result = await run(tmp_path, site, model, start_url=url, parameters={"token": "correct-horse"})
    assert result.ok, result.error
    assert "correct-horse" not in str(model.requests)
    bundle = BundleStore(tmp_path / "default").load("k")
    assert bundle is not None
    assert bundle.meta.start_url is None
    assert bundle.meta.parameters == parameter_types({"token": ""}, {"token"})


async def test_a_start_url_of_the_models_is_no_leave_to_reach_a_private_address(
    tmp_path: Path, site: FixtureServer
) -> None:
    url = site.url.rstrip("/") + "/list"
    model = ScriptedModel([("write", {"code": TITLE, "start_url": url})], DONE)
    result = await run(tmp_path, site, model, start_url=None, allow_hosts=[site.url.rstrip("/")])
    assert result.ok, result.error
    again = await run(tmp_path, site, NoModel(), start_url=None, ai="never")
    assert again.error is not None
    assert again.error.reason == "host-not-allowed"
    named = await run(tmp_path, site, NoModel(), ai="never")
    assert named.ok, named.error


async def test_without_git_nothing_is_paid_for(
    tmp_path: Path, site: FixtureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.bundles.git_objects.shutil.which", lambda name: None)
    result = await run(tmp_path, site, NoModel())
    assert result.error is not None
    assert result.error.reason == "store"
    assert "install git" in result.error.message


class Slow:
    """A model that answers after the caller has left."""

    name = "slow"

    async def query(self, request: ModelRequest) -> ModelReply:
        await asyncio.sleep(60)
        return ModelReply((), "end_turn", Usage(), 0.0, self.name, 60)

    def worst_cost(self, request: ModelRequest) -> float:
        return 0.3

    async def close(self) -> None: ...


async def test_a_call_that_nobody_waits_for_stays_reserved() -> None:
    budget = ModelBudget(Slow(), budget_usd=0.5, tokens=1000, deadline=float("inf"))
    request = ModelRequest(purpose="ask", system="", messages=(), max_tokens=256)
    call = asyncio.create_task(budget.query(request))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    with pytest.raises(ModelOverBudget):
        await budget.query(request)
