"""Code that does not end: it is interrupted where it is, and its line is told."""

from __future__ import annotations

import pytest

from sandbox import Automation, Outcome
from tests.support.warm import LentSandbox

HEAD = "async def run(page, parameters, task):\n"
WEB = HEAD.replace("page", "web")


async def ran(warm: LentSandbox, code: str, seconds: float = 0.3) -> Outcome:
    return await warm.run(Automation(code), {}, idle_seconds=seconds)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (f"{HEAD}    n = 0\n    while n < 1:\n        n += 0\n", 4),
        (f"{HEAD}    while True:\n        try:\n            n = 1\n        except Exception:\n            pass\n", 4),
        (f"import asyncio\n{HEAD}    while True:\n        await asyncio.sleep(0.05)\n", 4),
        (f"import time\ntime.sleep(60)\n{HEAD}    return 1\n", 2),
        (f"{WEB}    n = 0\n    while n < 1:\n        n += 0\n", 4),
        (f"import asyncio\n{WEB}    while True:\n        await asyncio.sleep(0.05)\n", 4),
        (f"import time\ntime.sleep(60)\n{WEB}    return 1\n", 2),
    ],
)
async def test_a_run_that_does_nothing_is_ended_with_its_line(warm: LentSandbox, code: str, line: int) -> None:
    outcome = await ran(warm, code)
    assert outcome.error is not None
    assert outcome.error.type == "StillRunning"
    assert abs((outcome.error.line or 0) - line) <= 2, "a loop has several lines"
    assert f"still running after 0.3 s at line {outcome.error.line}" in outcome.error.message
    assert "end the loop when the page has no more" in outcome.error.message
    assert outcome.seconds < 40, "the loops have no other end"


async def test_a_run_that_acts_goes_on(warm: LentSandbox) -> None:
    code = f"""\
import asyncio
{HEAD}    await page.set_content("<button>more</button>")
    for n in range(14):
        await page.get_by_role("button").click()
        await asyncio.sleep(0.25)
    return n
"""
    assert (await ran(warm, code, 3.0)).value == 13


async def test_a_busy_step_is_interrupted_and_the_page_stays(warm: LentSandbox) -> None:
    session = await warm.open_session({})
    try:
        await session.execute("await page.set_content('<title>here</title>')\nx = 1")
        stuck = await session.execute("while True:\n    x += 1", timeout=0.3)
        assert stuck.error is not None
        assert "still running after 0.3 s at line" in stuck.error.message
        assert stuck.error.kind == "timeout"
        after = await session.execute("x > 1, await page.title()")
        assert after.output == "(True, 'here')"
    finally:
        await session.close()
