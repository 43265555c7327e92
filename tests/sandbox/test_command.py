"""``python -m sandbox``, the probe, and the public names."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import sandbox

ROOT = Path(__file__).parents[2]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sandbox", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_a_bundle_runs_on_its_own(tmp_path: Path, site: str) -> None:
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


def test_failures_are_told(tmp_path: Path) -> None:
    automation = tmp_path / "automation.py"
    automation.write_text("async def run(page, parameters, task):\n    raise ValueError('boo')\n")
    done = _run(str(automation))
    assert done.returncode == 1
    assert done.stderr == "ValueError: boo\n  line 2, in run: raise ValueError('boo')\n"


def test_the_probe_finds_this_machine_fit() -> None:
    found = sandbox.probe()
    assert found.ok, found.checks
    assert found.mechanism == "bubblewrap"
    assert {check.name for check in found.checks} >= {"browser", "bubblewrap", "jail", "network", "browser inside"}


def test_the_probe_fails_closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: no permissions to create a new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin")
    found = sandbox.probe()
    assert not found.ok
    assert found.mechanism == "none"
    failed = next(check for check in found.checks if not check.ok)
    assert "no permissions" in failed.detail
    assert "AppArmor" in failed.remedy


def test_exported_names() -> None:
    assert sandbox.__all__ == sorted(sandbox.__all__)
    assert all(hasattr(sandbox, name) for name in sandbox.__all__)
