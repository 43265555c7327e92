"""Replays without pictures: learnt, used, and taken back. The sandbox is scripted, all else is real."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sandbox
from engine import AsyncEngine, TaskResult
from engine.contract import Observed, learn
from engine.task.schema import infer
from engine.testing import ScriptedSandbox, outcome
from sandbox import Evidence, Outcome, ScriptError
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

ROWS, OTHER = [{"price": 1.5}], [{"price": 2.5}]
URL = "http://127.0.0.1:9/list"
CODE = "async def run(page, parameters, task):\n    return await page.locator('td').all_inner_texts()\n"
PAGE = Evidence(url=URL, text="Prices", status=200, images=12)
BROKEN = outcome(error=ScriptError("TimeoutError", "no such button", kind="timeout"), evidence=PAGE)


def full(rows: Any = ROWS) -> Outcome:
    return outcome(rows, evidence=PAGE)


def bare(rows: Any = ROWS, **seen: Any) -> Outcome:
    return replace(outcome(rows, evidence=replace(PAGE, **{"images": 0} | seen)), images=False)


class Replays:
    """Replays of one automation, one after another, each with the outcomes that it needs."""

    def __init__(self, store: Path, monkeypatch: pytest.MonkeyPatch, code: str = CODE, **saved: Any) -> None:
        self.store, self.patch = store, monkeypatch
        save(store, "k", code, contract=learn([Observed(ROWS, Evidence())]), schema=infer([ROWS]), **saved)

    async def __call__(self, *steps: Outcome, **asked: Any) -> tuple[TaskResult, list[bool]]:
        """Return the result, and for each run if it needed pictures."""
        scripted = ScriptedSandbox(*steps)
        self.patch.setattr(sandbox, "Sandbox", lambda **options: scripted)
        async with AsyncEngine(store=self.store, model=NoModel()) as engine:
            result = await engine.run(TASK, **{"start_url": URL, "reuse_key": "k", "ai": "never"} | asked)
        assert all(session.closed for session in scripted.sessions)
        return result, [call.options["images"] for call in scripted.calls]


@pytest.fixture
def replays(tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch) -> Replays:
    return Replays(tmp_path, monkeypatch)


async def test_pictures_are_left_out_once_a_run_without_them_gave_the_same(replays: Replays) -> None:
    assert (await replays(full()))[1] == [True], "nothing is known yet"
    assert (await replays(full()))[1] == [False], "no worker without pictures is there yet"
    result, asked = await replays(bare(), full())
    assert (result.ok, asked, [each.kind for each in result.attempts]) == (True, [False, True], ["replay"])
    result, asked = await replays(bare(OTHER))
    assert (result.output, asked) == (OTHER, [False])


async def test_run_whose_page_asks_for_few_pictures_is_not_tried_without_them(replays: Replays) -> None:
    for _ in range(3):
        _, asked = await replays(outcome(ROWS, evidence=replace(PAGE, images=3)))
        assert asked == [True]


@pytest.mark.parametrize(
    "without",
    [bare(OTHER), bare(next_controls=("Next",)), replace(BROKEN, images=False)],
    ids=["another output", "another page", "a failure"],
)
async def test_revision_that_gives_another_result_without_pictures_keeps_them(
    replays: Replays, without: Outcome
) -> None:
    await replays(full())
    result, asked = await replays(without, full())
    assert (result.output, asked) == (ROWS, [False, True])
    assert (await replays(full()))[1] == [True]


async def test_failure_without_pictures_is_no_drift_until_a_run_with_them_fails_too(replays: Replays) -> None:
    await replays(full())
    await replays(bare(), full())
    result, asked = await replays(replace(BROKEN, images=False), BROKEN)
    assert result.error is not None
    assert (result.error.reason, asked) == ("drift", [False, True])
    result, asked = await replays(replace(BROKEN, images=False), full())
    assert (result.output, asked) == (ROWS, [False, True])
    assert (await replays(full()))[1] == [True], "it failed for want of them"


async def test_empty_list_without_pictures_is_looked_for_with_them(replays: Replays) -> None:
    await replays(full())
    await replays(bare(), full())
    result, asked = await replays(bare([]), full())
    assert (result.output, asked) == (ROWS, [False, True])


async def test_code_with_parameters_has_to_give_the_same_twice(
    tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    replays = Replays(tmp_path, monkeypatch, parameters={"q": "a"})
    await replays(full(), parameters={"q": "a"})
    for name in ("b", "c"):
        assert (await replays(bare(), full(), parameters={"q": name}))[1] == [False, True]
    assert (await replays(bare(), parameters={"q": "d"}))[1] == [False]


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("return await page.get_by_role('link').is_visible()", {}),
        ("return await page.locator('img').evaluate('e => e.naturalWidth')", {}),
        ("return await page.title()", {"provenance": "full"}),
        ("return await page.title()", {"trace": True}),
    ],
)
async def test_pictures_are_loaded_where_code_or_user_may_want_them(
    tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch, line: str, asked: dict[str, Any]
) -> None:
    replays = Replays(tmp_path, monkeypatch, f"async def run(page, parameters, task):\n    {line}\n")
    for _ in range(2):
        assert (await replays(full(), **asked))[1] == [True]


async def test_code_that_changes_something_never_runs_without_pictures(
    tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    replays = Replays(tmp_path, monkeypatch, effects="write")
    for _ in range(3):
        assert (await replays(full()))[1] == [True]
