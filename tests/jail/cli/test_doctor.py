"""``webtasks doctor`` on this machine, and on ones that lack something."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from fixtures_sites import FixtureServer
from sandbox.browser import find_browser
from tests.support.command import Run, data


def by_name(result: Result) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in data(result)["checks"]}


def test_everything_necessary_is_here(cli: Run) -> None:
    result = cli("doctor", "--json")
    assert result.exit_code == 0, result.stdout
    checks = by_name(result)
    assert {"python", "packages", "git", "browser", "sandbox: bubblewrap", "protects: network"} <= checks.keys()
    assert {"model", "store"} <= checks.keys()
    assert checks["model"]["state"] == "warning", "replays need no model"
    assert "ANTHROPIC_API_KEY" in checks["model"]["remedy"]


def test_the_key_is_never_shown(cli: Run, guide: FixtureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-very-secret")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", guide.url.replace("http://", "http://ada:lovelace@"))
    result = cli("doctor")
    assert "with the key in ANTHROPIC_API_KEY" in result.stdout
    assert f"{guide.url} takes connections" in result.stdout
    assert "secret" not in result.stdout
    assert "lovelace" not in result.stdout
    assert not guide.requests, "nothing is asked"


def test_an_endpoint_where_nobody_listens_is_named(cli: Run) -> None:
    checks = by_name(cli("doctor", "--json", "--base-url", "http://127.0.0.1:9"))
    assert checks["model endpoint"]["state"] == "warning"
    assert "ANTHROPIC_BASE_URL" in checks["model endpoint"]["remedy"]


def test_what_is_missing_is_one_and_has_its_remedy(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sandbox.isolation.landlock.OLDEST_ABI", 1000)
    result = cli("doctor", "--browser", str(tmp_path / "no-browser"), "--json")
    assert result.exit_code == 1
    checks = by_name(result)
    for name in ("git", "browser", "sandbox: bubblewrap", "sandbox: landlock"):
        assert (name, checks[name]["state"]) == (name, "missing")
        assert checks[name]["remedy"]
    shown = cli("doctor", "--browser", "/nowhere").stdout
    assert "Missing: git, browser, sandbox: bubblewrap, sandbox: landlock." in shown


def test_the_second_jail_is_enough_and_where_it_is_weaker_is_noted(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = shutil.which("git")
    assert git is not None
    monkeypatch.setenv("WEBTASKS_BROWSER", str(find_browser().executable))
    (tmp_path / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = cli("doctor", "--json")
    assert result.exit_code == 0, result.stdout
    checks = by_name(result)
    assert (checks["sandbox: bubblewrap"]["state"], checks["sandbox: landlock"]["state"]) == ("warning", "ok")
    assert (checks["protects: network"]["state"], checks["protects: files"]["state"]) == ("ok", "warning")


def test_without_a_jail_bubblewrap_is_no_hindrance(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = by_name(cli("doctor", "--isolation", "none", "--json"))
    assert checks["sandbox: bubblewrap"]["state"] == "warning"
    assert checks["isolation"]["state"] == "warning"
