"""``webtasks drift`` on one saved automation."""

from __future__ import annotations

from pathlib import Path

from fixtures_sites import FixtureServer
from tests.support.command import KEY, Run, data
from tests.support.saved import save


def test_drift_prints_a_table_with_its_legend_and_an_estimate(cli: Run, guide: FixtureServer) -> None:
    measured = cli(
        "drift", KEY, "--start-url", guide.url, "-p", "category=Surveying",
        "--only", "rename-classes", "--only", "rename-keys",
    )  # fmt: skip
    assert measured.exit_code == 0, measured.stderr
    assert "2 mutations, about " in measured.stderr
    assert "rename-classes: unaffected" in measured.stderr
    lines = measured.stdout.splitlines()
    assert lines[:2] == ["mutation        guide", "rename-classes  ."]
    assert "WRONG  silently wrong: success with a wrong output" in lines
    assert "unaffected: 1 of 1 (100.0%)" in lines, "the site has no JSON, so rename-keys has no finding"


def test_drift_is_not_measured_where_it_cannot_be(cli: Run, store: Path, guide: FixtureServer) -> None:
    failing = cli("drift", KEY, "--start-url", guide.url, "-p", "category=Nothing of the kind", "--json")
    assert failing.exit_code == 2
    assert "fails on the unchanged site" in data(failing)["error"]["message"]
    save(store, "order", "async def run(page, parameters, task):\n    return 1\n", effects="write")
    assert "changes its site" in cli("drift", "order", "--start-url", guide.url).stderr
    assert "there is no mutation 'nosuch'" in cli("drift", KEY, "--only", "nosuch").stderr
