"""A permit office counts its applications: one, whatever becomes of the engine, the page, or the automation."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, TaskResult
from engine.testing import ScriptedModel
from fixtures_sites import FixtureServer, serve
from sandbox import PoolOptions
from tests.support.paths import ROOT
from tests.support.permits import APPLY, PERMIT, WRITE
from tests.support.saved import TASK, save
from tests.support.serving import refusing
from tests.support.stage import NoModel

SUBMISSION = "the submission"
ENGINE = """
import asyncio, os, signal, sys
from engine import AsyncEngine
from tests.support.permits import PERMIT, WRITE
from tests.support.saved import TASK
from engine.testing import ScriptedModel
from sandbox import PoolOptions

store, url, step = sys.argv[1:]

def die(event):
    if event.type == step:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with AsyncEngine(store=store, model=ScriptedModel(WRITE), pool=PoolOptions(spare=0)) as engine:
        permit = {"start_url": url, "parameters": PERMIT, "reuse_key": "permit", "if_interrupted": "rerun"}
        await engine.wait([await engine.start(TASK, on_event=die, **permit)])

asyncio.run(main())
"""


@pytest.fixture
def office() -> Iterator[FixtureServer]:
    with serve("form") as server:
        yield server


async def apply(store: Path, office: FixtureServer, model: Any = None) -> TaskResult:
    async with AsyncEngine(store=store, model=model or NoModel(), pool=PoolOptions(spare=0)) as engine:
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
    save(tmp_path, "permit", APPLY, parameters=PERMIT, effects="write")
    back: list[FixtureServer] = []

    with refusing() as url:

        def come_back(event: Any) -> None:
            if event.type == "retry.waiting" and not back:
                back.append(serve("form", port=int(url.rpartition(":")[2])))

        async with AsyncEngine(store=tmp_path, model=NoModel(), pool=PoolOptions(spare=0)) as engine:
            result = await engine.run(
                TASK, start_url=f"{url}/", parameters=PERMIT, reuse_key="permit", on_event=come_back
            )
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
    """After the kill, another engine takes the task over: it runs it again only where nothing was let through."""
    killed_at(step, store, office)
    done = count(office)
    async with AsyncEngine(store=store, model=model or NoModel(), pool=PoolOptions(spare=0)) as engine:
        (task,) = await engine.list()
        (result,) = await engine.wait([task.web_task_id])
    if step in (PASSED, SUBMISSION, *AFTER):
        assert result.error is not None
        assert result.error.reason == "interrupted"
        assert result.error.details["actions"] == ["submit the application"]
        assert "check on the site" in result.error.message
        assert result.effect == ("performed" if step in AFTER else "unknown")
        assert count(office) == done == (0 if step == PASSED else 1)
    else:
        assert result.ok, result.error
        assert (done, count(office)) == (int(step == "task.completed"), 1)


PASSED = "irreversible.passed"
AFTER = ["irreversible.closed", "attempt.ended", "commit"]


@pytest.mark.parametrize("step", ["replay.started", PASSED, SUBMISSION, "irreversible.closed"])
async def test_a_replay_that_is_killed_applies_once(tmp_path: Path, office: FixtureServer, step: str) -> None:
    save(tmp_path, "permit", APPLY, parameters=PERMIT, effects="write")
    await once(step, tmp_path, office)


@pytest.mark.parametrize("step", ["candidate.real_run", SUBMISSION, "commit"])
async def test_a_first_run_that_is_killed_applies_once(tmp_path: Path, office: FixtureServer, step: str) -> None:
    await once(step, tmp_path, office, ScriptedModel(WRITE))


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
