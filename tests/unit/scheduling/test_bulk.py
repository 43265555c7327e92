"""Many replays of one key at once, where they need no browser and change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sandbox
from engine import AsyncEngine, TaskResult
from engine.bundles import BundleStore
from engine.contract import Observed, learn
from engine.testing import ScriptedModel, ScriptedSandbox, outcome
from sandbox import Automation, Evidence, Outcome, ScriptError
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

URL = "http://127.0.0.1:9/list"
WEB = "async def run(web, parameters, task):\n    return (await web.get('/', params=parameters)).css('li').texts\n"
PAGE = "async def run(page, parameters, task):\n    return await page.get_by_text(parameters['n']).all_inner_texts()\n"
BROKEN = outcome(error=ScriptError("NotOnPage", "no li"), evidence=Evidence(url=URL, status=200))


class Busy(ScriptedSandbox):
    """Runs that take a moment, and how many of each code ran at once; what ``fails`` returns an outcome for ends so.

    Of the code in ``together`` none ends before three have run at once.
    """

    def __init__(self, fails: Callable[[str, Any], Outcome | None] = lambda code, parameters: None) -> None:
        super().__init__()
        self.now: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.fails = fails
        self.together: str | None = None

    async def run(self, automation: Automation, parameters: Any, **options: Any) -> Outcome:
        code = automation.code
        self.now[code] = self.now.get(code, 0) + 1
        self.most[code] = max(self.most.get(code, 0), self.now[code])
        async with asyncio.timeout(60):
            while code == self.together and self.most[code] < 3:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        self.now[code] -= 1
        text = str(parameters["n"])
        seen = Evidence(url=URL, status=200, text=text, inputs=(("url", text),), output_read=True)
        return self.fails(code, parameters) or outcome([f"row {text}", "row"], evidence=seen)


@pytest.fixture
def busy(tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch) -> Busy:
    made = Busy()
    monkeypatch.setattr(sandbox, "Sandbox", lambda **options: made)
    contract = learn([Observed(["row a", "row"], Evidence())])
    for key, code in (("light", WEB), ("heavy", PAGE)):
        save(tmp_path, key, code, parameters={"n": "a"}, contract=contract, start_url=URL)
    return made


def requests(key: str, count: int) -> list[dict[str, Any]]:
    return [{"task": TASK, "reuse_key": key, "parameters": {"n": f"number {n}"}} for n in range(count)]


async def test_replays_of_one_key_run_at_once_beside_the_slots_of_browsers(tmp_path: Path, busy: Busy) -> None:
    ends: list[int] = []
    busy.together = WEB
    async with AsyncEngine(store=tmp_path, model=NoModel(), max_tasks=1, max_web_tasks=6) as engine:
        light = engine.map(requests("light", 40), ai="never", on_progress=lambda done, of, result: ends.append(done))
        heavy = engine.map(requests("heavy", 2), ai="never")
        results, others = await asyncio.gather(light, heavy)
    assert [result.output[0] for result in results] == [f"row number {n}" for n in range(40)]
    assert all(result.ok for result in others)
    assert 2 < busy.most[WEB] <= 6
    assert busy.most[PAGE] == 1
    assert ends == list(range(1, 41))


async def test_one_failure_is_one_row(tmp_path: Path, busy: Busy) -> None:
    busy.fails = lambda code, parameters: BROKEN if parameters["n"] == "number 7" else None
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        results = await engine.map(requests("light", 12), ai="never")
    assert [result.ok for result in results] == [n != 7 for n in range(12)]


async def test_broken_code_is_repaired_once_and_the_others_run_what_was_mended(tmp_path: Path, busy: Busy) -> None:
    mended = WEB.replace("li", "dd")
    busy.fails = lambda code, parameters: BROKEN if code == WEB else None
    model = ScriptedModel([
        ("write", {"code": mended}), ("finish", {"summary": "Mend", "other_parameters": {"n": "number 99"}}),
    ])  # fmt: skip
    async with AsyncEngine(store=tmp_path, model=model, max_web_tasks=5) as engine:
        results = await engine.map(requests("light", 12))
    assert all(result.ok for result in results), [result.error for result in results]
    assert [result.reuse.updated for result in results if result.reuse].count(True) == 1
    subjects = [revision.subject for revision in BundleStore(tmp_path / "default").history("light")]
    assert subjects == ["Repair: Mend", "Saved by hand"]
    assert len(model.requests) == 1


async def test_repair_that_needs_a_browser_leaves_no_more_of_them_than_allowed(tmp_path: Path, busy: Busy) -> None:
    busy.fails = lambda code, parameters: BROKEN if code == WEB else None
    busy.together = WEB
    model = ScriptedModel([
        ("write", {"code": PAGE}), ("finish", {"summary": "Mend", "other_parameters": {"n": "number 99"}}),
    ])  # fmt: skip
    async with AsyncEngine(store=tmp_path, model=model, max_tasks=2, max_web_tasks=8) as engine:
        results = await engine.map(requests("light", 16))
    assert all(result.ok for result in results), [result.error for result in results]
    assert busy.most[WEB] > 2
    assert busy.most[PAGE] <= 2


async def test_other_engine_of_the_store_gets_its_turn_of_a_key_that_is_shared(tmp_path: Path, busy: Busy) -> None:
    order: list[str] = []

    async def one(engine: AsyncEngine, name: str, n: int) -> TaskResult:
        result = await engine.run(TASK, reuse_key="light", parameters={"n": f"{name} {n}"}, ai="never")
        order.append(name)
        return result

    async with (
        AsyncEngine(store=tmp_path, model=NoModel(), max_web_tasks=2) as first,
        AsyncEngine(store=tmp_path, model=NoModel(), max_web_tasks=2) as second,
    ):
        ours = [asyncio.ensure_future(one(first, "ours", n)) for n in range(10)]
        await asyncio.sleep(0.05)
        theirs = asyncio.ensure_future(one(second, "theirs", 0))
        await asyncio.sleep(0.1)
        later = [asyncio.ensure_future(one(first, "later", n)) for n in range(10)]
        results = await asyncio.gather(*ours, theirs, *later)
    assert all(result.ok for result in results)
    assert order.index("theirs") <= 14, order
