"""Lists that are rightly empty are right without a model; lists that code no longer finds are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import TaskResult
from engine.contract import Observed, learn
from engine.task.schema import infer
from engine.testing import ScriptedModel, outcome
from sandbox import Evidence, Outcome
from sandbox.page_map import PageMap
from tests.support.maps import Sheet
from tests.support.saved import save
from tests.unit.contract.pages import shops
from tests.unit.runs.conftest import URL, Run

ROWS = shops(12)
COLUMNS = ("Name", "Town", "Price", "Since", "Note")
Page = Callable[[], tuple[PageMap, dict[str, Any]]]


def sheet(rows: list[dict[str, Any]], town: str = "a") -> Sheet:
    page = Sheet(URL, "Shops").heading(f"Shops in {town}")
    page.text("No delivery on Sundays.")
    return page.table(COLUMNS, [[str(value) for value in row.values()] for row in rows])


def gave(rows: list[dict[str, Any]], page: PageMap, **evidence: Any) -> Outcome:
    text = "\n".join(unit.text for unit in page.units)
    return outcome(rows, evidence=Evidence(**{"url": URL, "text": text, "status": 200, "maps": (page,)} | evidence))


def full(town: str = "a", *, seen: int = 12) -> Outcome:
    """Rows of a page; of more that it shows, code lets only some through."""
    return gave(ROWS, sheet(shops(seen), town).map())


async def answer(
    run: Run, store: Path, empty: Outcome, *, asked: str = "none", seen: int = 12, then: Outcome | None = None
) -> TaskResult:
    runs = [Observed(ROWS, full(town, seen=seen).evidence, None, {"q": town}) for town in "ab"]
    save(store, "k", "code", parameters={"q": ""}, contract=learn(runs, "Shops"), schema=infer([ROWS]), start_url=URL)
    first, _ = await run(full(seen=seen), parameters={"q": "a"})
    assert first.ok, first.error
    steps = [empty, then or full(seen=seen)] if asked != "a" else [empty]
    result, _ = await run(*steps, parameters={"q": asked})
    return result


def message(text: str) -> Outcome:
    return gave([], Sheet(URL, "Shops").heading("Shops in none").text(text).map())


def placed(text: str) -> Outcome:
    page = Sheet(URL, "Shops").heading("Shops in none").text(text)
    page.messages = (text,)
    return gave([], page.map())


def stated(**changed: Any) -> Outcome:
    return gave([], replace(Sheet(URL, "Shops").heading("Shops in none").map(), **changed))


def answered(*pairs: tuple[str, str]) -> Outcome:
    page = Sheet("https://shop.example/api/shops?q=none")
    for name, text in pairs:
        page.text(text, path=f"$.{name}", label=name)
    return gave([], replace(page.map(), kind="json"))


NOTHING: dict[str, Callable[[], Outcome]] = {
    "no results found": lambda: message("No results found for your search."),
    "a search without a match": lambda: message("Your search did not match any products."),
    "in German": lambda: message("Keine Treffer für Ihre Suche"),
    "a short message in place of the rows": lambda: placed("No open orders"),
    "an unknown value": lambda: placed("There is no such town."),
    "a total of zero": lambda: stated(totals=(("0 shops", 0),)),
    "zero rows by aria": lambda: stated(row_count=0),
    "a table without rows": lambda: gave([], sheet([], "none").map()),
    "JSON with a total": lambda: answered(("total", "0")),
    "an empty answer in JSON": lambda: answered(),
}


@pytest.mark.parametrize("name", NOTHING)
async def test_list_that_is_rightly_empty_is_right_without_a_model(
    name: str, run: Run, tmp_path: Path, git: None
) -> None:
    result = await answer(run, tmp_path, NOTHING[name]())
    assert result.error is None
    assert (result.output, result.model_calls) == ([], 0)
    assert [attempt.kind for attempt in result.attempts] == ["replay", "check"]


async def test_items_that_a_filter_in_code_left_out_may_be_all(run: Run, tmp_path: Path, git: None) -> None:
    result = await answer(run, tmp_path, gave([], sheet(shops(30), "none").map()), seen=30)
    assert (result.output, result.error) == ([], None)


WRONG: dict[str, Callable[[], Outcome]] = {
    "rows that code does not find": lambda: gave([], sheet(ROWS, "none").map()),
    "a page without a word": lambda: gave([], Sheet(URL, "Shops").heading("Shops in none").map()),
    "what full pages say, too": lambda: message("No delivery on Sundays."),
    "cards in place of the table": lambda: gave([], Sheet(URL, "Shops").cards([["A", "1"], ["B", "2"]]).map()),
}


@pytest.mark.parametrize("name", WRONG)
async def test_list_that_is_empty_without_a_reason_is_refused(name: str, run: Run, tmp_path: Path, git: None) -> None:
    result = await answer(run, tmp_path, WRONG[name]())
    assert result.error is not None


async def test_empty_list_is_refused_where_others_are_empty_as_well(run: Run, tmp_path: Path, git: None) -> None:
    result = await answer(run, tmp_path, message("No results found."), then=message("No results found."))
    assert result.error is not None
    assert "none any more for parameters that gave rows before" in result.error.message


async def test_same_parameters_may_have_nothing_now_where_the_page_says_so(run: Run, tmp_path: Path, git: None) -> None:
    result = await answer(run, tmp_path, message("No results found."), asked="a")
    assert (result.output, result.error) == ([], None)
    assert "where the same parameters gave rows before" in " ".join(result.warnings)


async def test_likely_nothing_alone_is_left_to_a_question(run: Run, tmp_path: Path, git: None) -> None:
    result = await answer(run, tmp_path, gave([], sheet([], "a").map()), asked="a")
    assert result.error is not None
    assert [b["severity"] for b in result.error.details["breaches"] if b["kind"] == "no-rows"] == ["doubtful"]


@pytest.mark.parametrize(("verdict", "right"), [("legitimate", True), ("drift", False)])
async def test_whether_code_that_read_all_items_rightly_took_none_is_one_question(
    verdict: str, right: bool, run: Run, tmp_path: Path, git: None
) -> None:
    save(tmp_path, "k", "code", contract=learn([Observed(ROWS, Evidence())]), schema=infer([ROWS]), start_url=URL)
    assert (await run(outcome(ROWS, evidence=Evidence(url=URL, status=200))))[0].ok
    answers = [] if right else [("give_up", {"reason": "site-broken", "message": "it takes none"})]
    model = ScriptedModel(answers, ask=lambda request: json.dumps({"verdict": verdict, "why": "none is open"}))
    examined = Evidence(url=URL, status=200, counts=(("12 orders", 12),), examined=(12, 12))
    result, _ = await run(outcome([], evidence=examined), model=model)
    assert (result.error is None) is right
    assert [attempt.kind for attempt in result.attempts][:2] == ["replay", "confirm"]
