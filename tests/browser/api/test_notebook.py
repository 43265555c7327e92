"""A notebook, run in a real kernel: results show themselves, and a line under the cell tells what happens."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from fixtures_sites import serve
from tests.support.paths import ROOT
from tests.support.saved import save

CODE = "async def run(page, parameters, task):\n    return [{'title': await page.title(), 'n': parameters['n']}]\n"
CELLS = (
    "from engine import Engine\nengine = Engine(store='store', progress='auto')",
    "result = engine.run(reuse_key='titles', parameters={{'n': 1}}, start_url='{url}', ai='never')",
    "result",
    "engine.close()",
)


def test_a_notebook_shows_progress_and_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    save(tmp_path / "store", "titles", CODE, parameters={"n": 1})
    with serve("directory") as site:
        cells = [nbformat.v4.new_code_cell(cell.format(url=site.url)) for cell in CELLS]
        notebook = nbformat.v4.new_notebook(cells=cells)
        NotebookClient(
            notebook, timeout=300, startup_timeout=300, resources={"metadata": {"path": str(tmp_path)}}
        ).execute()
    run, shown = notebook.cells[1].outputs, notebook.cells[2].outputs
    lines = [output["data"]["text/plain"] for output in run if output["output_type"] == "display_data"]
    assert [line.partition(",")[0] for line in lines] == ["titles: success"]
    assert "Harrowmere" in shown[0]["data"]["text/html"]
    assert "titles: success, 1 row" in shown[0]["data"]["text/plain"]
