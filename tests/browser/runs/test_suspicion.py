"""Results that depart from what good ones were: who settles it, and what becomes of the bundle."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine import Event
from engine.bundles import BundleStore
from engine.storage.tasks import TaskRecords
from engine.testing import ScriptedModel
from tests.support.pages import BY_CLASS, SHOPS, Pages, keep, pages, replay
from tests.support.stage import NoModel

MANY = [(f"Shop {n}", f"Town {n % 7}") for n in range(40)]
OUTPUT = [{"name": n, "town": t} for n, t in MANY]


@pytest.fixture
def shop() -> Iterator[Pages]:
    with pages() as site:
        site.table(MANY)
        yield site


def subjects(store: Path) -> list[str]:
    return [revision.subject for revision in BundleStore(store / "default").history("k")]


def verdict(word: str) -> str:
    return json.dumps({"verdict": word, "why": "the page says so"})


async def twice(store: Path, shop: Pages) -> None:
    """Two clean runs: from now on the number of rows counts."""
    keep(store, BY_CLASS, OUTPUT)
    for _ in range(2):
        assert (await replay(store, shop)).ok


async def test_a_legitimate_departure_is_committed_alone_and_never_asked_about_again(
    tmp_path: Path, shop: Pages
) -> None:
    await twice(tmp_path, shop)
    shop.table(MANY[:12])
    model = ScriptedModel(ask=lambda request: verdict("legitimate"))
    result = await replay(tmp_path, shop, model)
    assert result.ok, result.error
    assert len(result.output) == 12
    assert [a.kind for a in result.attempts] == ["replay", "confirm"]
    assert subjects(tmp_path) == ["Widen: data of a kind not met before", "Saved by hand"]
    assert "expected about 40 rows, got 12" in str(model.requests[0].messages)
    again = await replay(tmp_path, shop, NoModel())
    assert again.ok, again.error
    assert again.model_calls == 0


async def test_a_list_learnt_within_minutes_may_be_another_one_the_next_day(
    tmp_path: Path, shop: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    await twice(tmp_path, shop)
    assert (await replay(tmp_path, shop, ai="never")).ok
    shop.table([(f"Headline {n}", f"Town {n % 7}") for n in range(40)])
    soon = await replay(tmp_path, shop, ai="never")
    assert soon.error is not None
    assert "some of the 40 rows of the last run" in soon.error.message
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="microseconds")
    monkeypatch.setattr("engine.storage.run_history.now", lambda: tomorrow)
    later = await replay(tmp_path, shop, ai="never")
    assert later.ok, later.error
    assert any("some of the 40 rows of the last run" in warning for warning in later.warnings)


async def test_drift_is_repaired_and_committed_only_then(tmp_path: Path, shop: Pages) -> None:
    await twice(tmp_path, shop)
    shop.table(MANY[:12])
    give_up = [("give_up", {"reason": "site-broken", "message": "rows are missing"})]
    result = await replay(tmp_path, shop, ScriptedModel(give_up, ask=lambda request: verdict("drift")))
    assert not result.ok
    assert [a.kind for a in result.attempts] == ["replay", "confirm", "repair"]
    assert subjects(tmp_path) == ["Saved by hand"]


async def test_without_a_model_it_fails_and_says_what_was_expected(tmp_path: Path, shop: Pages) -> None:
    await twice(tmp_path, shop)
    shop.table(MANY[:12])
    events: list[Event] = []
    result = await replay(tmp_path, shop, on_event=events.append)
    assert result.error is not None
    breach = result.error.details["breaches"][0]
    assert breach == {
        "kind": "fewer-rows", "path": "$", "expected": "about 40 rows", "got": "12", "severity": "statistical",
    }  # fmt: skip
    assert result.error.details["url"] == shop.url + "/"
    failed = next(e for e in events if e.type == "replay.failed")
    assert failed.data["breaches"] == result.error.details["breaches"]
    assert Path(result.error.details["screenshot"]).read_bytes().startswith(b"\x89PNG")


async def test_the_page_itself_bears_fewer_rows_out(tmp_path: Path, shop: Pages) -> None:
    await twice(tmp_path, shop)
    shop.table(MANY[4:16], after="<p>12 shops</p>")
    result = await replay(tmp_path, shop)
    assert result.ok, result.error
    assert result.warnings[0].endswith("expected about 40 rows, got 12, as the page states")


async def test_what_is_structural_no_model_is_asked_about(tmp_path: Path, shop: Pages) -> None:
    keep(tmp_path, BY_CLASS, OUTPUT)
    shop.table(MANY, name="", place="")
    give_up = [("give_up", {"reason": "site-broken", "message": "no towns"})]
    result = await replay(tmp_path, shop, ScriptedModel(give_up))
    assert [a.kind for a in result.attempts] == ["replay", "repair"]


async def test_a_revision_is_a_candidate_until_five_clean_runs(tmp_path: Path, shop: Pages) -> None:
    revision = keep(tmp_path, BY_CLASS, OUTPUT)
    first = await replay(tmp_path, shop)
    assert first.reuse is not None
    assert first.reuse.trust == "candidate"
    records = TaskRecords(tmp_path / "default" / "records.sqlite3")
    for _ in range(3):
        records.run_history.clean_run(revision, [], None)
    records.close()
    fifth = await replay(tmp_path, shop)
    assert fifth.reuse is not None
    assert fifth.reuse.trust == "trusted"
    assert fifth.to_wire()["reuse"]["trust"] == "trusted"


async def test_the_message_by_which_nothing_is_told_must_not_always_be_there(tmp_path: Path, shop: Pages) -> None:
    shop.table(SHOPS, after="<p>Nothing found? Call us.</p>")
    code = BY_CLASS.replace("    return rows", """\
    if parameters["q"] == "none":
        rows = []
        await task.empty(page.get_by_text("Nothing found"))
    return rows""")  # fmt: skip
    keep(tmp_path, code, parameters={"q": "a"})
    assert (await replay(tmp_path, shop, parameters={"q": "a"})).ok
    result = await replay(tmp_path, shop, parameters={"q": "none"})
    assert result.error is not None
    assert "is there on full pages, too" in result.error.message


async def test_other_parameters_do_not_excuse_less_than_the_same_ones_gave(tmp_path: Path, shop: Pages) -> None:
    code = BY_CLASS.replace("for row in", "await page.goto(parameters['page'])\n    for row in")
    shop.table(SHOPS, "/b")
    shop.table(MANY, "/a")
    keep(tmp_path, code, OUTPUT, parameters={"page": ""})
    a, b = ({"page": f"{shop.url}/{path}"} for path in "ab")
    for parameters in (a, b, a):
        assert (await replay(tmp_path, shop, parameters=parameters)).ok
    shop.table(MANY[:9], "/a")
    result = await replay(tmp_path, shop, parameters=a)
    assert result.error is not None
    assert result.error.reason == "drift"
    assert {b["kind"] for b in result.error.details["breaches"]} == {"fewer-rows", "cut-off"}


async def test_more_of_something_else_is_no_next_page(tmp_path: Path, shop: Pages) -> None:
    keep(tmp_path, BY_CLASS, OUTPUT)
    shop.html["/"] = "<div><button>Show more offers</button></div>" + shop.html["/"]
    assert (await replay(tmp_path, shop)).ok
    shop.table(MANY, after="<button>Show more shops</button>")
    result = await replay(tmp_path, shop)
    assert result.error is not None
    assert [b["kind"] for b in result.error.details["breaches"]] == ["next-left"]
