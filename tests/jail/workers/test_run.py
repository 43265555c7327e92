"""The worker that a run gets."""

from __future__ import annotations

import pytest

from tests.support.jailed import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_every_run_has_a_worker_of_its_own(run: Run) -> None:
    body = (
        "import os\nopen('/scratch/mark', 'x').close()\nreturn (await page.context.cookies(), os.listdir('/scratch'))"
    )
    for _ in range(2):
        outcome = await run("await page.context.add_cookies([{'name': 'a', 'value': 'b', 'url': page.url}])\n" + body)
        assert outcome.ok, outcome.error
        assert len(outcome.value[0]) == 1
