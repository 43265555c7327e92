"""The entry point as a process: help, missing extras, errors without a stack trace."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import started
from tests.support.paths import ROOT


def test_help_lists_commands_and_exit_codes() -> None:
    process = started("--help")
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    for word in ("run", "bundles", "attempts", "drift", "doctor", "demo", "WEBTASKS_STORE"):
        assert word in text
    assert "130  interrupted" in text


def test_help_imports_no_heavy_module() -> None:
    code = (
        "import json, sys; sys.argv = ['webtasks', '--help']\n"
        "from engine.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(json.loads(run.stderr))
    assert not {"rich", "playwright", "anthropic", "git", "jsonschema", "sqlite3"} & loaded
    names_of_jails = {"sandbox", "sandbox.isolation", "sandbox.isolation.mechanism", "sandbox.invisible"}
    # Types of what goes into a jail and comes out of one; they import nothing else of it.
    types = {
        "egress",
        "egress.turns",
        "kinds",
        "results",
        "page_map",
        "protocol",
        "paging",
        "totals",
        "nothing_words",
        "read_evidence",
    }
    of_loops = {"sandbox.loop_end"}  # imports asyncio, which the engine needs anyway
    of_sandbox = {name for name in loaded if name.split(".")[0] == "sandbox"}
    assert of_sandbox <= names_of_jails | of_loops | {f"sandbox.{name}" for name in types}


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_it_says_what_to_install(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\nfrom engine.cli import main\nmain()"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert 'pip install "webtasks-engine[cli]"' in run.stderr
    assert missing in run.stderr
    assert "Traceback" not in run.stderr


def test_unusable_store_is_reported_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    process = started("--store", str(file / "store"), "run", "Anything", "--ai", "never")
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, output) == (2, "")
    assert "Error: " in errors
    assert "Traceback" not in errors
