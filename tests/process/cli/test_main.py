"""The entry point: help, version, what is missing, errors without a stack trace."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import started
from tests.support.paths import ROOT


def test_help_names_the_commands_and_the_exit_codes() -> None:
    process = started("--help")
    text, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    for word in ("run", "history", "show", "diff", "rollback", "pin", "export", "doctor", "demo", "WEBTASKS_STORE"):
        assert word in text
    assert "130  interrupted" in text


def test_help_waits_for_nothing_heavy() -> None:
    code = (
        "import json, sys; sys.argv = ['webtasks', '--help']\n"
        "from engine.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(json.loads(run.stderr))
    assert not {"rich", "playwright", "anthropic", "git", "jsonschema", "sqlite3"} & loaded
    names_of_jails = {"sandbox", "sandbox.isolation", "sandbox.isolation.mechanism"}
    assert {name for name in loaded if name.split(".")[0] == "sandbox"} <= names_of_jails


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_it_says_what_to_install(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\nfrom engine.cli import main\nmain()"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert 'pip install "webtasks-engine[cli]"' in run.stderr
    assert missing in run.stderr
    assert "Traceback" not in run.stderr


def test_a_store_that_cannot_be_used_is_told_in_a_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    process = started("--store", str(file / "store"), "run", "Anything", "--ai", "never")
    output, told = process.communicate(timeout=30)
    assert (process.returncode, output) == (2, "")
    assert "Error: " in told
    assert "Traceback" not in told
