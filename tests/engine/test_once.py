"""A permit office counts its applications: one, whatever becomes of the engine, the page, or the automation."""

import contextlib
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, TaskResult
from engine.records import Records
from fixtures_sites import FixtureServer, serve
from tests.engine.conftest import NoModel
from tests.engine.permits import APPLY, PERMIT, WRITE
from tests.engine.saved import TASK, save
from tests.engine.scripted import ScriptedModel

ROOT = Path(__file__).parents[2]
SUBMISSION = "the submission"
ENGINE = """
import asyncio, os, signal, sys
from engine import AsyncEngine
from tests.engine.permits import PERMIT, WRITE
from tests.engine.saved import TASK
from tests.engine.scripted import ScriptedModel

store, url, step = sys.argv[1:]

def die(event):
    if event.type == step:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with AsyncEngine(store=store, model=ScriptedModel(WRITE), spare_workers=0) as engine:
        await engine.run(TASK, start_url=url, parameters=PERMIT, reuse_key="permit", on_event=die)

asyncio.run(main())
"""


@pytest.fixture
def office() -> Iterator[FixtureServer]:
    with serve("form") as server:
        yield server


async def apply(store: Path, office: FixtureServer, model: Any = None) -> TaskResult:
    async with AsyncEngine(store=store, model=model or NoModel(), spare_workers=0) as engine:
        return await engine.run(TASK, start_url=office.url, parameters=PERMIT, reuse_key="permit")


def count(office: FixtureServer) -> int:
    return len(office.state.submissions)


async def test_a_normal_run_applies_once(tmp_path: Path, office: FixtureServer) -> None:
    first = await apply(tmp_path, office, ScriptedModel(WRITE))
    assert first.ok, first.error
    assert (first.effect, count(office)) == ("performed", 1)
    replayed = await apply(tmp_path, office)
    assert replayed.ok, replayed.error
    assert (replayed.effect, count(office)) == ("performed", 2), "another task is another application"


async def test_a_retry_applies_once(tmp_path: Path) -> None:
    with serve("form") as office:
        port = office.port
    save(tmp_path, "permit", APPLY, parameters=PERMIT, effects="write")
    back: list[FixtureServer] = []

    def come_back(event: Any) -> None:
        if event.type == "retry.waiting":
            back.append(serve("form", port=port))

    async with AsyncEngine(store=tmp_path, model=NoModel(), spare_workers=0) as engine:
        result = await engine.run(TASK, start_url=office.url, parameters=PERMIT, reuse_key="permit", on_event=come_back)
    with back[0] as office:
        assert result.ok, result.error
        assert [a.kind for a in result.attempts] == ["replay", "replay"]
        assert count(office) == 1


OUTDATED = APPLY.replace(
    "    async with task",
    "    await page.get_by_text('Then send your application').wait_for(timeout=500)\n    async with task",
)


async def test_a_repair_before_the_gate_applies_once(tmp_path: Path, office: FixtureServer) -> None:
    save(tmp_path, "permit", OUTDATED, parameters=PERMIT, effects="write")
    result = await apply(tmp_path, office, ScriptedModel(WRITE))
    assert result.ok, result.error
    assert [a.kind for a in result.attempts] == ["replay", "repair"]
    assert (result.effect, count(office)) == ("performed", 1)


async def test_a_failure_behind_the_gate_is_not_repaired_by_doing_it_again(
    tmp_path: Path, office: FixtureServer
) -> None:
    save(tmp_path, "permit", APPLY.replace("strong", "em"), parameters=PERMIT, effects="write")
    read = "output = {'reference': await page.get_by_role('main').locator('strong').inner_text()}"
    model = ScriptedModel([("result", {"code": read, "note": "The reference is in bold."})])
    result = await apply(tmp_path, office, model)
    assert result.ok, result.error
    assert (result.effect, count(office)) == ("continued", 1)


# Killed at a step.


def killed_at(step: str, store: Path, office: FixtureServer) -> None:
    """An engine that dies by SIGKILL at an event, or while the site has counted and not yet answered."""
    if step == SUBMISSION:
        office.state.delay_submit = 60.0
    process = subprocess.Popen(
        [sys.executable, "-c", ENGINE, str(store), office.url, step],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    give_up = time.monotonic() + 120
    while process.poll() is None and not (step == SUBMISSION and count(office)):
        assert time.monotonic() < give_up
        time.sleep(0.02)
    process.kill()
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
    office.state.delay_submit = 0.0


async def once(step: str, store: Path, office: FixtureServer, model: Any = None) -> None:
    """What the journal says after the kill is true, and whoever follows it has applied once."""
    killed_at(step, store, office)
    path = store / "default" / "records.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as db:
        ((task_id,),) = db.execute("SELECT id FROM tasks").fetchall()
    records = Records(path)
    states = [state for _, _, state in records.journal.gates(task_id)]
    records.close()
    assert (step in AFTER) == (states == ["confirmed"])
    assert count(office) == (1 if step in (SUBMISSION, *AFTER) else 0)
    if states:
        return  # it was done, or may have been: the task failed, and says that the user should look
    again = await apply(store, office, model)
    assert again.ok, again.error
    assert count(office) == 1


AFTER = ["irreversible.closed", "attempt.ended", "commit", "task.completed"]


@pytest.mark.parametrize("step", ["replay.started", SUBMISSION, "irreversible.closed"])
async def test_a_replay_that_is_killed_applies_once(tmp_path: Path, office: FixtureServer, step: str) -> None:
    save(tmp_path, "permit", APPLY, parameters=PERMIT, effects="write")
    await once(step, tmp_path, office)


async def test_killed_before_the_site_is_asked_the_outcome_is_as_unknown_as_after(
    tmp_path: Path, office: FixtureServer
) -> None:
    save(tmp_path, "permit", APPLY, parameters=PERMIT, effects="write")
    await once("irreversible.passed", tmp_path, office)


@pytest.mark.parametrize("step", ["candidate.real_run", SUBMISSION, "commit"])
async def test_a_first_run_that_is_killed_applies_once(tmp_path: Path, office: FixtureServer, step: str) -> None:
    await once(step, tmp_path, office, None if step == "commit" else ScriptedModel(WRITE))


@pytest.mark.soak
@pytest.mark.parametrize("saved", [True, False])
async def test_killed_at_every_step_it_applies_once(tmp_path: Path, saved: bool) -> None:
    """Every kind of event of a whole run is a step."""
    seen: list[str] = []
    for number in itertools.count():
        store = tmp_path / str(number)
        if saved:
            save(store, "permit", APPLY, parameters=PERMIT, effects="write")
        with serve("form") as office:
            if number == 0:
                async with AsyncEngine(store=store, model=ScriptedModel(WRITE)) as engine:
                    await engine.run(
                        TASK,
                        start_url=office.url,
                        parameters=PERMIT,
                        reuse_key="permit",
                        on_event=lambda event: seen.append(event.type),
                    )
                steps = [*dict.fromkeys(seen), SUBMISSION]
                assert {"irreversible.passed", "irreversible.closed", "task.completed"} <= set(steps)
            elif number <= len(steps):
                await once(steps[number - 1], store, office, ScriptedModel(WRITE))
            else:
                return
