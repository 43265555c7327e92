"""Behind a passed gate nothing is run again: with a model at hand, it reads the result off the page left open."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, Event, TaskResult
from engine.bundles import BundleStore
from engine.models.recorded import RecordedModel
from engine.testing import ScriptedModel, Turn
from fixtures_sites import FixtureServer, serve
from sandbox import PoolOptions
from tests.support.paths import RECORDINGS
from tests.support.permits import APPLY, PERMIT
from tests.support.saved import TASK, save
from tests.support.stage import NoModel, tree

RECORDING = RECORDINGS / "form.continue.jsonl"
LOOK_AGAIN = ("python", {"code": "await page.goto(task.start_url + 'apply/complete')\nprint(page.url)"})
READ = "output = {'reference': await page.get_by_role('main').locator('strong').inner_text()}"
TAKE: Turn = ("result", {"code": READ, "note": "The confirmation answered 500 at first; it was there a moment later."})
GIVE_UP: Turn = ("give_up", {"reason": "not-shown", "message": "the page shows an error and no reference"})


@pytest.fixture
def office() -> Iterator[FixtureServer]:
    """A permit office that counts an application and then fails to confirm it."""
    with serve("form") as server:
        server.state.fail_after_submit = "500"
        yield server


def recorded(office: FixtureServer) -> RecordedModel:
    """A model's recorded answers to the requests of this case."""
    return RecordedModel(RECORDING, substitutions={"site": office.url.rstrip("/")})


async def apply(store: Path, office: FixtureServer, model: Any, **changed: Any) -> TaskResult:
    def recover(event: Event) -> None:
        if event.type == "continuation.started":
            office.state.fail_after_submit = False

    async with AsyncEngine(store=store, model=model, pool=PoolOptions(spare=0)) as engine:
        arguments = {"parameters": PERMIT, "reuse_key": "permit", "on_event": recover} | changed
        return await engine.run(TASK, start_url=office.url, **arguments)


async def test_the_model_reads_what_the_code_could_not_and_only_a_note_is_committed(
    tmp_path: Path, office: FixtureServer
) -> None:
    save(tmp_path, "permit", APPLY, parameters=PERMIT, effects="write")
    before = BundleStore(tmp_path / "default").load("permit")
    model = recorded(office)
    result = await apply(tmp_path, office, model)
    assert result.ok, result.error
    assert model.remaining == 0
    (submission,) = office.state.submissions
    assert result.output == {"reference": submission["reference"]}
    assert result.effect == "continued"
    assert [(a.kind, a.outcome) for a in result.attempts] == [("replay", "failed"), ("continue", "success")]
    assert result.reuse is not None
    assert not result.reuse.updated
    after = BundleStore(tmp_path / "default").load("permit")
    assert before is not None
    assert after is not None
    assert "answered 500 at first" in after.notes
    files, old = after.to_files(), before.to_files()
    assert {name for name in files if files[name] != old.get(name)} == {"NOTES.md"}

    again = await apply(tmp_path, office, NoModel())
    assert again.ok, again.error
    assert again.effect == "performed"


@pytest.mark.parametrize(
    "again",
    [
        "await page.request.post(task.start_url + 'apply/review')",
        "await page.goto(task.start_url + 'apply/review')\n"
        "await page.get_by_role('button', name='Submit application').click(timeout=2000)\n"
        "await page.wait_for_url('**/apply/complete', timeout=2000)",
        "async with task.irreversible('submit the application'):\n    pass",
    ],
    ids=["request", "click", "gate"],
)
async def test_the_model_cannot_do_it_again(tmp_path: Path, office: FixtureServer, again: str) -> None:
    save(tmp_path, "permit", APPLY, parameters=PERMIT, effects="write")
    model = ScriptedModel([("python", {"code": again})], [LOOK_AGAIN], [TAKE])
    result = await apply(tmp_path, office, model)
    assert result.ok, result.error
    assert len(office.state.submissions) == 1
    answers = [b for m in model.requests[-1].messages if m["role"] == "user" for b in m["content"]]
    assert [b["is_error"] for b in answers if b["type"] == "tool_result"] == [True, False]


