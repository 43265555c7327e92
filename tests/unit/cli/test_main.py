"""The command's text on a terminal."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from engine.cli.event_text import narrate
from engine.cli.output import to_json
from engine.task.events import Event
from engine.version import installed_version
from tests.support.command import Run


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
