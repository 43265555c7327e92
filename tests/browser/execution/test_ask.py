"""Hybrid tasks: the part that needs judgment goes to the model, validated, paid for, and cached by content."""

from pathlib import Path

from engine import AsyncEngine, TaskResult
from engine.models.base import Model
from engine.models.recorded import RecordedModel
from fixtures_sites import FixtureServer
from tests.support.paths import RECORDINGS
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

RECORDING = RECORDINGS / "ask.jsonl"
CLASSIFY = """\
import asyncio
KINDS = {"type": "object", "properties": {"kind": {"enum": ["fitting", "tool"]}}, "required": ["kind"],
         "additionalProperties": False}
async def run(page, parameters, task):
    names = (await page.locator("main h3").all_inner_texts())[:3]
    answers = [await task.ask("Is this a fitting (built into something) or a tool?", name, KINDS) for name in names]
    return [{"name": name, **answer} for name, answer in zip(names, answers, strict=True)]
"""


async def run(store: Path, site: FixtureServer, model: Model, ai: str = "auto") -> TaskResult:
    async with AsyncEngine(store=store, model=model) as engine:
        return await engine.run(TASK, start_url=site.url.rstrip("/") + "/list", reuse_key="k", ai=ai)


async def test_a_judgment_is_counted_paid_and_cached_by_content(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", CLASSIFY)
    first = await run(tmp_path, site, RecordedModel(RECORDING))
    assert first.ok, first.error
    assert [row["kind"] for row in first.output] == ["fitting", "fitting", "tool"]
    assert first.model_calls == 3
    assert first.cost.ai_usd > 0
    again = await run(tmp_path, site, NoModel())
    assert again.output == first.output
    assert (again.model_calls, again.cost.ai_usd) == (0, 0)
    offline = await run(tmp_path, site, NoModel(), ai="never")
    assert offline.output == first.output, "what is cached needs no model"


async def test_without_a_model_it_is_an_error_that_says_so(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", CLASSIFY)
    result = await run(tmp_path, site, NoModel(), ai="never")
    assert result.error is not None
    assert 'ai="never"' in result.error.message
    assert result.model_calls == 0


async def test_what_a_judgment_costs_is_within_the_budget(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", CLASSIFY)
    async with AsyncEngine(store=tmp_path, model=RecordedModel(RECORDING)) as engine:
        url = site.url.rstrip("/") + "/list"
        result = await engine.run(TASK, start_url=url, reuse_key="k", budget_usd=0.00001)
    assert result.error is not None
    assert (result.error.code, result.error.reason) == ("no-ai-credits-left", "budget")
    assert result.model_calls == 0
