"""Nothing irreversible happens twice: the form site counts its submissions."""

from pathlib import Path

import pytest

from engine import AsyncEngine, TaskResult
from engine.storage.tasks import TaskRecords
from engine.testing import ScriptedModel
from fixtures_sites import FixtureServer
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

PERSON = {"name": "Ada Quill", "email": "ada@example.org"}
POST = """\
async def run(page, parameters, task):
    async with task.irreversible("hand the application in"):
        response = await page.request.post(task.start_url + "once", form=parameters)
        {after}
    return {{"status": response.status}}
"""


def posted(site: FixtureServer) -> int:
    return sum(method == "POST" for method, _ in site.requests)


async def replay(store: Path, site: FixtureServer) -> TaskResult:
    async with AsyncEngine(store=store, model=NoModel()) as engine:
        return await engine.run(TASK, start_url=site.url, parameters=PERSON, reuse_key="k", ai="never")


async def test_a_replay_passes_its_gate_once(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", POST.format(after="pass"), parameters=PERSON, effects="write")
    result = await replay(tmp_path, site)
    assert result.ok, result.error
    assert result.effect == "performed"
    assert posted(site) == 1


async def test_a_failure_behind_the_gate_is_never_run_again(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", POST.format(after="raise KeyError('no confirmation')"), parameters=PERSON, effects="write")
    result = await replay(tmp_path, site)
    assert result.error is not None
    assert result.error.reason == "failed-behind-gate"
    assert result.error.details["effect"] == "unknown"
    assert result.error.details["actions"] == ["hand the application in"]
    assert posted(site) == 1


async def test_the_same_action_twice_in_one_task_is_refused(tmp_path: Path, site: FixtureServer) -> None:
    code = """\
async def run(page, parameters, task):
    for n in range(2):
        async with task.irreversible("send"):
            await page.request.post(task.start_url + "once", form=parameters)
"""
    save(tmp_path, "k", code, parameters=PERSON, effects="write")
    result = await replay(tmp_path, site)
    assert result.outcome == "failed"
    assert posted(site) == 1


async def test_what_the_site_shows_as_done_before_ends_the_run_without_the_action(
    tmp_path: Path, site: FixtureServer
) -> None:
    code = """\
async def run(page, parameters, task):
    await page.set_content("<p role=status>Handed in <b>already</b></p>")
    await task.already_done(page.get_by_role("status"))
    return {"status": 200}
"""
    save(tmp_path, "k", code, parameters=PERSON, effects="write")
    result = await replay(tmp_path, site)
    assert result.ok, result.error
    assert (result.effect, posted(site)) == ("already-done", 0)
    assert "'Handed in already'" in result.warnings[0]


async def test_items_of_a_loop_are_told_apart_by_their_key(tmp_path: Path, site: FixtureServer) -> None:
    code = """\
async def run(page, parameters, task):
    for n in range(3):
        async with task.irreversible("send", key=str(n)):
            await page.request.post(task.start_url + "once", form=parameters)
    return 3
"""
    save(tmp_path, "k", code, parameters=PERSON, effects="write")
    result = await replay(tmp_path, site)
    assert result.ok, result.error
    assert posted(site) == 3
    records = TaskRecords(tmp_path / "default" / "records.sqlite3")
    assert {state for _, _, state in records.journal.gates(result.web_task_id)} == {"confirmed"}
    records.close()


async def test_the_page_that_a_failed_replay_leaves_open_lets_nothing_through(
    tmp_path: Path, site: FixtureServer
) -> None:
    save(tmp_path, "k", "async def run(page, parameters, task):\n    raise KeyError('gone')\n", effects="write")
    attempt = (
        "async with task.irreversible('send'):\n    await page.request.post(task.start_url + 'once', form={'a': 1})"
    )
    code = POST.format(after="pass").replace("=parameters", "={'a': 1}")
    model = ScriptedModel([("python", {"code": attempt})], [("write", {"code": code}), ("finish", {"summary": "s"})])
    async with AsyncEngine(store=tmp_path, model=model) as engine:
        result = await engine.run(TASK, start_url=site.url, reuse_key="k")
    assert result.ok, result.error
    assert result.effect == "performed"
    assert posted(site) == 1


async def test_what_came_of_a_passed_gate_is_not_doubted_by_running_more(tmp_path: Path, site: FixtureServer) -> None:
    """It was saved as read-only; its result has no rows, and the parameters that gave some give none any more."""
    code = """\
async def run(page, parameters, task):
    if not parameters["order"]:
        return [{"name": name} for name in await page.locator("main h3").all_inner_texts()]
    async with task.irreversible("order"):
        await page.request.post(task.start_url.replace("list", "once"), form={"a": 1})
    await task.empty(page.locator("main"))
    return []
"""
    save(tmp_path, "k", code, parameters={"order": False})
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        first = await engine.run(
            TASK, start_url=site.url + "list", parameters={"order": False}, reuse_key="k", ai="never"
        )
        assert first.output
        site.state.listing = "empty"
        result = await engine.run(
            TASK, start_url=site.url + "list", parameters={"order": True}, reuse_key="k", ai="never"
        )
    assert result.ok, result.error
    assert (result.effect, [attempt.kind for attempt in result.attempts]) == ("performed", ["replay"])
    assert posted(site) == 1


async def test_the_check_of_the_last_good_parameters_orders_nothing(tmp_path: Path, site: FixtureServer) -> None:
    code = """\
async def run(page, parameters, task):
    if parameters["name"] == "unknown":
        raise KeyError("unknown")
    if parameters["order"]:
        async with task.irreversible("order"):
            await page.request.post(task.start_url + "once", form={"a": 1})
    return 1
"""
    save(tmp_path, "k", code, parameters={"name": "a", "order": True})
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        for parameters in ({"name": "a", "order": True}, {"name": "unknown", "order": False}):
            await engine.run(TASK, start_url=site.url, parameters=parameters, reuse_key="k", ai="never")
    assert posted(site) == 1


DIES = """\
import os, signal
async def run(page, parameters, task):
    {gate}
        await page.request.post(task.start_url + "once", form={{"a": 1}})
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("gate", ["if True:", "async with task.irreversible('send'):"])
async def test_a_worker_that_dies_is_not_replaced_where_something_was_sent(
    tmp_path: Path, site: FixtureServer, gate: str
) -> None:
    save(tmp_path, "k", DIES.format(gate=gate), parameters=PERSON, effects="write")
    result = await replay(tmp_path, site)
    assert result.error is not None
    assert result.error.reason == "worker-died"
    assert posted(site) == 1
    if "irreversible" in gate:
        assert result.error.details["effect"] == "unknown"
        assert "'send' was let through" in result.error.message
        assert "check on the site whether it took effect before you run" in result.error.message
