"""Playwright's own traces of runs: kept where asked for, named in the report, and never beside secrets."""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

from engine import AsyncEngine
from engine.execution.traces import traces_of
from fixtures_sites import FixtureServer
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

CLICKS = """\
async def run(page, parameters, task):
    await page.locator("body").press("Tab")
    return [{"title": await page.title()}]
"""


async def test_trace_of_a_replay_shows_its_actions_and_stands_in_the_report(
    tmp_path: Path, site: FixtureServer
) -> None:
    save(tmp_path, "k", CLICKS)
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        traced, plain = [
            await engine.run(TASK, start_url=site.url, reuse_key="k", ai="never", trace=trace)
            for trace in (True, False)
        ]
        report = traced.report(tmp_path / "report.html").read_text()
    assert traced.ok, traced.error
    assert plain.ok, plain.error
    (path,) = traces_of(tmp_path / "default", traced.web_task_id)
    assert path.name == "01-replay.zip"
    with ZipFile(path) as archive:
        assert archive.testzip() is None
        lines = [json.loads(line) for line in archive.read("trace.trace").splitlines()]
    assert "press" in {line.get("method") for line in lines}
    assert f"playwright show-trace {path}" in report
    assert traces_of(tmp_path / "default", plain.web_task_id) == []
