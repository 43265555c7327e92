"""Workers without a browser: forked by a zygote, and started by themselves in each jail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from sandbox import Automation, Egress, Outcome, PoolOptions, Sandbox

READ = """
async def run(web, parameters, task):
    page = await web.get("/")
    task.log("read", page.status)
    return {"title": page.title, "links": len(page.css("a")), "given": parameters["n"]}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["forked", "bubblewrap", "landlock"])
async def jailed(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """A sandbox for each way in which such a worker comes to be."""
    isolation: Any = "landlock" if request.param == "landlock" else "bubblewrap"
    async with Sandbox(isolation=isolation, pool=PoolOptions(spare=0)) as opened:
        if request.param == "bubblewrap":
            opened._nursery._forks = False
        yield opened


async def run(sandbox: Sandbox, site: str, code: str, parameters: Any = None, **options: Any) -> Outcome:
    egress = options.pop("egress", Egress(allow=(site,)))
    return await sandbox.run(Automation(code), parameters or {}, start_url=f"{site}/", egress=egress, **options)


@pytest.mark.asyncio(loop_scope="module")
async def test_runs_give_value_logs_and_evidence(jailed: Sandbox, site: str) -> None:
    for number in (1, 2):
        outcome = await run(jailed, site, READ, {"n": number}, affinity="one revision")
        assert outcome.value == {"title": "Items", "links": 4, "given": number}, outcome.error
        assert (outcome.logs, outcome.worker_run, outcome.session) == (("read 200",), number, None)
        seen = outcome.evidence
        assert (seen.url, seen.title, seen.status) == (f"{site}/", "Items", 200)
        assert seen.documents == ((f"{site}/", 200),)
        assert seen.hosts == (site.removeprefix("http://"),)
        assert "1,247 results" in seen.text
