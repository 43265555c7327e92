"""``webtasks bundles adopt`` as a user runs it: an edit is committed, or refused and kept."""

from __future__ import annotations

from pathlib import Path

from engine.bundles import BundleStore
from fixtures_sites import FixtureServer
from tests.support.command import BUSINESSES, KEY, Run, data

GIVEN = ("-p", "category=Surveying", "--other", "category=Stonemasonry", "-q")


def edit(store: Path, code: str) -> Path:
    file = store / "default" / "bundles" / KEY / "automation.py"
    file.write_text(code)
    return file


def test_adopt_commits_an_edit_that_passes_the_gate(cli: Run, store: Path, guide: FixtureServer) -> None:
    edit(store, BUSINESSES.replace('{"name": name}', '{"name": name.upper()}'))
    before = len(BundleStore(store / "default").history(KEY))
    adopted = cli("bundles", "adopt", KEY, *GIVEN, "--start-url", guide.url, "--json")
    assert adopted.exit_code == 0, adopted.output
    rows = data(adopted)["result"]["data"]
    assert rows
    assert all(row["name"] == row["name"].upper() for row in rows)
    assert len(BundleStore(store / "default").history(KEY)) == before + 1
    assert BundleStore(store / "default").edited(KEY) == ()


def test_adopt_refuses_a_bad_edit_and_keeps_it(cli: Run, store: Path, guide: FixtureServer) -> None:
    file = edit(store, BUSINESSES.replace("tbody a", "tbody b"))
    refused = cli("bundles", "adopt", KEY, *GIVEN, "--start-url", guide.url)
    assert refused.exit_code == 1, refused.output
    assert "tbody b" in file.read_text()
    assert BundleStore(store / "default").edited(KEY) == ("automation.py",)
    assert cli("bundles", "adopt", "nobody").exit_code == 2