async def test_where_the_site_shows_nothing_the_task_fails_and_says_how_to_check(
    tmp_path: Path, office: FixtureServer
) -> None:
    save(tmp_path, "permit", APPLY, parameters=PERMIT, effects="write")
    before = tree(tmp_path / "default" / "bundles")
    result = await apply(tmp_path, office, ScriptedModel([GIVE_UP]))
    assert result.error is not None
    assert result.error.reason == "failed-behind-gate"
    assert result.error.details["effect"] == result.effect == "unknown"
    assert result.error.details["found"] == GIVE_UP[1]["message"]
    assert "submit the application" in result.error.message
    assert "check on the site" in result.error.message
    assert Path(result.error.details["screenshot"]).exists()
    assert len(office.state.submissions) == 1
    assert tree(tmp_path / "default" / "bundles") == before


async def test_without_a_model_it_fails_at_once(tmp_path: Path, office: FixtureServer) -> None:
    save(tmp_path, "permit", APPLY, parameters=PERMIT, effects="write")
    result = await apply(tmp_path, office, NoModel(), ai="never")
    assert result.error is not None
    assert result.error.reason == "failed-behind-gate"
    assert result.effect == "unknown"
    assert len(office.state.submissions) == 1


async def test_a_model_that_cannot_be_asked_changes_nothing_about_what_failed(
    tmp_path: Path, office: FixtureServer
) -> None:
    save(tmp_path, "permit", APPLY, parameters=PERMIT, effects="write")
    result = await apply(tmp_path, office, "haiku")
    assert result.error is not None
    assert result.error.reason == "failed-behind-gate"
    assert "ANTHROPIC_API_KEY" in result.error.details["found"]
    assert (result.effect, len(office.state.submissions)) == ("unknown", 1)


async def test_what_the_model_hands_in_must_fit_the_schema(tmp_path: Path, office: FixtureServer) -> None:
    schema = {"type": "object", "properties": {"reference": {"pattern": "^TPP-"}}, "required": ["reference"]}
    save(tmp_path, "permit", APPLY, parameters=PERMIT, effects="write", schema=schema)
    wrong: Turn = ("result", {"code": "output = {'reference': 'none'}", "note": "n"})
    result = await apply(tmp_path, office, ScriptedModel([wrong], [LOOK_AGAIN], [TAKE]))
    assert result.ok, result.error
    assert result.output["reference"].startswith("TPP-")


async def test_a_first_run_that_fails_behind_the_gate_is_continued_and_saves_nothing(
    tmp_path: Path, office: FixtureServer
) -> None:
    write = [("write", {"code": APPLY}), ("finish", {"summary": "Apply for a permit"})]
    result = await apply(tmp_path, office, ScriptedModel(write, [LOOK_AGAIN], [TAKE]))
    assert result.ok, result.error
    (submission,) = office.state.submissions
    assert result.output == {"reference": submission["reference"]}
    assert result.effect == "continued"
    assert result.reuse is None
    assert [a.kind for a in result.attempts] == ["explore", "continue"]
    assert BundleStore(tmp_path / "default").load("permit") is None


async def test_a_pinned_bundle_is_continued_without_a_note(tmp_path: Path, office: FixtureServer) -> None:
    save(tmp_path, "permit", APPLY, parameters=PERMIT, effects="write")
    BundleStore(tmp_path / "default").pin("permit")
    before = tree(tmp_path / "default" / "bundles")
    result = await apply(tmp_path, office, ScriptedModel([LOOK_AGAIN], [TAKE]))
    assert result.ok, result.error
    assert result.effect == "continued"
    assert tree(tmp_path / "default" / "bundles") == before
