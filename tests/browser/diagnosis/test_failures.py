"""Failed runs: the message, and the files that stay."""

from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, TaskFailed, TaskResult
from engine.contract import Observed, learn
from fixtures_sites import FixtureServer
from sandbox import Evidence
from tests.support.saved import TASK, save
from tests.support.stage import NoModel, tree

NAMES = """\
async def run(page, parameters, task):
    return [{"name": name} for name in await page.locator("main a").all_inner_texts()]
"""


async def replay(store: Path, url: str, **changed: Any) -> TaskResult:
    async with AsyncEngine(store=store, model=NoModel()) as engine:
        return await engine.run(TASK, **({"start_url": url, "reuse_key": "k", "ai": "never"} | changed))


async def test_reading_the_output_of_a_failed_run_raises_what_it_failed_with(
    tmp_path: Path, site: FixtureServer
) -> None:
    save(tmp_path, "k", NAMES)
    result = await replay(tmp_path, site.url + "500")
    assert result.outcome == "failed"
    with pytest.raises(TaskFailed, match="internal-error") as failed:
        _ = result.output
    assert failed.value.details["reason"] == "http-error"


async def test_an_empty_list_is_drift_and_without_a_model_fails_with_the_breach(
    tmp_path: Path, site: FixtureServer
) -> None:
    save(tmp_path, "k", NAMES, contract=learn([Observed([{"name": "a"}], Evidence())]))
    before = tree(tmp_path / "default" / "bundles")
    result = await replay(tmp_path, site.url.rstrip("/") + "/list?state=broken")
    assert result.error is not None
    assert result.error.reason == "drift"
    assert [b["kind"] for b in result.error.details["breaches"]] == ["no-rows"]
    assert tree(tmp_path / "default" / "bundles") == before


async def test_without_a_key_the_model_is_unauthenticated_and_says_what_to_set(
    tmp_path: Path, site: FixtureServer
) -> None:
    async with AsyncEngine(store=tmp_path) as engine:
        result = await engine.run(TASK, start_url=site.url.rstrip("/") + "/list")
    assert result.error is not None
    assert result.error.code == "unauthenticated"
    assert "ANTHROPIC_API_KEY" in result.error.message


async def test_files_of_one_name_that_arrive_at_one_time_are_all_kept(tmp_path: Path, site: FixtureServer) -> None:
    code = """\
import asyncio, pathlib
async def run(page, parameters, task):
    files = [pathlib.Path.home() / f"{n}.txt" for n in range(8)]
    for n, file in enumerate(files):
        file.write_text(str(n) * 100)
    return await asyncio.gather(*(task.attach(file, "same.txt") for file in files))
"""
    save(tmp_path, "k", code)
    result = await replay(tmp_path, site.url)
    assert result.ok, result.error
    texts = {Path(file["path"]).read_text() for file in result.output}
    assert texts == {str(n) * 100 for n in range(8)}
