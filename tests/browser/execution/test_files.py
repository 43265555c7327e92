"""Files that an automation saves for the user and reads itself."""

from __future__ import annotations

from pathlib import Path

from engine import AsyncEngine
from fixtures_sites import serve
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

CODE = """\
import csv
async def run(page, parameters, task):
    await page.goto(task.start_url + "reports/2024")
    data = await task.download(page.get_by_role("link", name="CSV").first)
    with open(data["path"]) as file:
        opened = len(list(csv.DictReader(file)))
    return {"data": data, "path": data["path"], "rows": len(data.text().splitlines()) - 1, "opened": opened}
"""


async def test_saved_file_is_read_by_the_code_and_given_out_where_the_store_has_it(tmp_path: Path) -> None:
    save(tmp_path, "k", CODE)
    with serve("archive") as site:
        async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
            result = await engine.run(TASK, start_url=site.url, reuse_key="k", ai="never")
    assert result.ok, result.error
    given = Path(result.output["path"])
    assert given == Path(result.output["data"]["path"])
    assert given.is_relative_to(tmp_path / "default" / "files" / result.web_task_id)
    assert len(given.read_text().splitlines()) - 1 == result.output["rows"] == result.output["opened"] > 0
