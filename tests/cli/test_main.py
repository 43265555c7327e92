"""The entry point: help, version, what is missing, errors without a stack trace."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.cli.event_text import narrate
from engine.cli.output import to_json
from engine.task.events import Event
from engine.version import installed_version
from tests.cli.conftest import Run, started

ROOT = Path(__file__).parents[2]


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
    assert not {"rich", "playwright", "anthropic", "git", "jsonschema", "sandbox", "sqlite3"} & set(
        json.loads(run.stderr)
    )


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


def test_version_option_prints_the_installed_version(cli: Run) -> None:
    assert cli("--version").stdout == f"webtasks {installed_version()}\n"


def test_what_a_page_says_is_no_command_to_the_terminal() -> None:
    hostile = "title \x1b]0;owned\x07 \x9b31m \u202e\nnext"
    line = narrate(Event("automation.log", "wt_1", datetime.now(UTC), {"message": hostile}))
    assert line is not None
    assert line.text.isprintable()
    printed = to_json([hostile, "\ud800"])
    assert json.loads(printed) == [hostile, "\ud800"]
    assert all(char.isprintable() or char == "\n" for char in printed)


@pytest.mark.parametrize(
    ("tool", "text", "told"),
    [
        ("python", "<page>\nseen\nKeyError (line 2): 'a'\nnow at http://a/ ('A')\n</page>", "KeyError (line 2): 'a'"),
        ("write", "'old' stands 0 times", "'old' stands 0 times"),
        ("write", "<page>\nnot good:\n- it failed\n</page>", None),  # candidate.finished tells it
        ("finish", "not run: the call before it failed", None),
    ],
)
def test_why_a_tool_failed_is_told_and_not_the_fence_around_it(tool: str, text: str, told: str | None) -> None:
    line = narrate(Event("agent.observed", "wt_1", datetime.now(UTC), {"tool": tool, "error": True, "text": text}))
    assert (line.text if line else None) == (told and f"{tool} failed: {told}")
