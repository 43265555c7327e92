"""Replays without a row: where that is an answer, though no message of the page says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.contract import Observed, learn
from engine.task.schema import infer
from engine.testing import outcome
from sandbox import Evidence, Outcome
from tests.support.maps import Sheet
from tests.support.saved import TASK, save
from tests.unit.runs.conftest import URL, Run

WARES = ("Lamp", "Chair", "Desk", "Shelf", "Stool")


def shown(kind: str, heading: str = "", number: int = 5, *, table: bool = False, **page: Any) -> Outcome:
    """Return a run that read a number of rows, cards or those of a table, of a page with a heading."""
    rows = [[f"{kind} {ware}", f"£{9 + n}.50"] for n, ware in enumerate(WARES[:number])]
    sheet = Sheet(url=f"{URL}?kind={kind}").heading(heading or f"Wares: {kind}")
    sheet = sheet.table(["Name", "Price"], rows) if table else sheet.cards(rows)
    values = [{"name": name, "price": 9.5 + n} for n, (name, _) in enumerate(rows)]
    evidence = {"url": URL, "text": heading or kind, "status": 200, "maps": (sheet.map(),), "examined": (number, None)}
    return outcome(values, evidence=Evidence(**evidence | page))


@pytest.fixture
def store(tmp_path: Path, git: None) -> Path:
    """An automation that lists the wares of a kind."""
    runs = [
        Observed(shown(kind).value, shown(kind).evidence, parameters={"kind": kind}) for kind in ("Garden", "Kitchen")
    ]
    save(
        tmp_path, "k", "code", parameters={"kind": "Garden"}, contract=learn(runs, TASK), schema=infer([runs[0].output])
    )
    return tmp_path


async def test_list_without_a_row_is_an_answer_where_the_page_names_what_was_asked(store: Path, run: Run) -> None:
    assert (await run(shown("Garden"), parameters={"kind": "Garden"}))[0].ok
    result, _ = await run(shown("Office", number=0), shown("Garden"), parameters={"kind": "Office"})
    assert (result.ok, result.output) == (True, []), result.error
    assert "lists none" in result.warnings[0]
    again, _ = await run(shown("Garden"), parameters={"kind": "Garden"})
    assert again.ok, again.error


async def test_search_without_a_hit_is_an_answer_where_the_page_repeats_its_words(store: Path, run: Run) -> None:
    assert (await run(shown("Garden"), parameters={"kind": "Garden"}))[0].ok
    page = Sheet(url=f"{URL}?kind=Office").heading("Wares").choice("input", "kind", "Office").map()
    result, _ = await run(shown("Office", number=0, maps=(page,)), shown("Garden"), parameters={"kind": "Office"})
    assert (result.ok, result.output) == (True, []), result.error
    assert "lists none" in result.warnings[0]
    for other in ("Wares", "Office"):  # typed into a page that was not asked with it; and the other way round
        page = (
            Sheet(url=URL if other == "Office" else f"{URL}?kind=Office").heading("Wares").choice("input", "k", other)
        )
        refused, _ = await run(
            shown("Office", number=0, maps=(page.map(),)), shown("Garden"), parameters={"kind": "Office"}
        )
        assert not refused.ok


@pytest.mark.parametrize(
    "empty",
    [
        shown("Offce", "Unknown kind", number=0),
        shown("Offce", "Unknown kind", number=0, table=True),
        shown("Office", number=0, examined=None),
        shown("Office", number=0, unmapped=1),
        shown("Office", number=0, next_controls=("Next",)),
    ],
)
async def test_list_without_a_row_is_none_where_the_page_does_not_show_that(
    store: Path, run: Run, empty: Outcome
) -> None:
    assert (await run(shown("Garden"), parameters={"kind": "Garden"}))[0].ok
    result, _ = await run(empty, shown("Garden"), parameters={"kind": "Office"})
    assert not result.ok


async def test_list_without_a_row_is_none_where_no_other_parameters_give_one(store: Path, run: Run) -> None:
    assert (await run(shown("Garden"), parameters={"kind": "Garden"}))[0].ok
    result, _ = await run(shown("Office", number=0), shown("Garden", number=0), parameters={"kind": "Office"})
    assert result.error is not None
    assert result.error.reason == "drift"


async def test_filter_in_code_that_lets_none_through_is_an_answer(store: Path, run: Run) -> None:
    assert (await run(shown("Garden"), parameters={"kind": "Garden"}))[0].ok
    none = shown("Office", number=0, examined=(5, None))
    result, _ = await run(none, shown("Garden"), parameters={"kind": "Office"})
    assert (result.ok, result.output) == (True, []), result.error
