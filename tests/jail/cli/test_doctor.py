"""``webtasks doctor`` on this machine, and where requirements are missing."""

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


def test_doctor_passes_on_this_machine(cli: Run) -> None:
    result = cli("doctor", "--json")
    assert result.exit_code == 0, result.stdout
    checks = by_name(result)
    assert {"python", "packages", "git", "browser", "sandbox: bubblewrap", "protects: network"} <= checks.keys()
    assert {"model", "store"} <= checks.keys()
    assert checks["model"]["state"] == "warning", "replays need no model"
    assert "ANTHROPIC_API_KEY" in checks["model"]["remedy"]


def test_doctor_shows_neither_key_nor_credentials(
    cli: Run, guide: FixtureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-very-secret")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", guide.url.replace("http://", "http://ada:lovelace@"))
    result = cli("doctor")
    assert "with the key in ANTHROPIC_API_KEY" in result.stdout
    assert f"{guide.url} accepts connections" in result.stdout
    assert "secret" not in result.stdout
    assert "lovelace" not in result.stdout
    assert not guide.requests, "no request is sent"


def test_doctor_warns_of_an_unreachable_model_endpoint(cli: Run) -> None:
    checks = by_name(cli("doctor", "--json", "--base-url", "http://127.0.0.1:9"))
    assert checks["model endpoint"]["state"] == "warning"
    assert "ANTHROPIC_BASE_URL" in checks["model endpoint"]["remedy"]


def test_doctor_exits_with_1_and_names_remedies_for_missing_parts(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_doctor_accepts_landlock_alone_and_notes_weaker_protections(
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


def test_doctor_does_not_require_bubblewrap_with_isolation_none(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = by_name(cli("doctor", "--isolation", "none", "--json"))
    assert checks["sandbox: bubblewrap"]["state"] == "warning"
    assert checks["isolation"]["state"] == "warning"
