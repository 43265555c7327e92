"""Modules of the user with the names of our packages: told at the import where they are in the way, else no matter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT


def python(code: str, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a directory whose modules come before ours."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=directory, env={**os.environ, "PYTHONPATH": f"{directory}:{ROOT}"}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["sandbox.py", "sandbox/__init__.py"])
@pytest.mark.parametrize("first", ["", "import sandbox\n"])
def test_module_of_the_name_sandbox_is_named_at_the_import(tmp_path: Path, name: str, first: str) -> None:
    theirs = tmp_path / "theirs"
    (theirs / name).parent.mkdir(parents=True)
    (theirs / name).write_text("X = 1\n")
    done = python(f"{first}import engine", theirs)
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("ImportError")]
    assert f"{theirs / name} is in the way" in said
    assert "rename that file" in said


def test_modules_of_other_names_that_we_use_do_not_matter(tmp_path: Path) -> None:
    for name in ("fixtures_sites", "common", "worker", "driver", "server"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('of the user')\n")
    code = (
        "from engine.fixtures_sites import serve\nfrom engine.fixtures_sites.scenarios import SCENARIOS\n"
        "from engine.cli.main import webtasks\n"
        "with serve('directory') as site: print(site.url[:17])"
    )
    done = python(code, tmp_path)
    assert done.stdout.strip() == "http://127.0.0.1:", done.stderr


def test_command_and_the_processes_that_it_starts_find_our_packages_first(tmp_path: Path) -> None:
    for name in ("engine", "sandbox"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('of the user')\n")
    start = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import webtasks_command; "
    done = python(start + "sys.argv[0] = 'webtasks'; webtasks_command.main()", tmp_path, "--help")
    assert "Usage: webtasks" in done.stdout, done.stderr
    spawned = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from engine.cli.spawn import spawn_detached;"
        " spawn_detached('engine.version', {})"
    )
    done = python(spawned, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "of the user" not in done.stderr


def test_backports_beside_our_packages_are_not_taken_for_the_standard_library(tmp_path: Path) -> None:
    """An installation has all in one directory, and some of that has names of the standard library's modules."""
    for name in ("engine", "sandbox", "webtasks_command.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ("asyncio", "dataclasses"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('of an old Python')\n")
    command = f"import runpy, sys; command = runpy.run_path({str(tmp_path / 'webtasks_command.py')!r}); "
    done = python(command + "sys.argv[0] = 'webtasks'; command['main']()", tmp_path / "engine", "--help")
    assert "Usage: webtasks" in done.stdout, done.stderr
    spawn = "from engine.cli.spawn import spawn_detached; spawn_detached('engine.cli.background', {})"
    done = python(command + f"command['use_own_packages'](); {spawn}", tmp_path / "engine")
    assert "of an old Python" not in done.stderr
