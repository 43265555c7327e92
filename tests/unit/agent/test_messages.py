"""Answers to code that cannot work: each names the right next step."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.contract import Observed
from engine.gate.plausibility import doubts
from engine.gate.static_checks import findings
from engine.testing import ScriptedModel
from engine.testing.sandbox import ScriptedSession
from sandbox import Evidence
from tests.unit.runs.conftest import Run, run, told

__all__ = ["run"]  # a fixture
GIVE_UP = [("give_up", {"reason": "site-broken", "message": "no"})]
HEAD = "async def run(page, parameters, task):\n"


async def test_a_ref_in_the_automation_is_answered_by_its_durable_locator(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def locators(self: ScriptedSession, refs: Sequence[str]) -> dict[str, str]:
        return dict.fromkeys(refs, 'page.get_by_role("button", name="Search")')

    monkeypatch.setattr(ScriptedSession, "locators", locators)
    code = f"{HEAD}    await page.get_by_ref('e5').click()\n    return await page.title()\n"
    model = ScriptedModel([("write", {"code": code})], GIVE_UP)
    await run(model=model)
    assert "refs work only in `python`" in told(model)[-1]
    assert 'e5: page.get_by_role("button", name="Search")' in told(model)[-1]


def test_no_rows_are_answered_by_reading_first() -> None:
    said = next(doubts(Observed([], Evidence())))
    assert said.startswith("it returned no rows: print in python what the locator matches, and read the rows")
    assert said.index("read the rows") < said.index("task.empty")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (f"Here is the code:\n{HEAD}    return 1\n", "(line 1: 'Here is the code:')"),
        (f"```python\n{HEAD}    return 1\n```\nDone!", "`code` is the bare file, without ``` marks or prose"),
        (f"{HEAD}    page.goto('/')\n    return await page.title()\n", "write `await page.goto('/')`"),
        ("def run():\n    return []\n", "define `async def run(page, parameters, task)`"),
        ("import requests\n", "only the standard library, playwright and sandbox.toolkit"),
        (f"{HEAD}    return [{{'name': 'John Smith'}}]\n", "read from the page what is returned"),
    ],
)
def test_faults_of_the_source_say_what_to_write(code: str, says: str) -> None:
    assert says in "\n".join(findings(code, {}))
