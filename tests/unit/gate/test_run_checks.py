"""Output of a candidate's run, held against what the task requires."""

from pathlib import Path
from typing import Any

from engine.execution.automation_run import AutomationRun
from engine.gate.run_checks import advisories, problems
from engine.gate.verdicts import Requirements
from engine.testing import outcome
from sandbox import Evidence

RECEIPT = "Your order was placed, number 4711"
CODE = f"async def run(page, parameters, task):\n    return {{'said': {RECEIPT!r}}}\n"


def ran(output: Any, code: str = CODE, gates: tuple[tuple[str, bool], ...] = (), **page: Any) -> AutomationRun:
    evidence = Evidence(url="http://shop.test/", status=200, **page)
    return AutomationRun(outcome(output, evidence=evidence), None, gates, Path(), code=code)


async def test_a_text_that_the_code_knows_is_refused_only_while_nothing_was_done() -> None:
    required = Requirements("Place the order", {})
    found = await problems(ran({"said": RECEIPT}), required, start_url=None, seen=[])
    assert "also a value of the field 'said'" in str(found)
    done = ran({"said": RECEIPT}, gates=(("place the order", True),))
    assert await problems(done, required, start_url=None, seen=[]) == ()


async def test_a_text_that_the_code_waits_for_is_told_and_may_be_insisted_on() -> None:
    code = f"async def run(page, parameters, task):\n    return await page.get_by_text({RECEIPT!r}).inner_text()\n"
    run, required = ran({"said": RECEIPT}, code), Requirements("Read the notice", {})
    assert await problems(run, required, start_url=None, seen=[]) == ()
    assert "look for what stays" in str(advisories(run, required, code=code, seen=[]))
