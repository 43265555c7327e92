"""``webtasks demo``, played from its recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.bundles import BundleStore
from tests.support.command import Run, data


def test_demo_reports_the_figures_of_its_own_runs(cli: Run, tmp_path: Path) -> None:
    store = tmp_path / "demo"
    report = data(cli("demo", "--json", "--store", str(store)))
    explored, replayed, repaired, again = report["runs"]
    assert [run["attempts"][-1] for run in report["runs"]] == ["explore", "replay", "repair", "replay"]
    assert [run["modelCalls"] > 0 for run in report["runs"]] == [True, False, True, False]
    assert (replayed["usd"], again["usd"]) == (0, 0)
    assert explored["recorded"]
    assert explored["modelSeconds"] > explored["seconds"], "the model's recorded time is not waited for"
    assert explored["output"] == repaired["output"], "the redesign shows the same data"
    assert replayed["output"] == again["output"] != explored["output"]
    history = BundleStore(store / "default").history(report["key"])
    saved = [revision.id for revision in history]
    assert saved == [commit["id"] for commit in report["commits"]] == [repaired["revision"], explored["revision"]]
    assert [replayed["revision"], again["revision"]] == [explored["revision"], repaired["revision"]]
    assert {"Task-Id", "Model", "Cost-Usd", "Reason"} <= history[0].trailers.keys()


def test_demo_without_isolation_stops_with_a_remedy(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sandbox.browser import find_browser

    monkeypatch.setenv("WEBTASKS_BROWSER", str(find_browser().executable))
    monkeypatch.setenv("PATH", str(tmp_path))
    result = cli("demo", "--isolation", "bubblewrap")
    assert result.exit_code == 1
    assert "bubblewrap" in result.stderr
    assert "make demo ISOLATION=none" in result.stderr
    assert "Traceback" not in result.stderr
