"""``python -m sandbox``, the probe, and the public names."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import playwright
import pytest

import sandbox
from tests.support.paths import ROOT

LEAKY = """
inner = sys.argv[sys.argv.index("--") + 1:]
inner = [part.replace("/packages", PACKAGES) for part in inner]
os.execve(inner[0], inner, {})
"""


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sandbox", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_command_runs_an_automation(tmp_path: Path, site: str) -> None:
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "word").write_text("hello")
    automation = tmp_path / "automation.py"
    automation.write_text(
        "async def run(page, parameters, task):\n    task.log('looking')\n"
        "    await task.download('/data.csv')\n"
        "    return [await page.title(), parameters['n'], task.resource('word').read_text()]\n"
    )
    done = _run(
        str(automation), "--parameters", '{"n": 1}', "--start-url", site, "--downloads", str(tmp_path / "files")
    )
    assert json.loads(done.stdout) == ["Items", 1, "hello"]
    assert done.stderr == "looking\n"
    assert (tmp_path / "files" / "data.csv").read_text() == "a,b\n1,2\n"


def test_command_reports_failures(tmp_path: Path) -> None:
    automation = tmp_path / "automation.py"
    automation.write_text("async def run(page, parameters, task):\n    raise ValueError('boo')\n")
    done = _run(str(automation))
    assert done.returncode == 1
    assert done.stderr == "ValueError: boo\n  line 2, in run: raise ValueError('boo')\n"


def test_probe_finds_a_working_jail() -> None:
    found = sandbox.probe()
    assert found.ok, found.checks
    assert found.mechanism == "bubblewrap"
    assert {check.name for check in found.checks} == {"browser", "bubblewrap", "browser inside"}
    assert {protection.state for protection in found.protections} == {"full"}


def test_probe_of_landlock_reports_weaker_protections() -> None:
    found = sandbox.probe(isolation="landlock")
    assert found.ok, found.checks
    assert found.mechanism == "landlock"
    states = {protection.name: protection.state for protection in found.protections}
    assert states["network"] == "full"
    assert (states["files"], states["disk"], states["browser"]) == ("partly", "partly", "partly")


def test_probe_detects_a_leaking_jail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A bubblewrap that isolates nothing: it runs the command, and that is all."""
    fake = tmp_path / "bwrap"
    packages = ":".join({str(Path(module.__file__ or "").parents[1]) for module in (sandbox, playwright)})
    fake.write_text(f"#!{sys.executable}\nimport os, sys\nPACKAGES = {packages!r}\n{LEAKY}")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin")
    found = sandbox.probe(isolation="bubblewrap")
    assert (found.mechanism, found.ok) == ("none", False)
    (failed,) = [check for check in found.checks if not check.ok]
    assert '"reached": ["tcp", "udp"]' in failed.detail
    assert {protection.state for protection in found.protections} == {"none"}


def test_probe_falls_back_to_landlock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: no permissions to create a new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin")
    found = sandbox.probe()
    assert found.ok
    assert found.mechanism == "landlock"
    assert not sandbox.probe(isolation="bubblewrap").ok
    failed = next(check for check in found.checks if not check.ok)
    assert "no permissions" in failed.detail
    assert "AppArmor" in failed.remedy


def test_public_names_are_exported() -> None:
    assert sandbox.__all__ == sorted(sandbox.__all__)
    assert all(hasattr(sandbox, name) for name in sandbox.__all__)
