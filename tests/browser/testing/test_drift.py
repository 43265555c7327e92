"""The drift bench in short: its findings for a good automation and for a careless one."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.testing import drift
from engine.testing.heal.sites import site
from fixtures_sites import serve
from tests.benchmarks import subjects
from tests.support.saved import TASK, save

SOME = ("rename-classes", "reorder-columns", "field-missing", "empty-list", "swapped-fields", "error-page")


async def test_drift_is_noticed_or_the_output_is_right(tmp_path: Path) -> None:
    chosen = [m for m in drift.MUTATIONS if m.name in SOME]
    with site("archive") as server:
        subject = await subjects.written("archive", server, tmp_path / "store", replays=0)
        found = await drift.measure(subject, chosen, limits=subjects.LIMITS)
    assert {f.mutation.name: f.verdict for f in found} == {
        "rename-classes": "unaffected",
        "reorder-columns": "unaffected",
        "field-missing": "noticed",
        "empty-list": "noticed",
        "swapped-fields": "noticed",
        "error-page": "noticed",
    }, drift.tables(found)
    assert all(f.says for f in found if f.verdict == "noticed")
    assert {f.mutation.name: f.reason for f in found}["error-page"] == "error-page"


async def test_wrong_output_is_reported_as_silently_wrong(tmp_path: Path) -> None:
    code = "async def run(page, parameters, task):\n    return ['January']\n"
    months = iter([["January"], ["February"]])  # the site's data change, and the code does not read them
    with serve("archive") as server:
        save(tmp_path / "store", "k", code, start_url=server.url)
        subject = drift.Subject("k", tmp_path / "store", "k", TASK, server.url, truth=lambda: next(months))
        chosen = [m for m in drift.MUTATIONS if m.name in ("rename-classes", "rename-keys")]
        found = await drift.measure(subject, chosen, limits=subjects.LIMITS)
    assert [(f.mutation.name, f.verdict) for f in found] == [("rename-classes", "silently wrong")], (
        "the site has no JSON, so rename-keys has no finding"
    )
    assert "February" in found[0].says
    assert "WRONG" in drift.tables(found)


async def test_wrong_baseline_is_not_measured(tmp_path: Path) -> None:
    code = "async def run(page, parameters, task):\n    return [await page.title()]\n"
    with serve("archive") as server:
        save(tmp_path / "store", "k", code, start_url=server.url)
        subject = drift.Subject("k", tmp_path / "store", "k", TASK, server.url, truth=lambda: ["another"])
        with pytest.raises(drift.WrongBaseline, match="wrong on the unchanged site"):
            await drift.measure(subject, [])
