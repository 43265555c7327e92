"""Repairs for parameters that never ran before: the last good output, of others, is no measure of what they give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.contract import Observed, learn
from engine.testing import ScriptedModel, Turn, outcome
from sandbox import Evidence, ScriptError
from tests.support.saved import save
from tests.unit.runs.conftest import URL, Run, told

CODE = """\
async def run(page, parameters, task):
    await page.get_by_label("User").fill(parameters["user"])
    message = await page.get_by_role("alert").inner_text()
    return {"logged_in": await page.locator("a.out").count() > 0, "message": message}
"""
WRONG = {"logged_in": False, "message": "Your username is invalid!", "error": "no such user", "name": None}
RIGHT = {"logged_in": True, "message": "You logged into a secure area!", "error": None, "name": "Ada Quill"}
BROKEN = outcome(error=ScriptError("TimeoutError", "no such field", kind="timeout"), evidence=Evidence(url=URL))
WRITE: list[Turn] = [
    ("write", {"code": CODE + "# mended\n"}),
    ("finish", {"summary": "Mend", "other_parameters": {"user": "nobody"}}),
]


def gave(value: Any, text: str) -> Any:
    return outcome(value, evidence=Evidence(url=URL, text=text, status=200, documents=((URL, 200),)))


@pytest.fixture
def store(tmp_path: Path, git: None) -> Path:
    page = Evidence(url=URL, text=WRONG["message"])
    contract = learn([Observed(WRONG, page, parameters={"user": "nobody"})])
    save(tmp_path, "k", CODE, parameters={"user": "nobody"}, contract=contract)
    return tmp_path


async def test_output_of_other_parameters_does_not_refuse_right_code(store: Path, run: Run) -> None:
    assert (await run(gave(WRONG, WRONG["message"]), parameters={"user": "nobody"}))[0].ok
    model = ScriptedModel(WRITE, [("give_up", {"reason": "impossible", "message": "no"})])
    result, _ = await run(
        BROKEN,
        BROKEN,
        gave(RIGHT, RIGHT["message"]),
        gave(WRONG, WRONG["message"]),
        model=model,
        parameters={"user": "ada"},
    )
    assert result.ok, (result.error, told(model))


async def test_the_repair_is_told_that_the_last_good_run_had_other_parameters(store: Path, run: Run) -> None:
    assert (await run(gave(WRONG, WRONG["message"]), parameters={"user": "nobody"}))[0].ok
    for user, other in (("ada", True), ("nobody", False)):
        model = ScriptedModel([("give_up", {"reason": "impossible", "message": "no"})])
        await run(BROKEN, BROKEN, model=model, parameters={"user": user}, ai="insist")
        assert ("(of other parameters" in told(model)[0]) is other


async def test_a_column_that_is_empty_in_all_rows_is_refused_for_other_parameters_too(tmp_path: Path, run: Run) -> None:
    rows = [{"name": f"Shop {n}", "price": n + 0.5} for n in range(6)]
    contract = learn([Observed(rows, Evidence(url=URL), parameters={"user": "nobody"})])
    save(tmp_path, "k", CODE, parameters={"user": "nobody"}, contract=contract)
    assert (await run(gave(rows, "Shops"), parameters={"user": "nobody"}))[0].ok
    model = ScriptedModel(WRITE, [("give_up", {"reason": "impossible", "message": "no"})])
    spoilt = [{**row, "price": None} for row in rows]
    result, _ = await run(BROKEN, BROKEN, gave(spoilt, "Shops"), model=model, parameters={"user": "ada"})
    assert not result.ok
    assert "$[*].price: expected a value in 100% of rows" in told(model)[1]
