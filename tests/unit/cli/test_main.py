"""Help, version, and text on a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import click
import pytest
from click.testing import CliRunner

from engine.cli.event_text import event_line
from engine.cli.main import webtasks
from engine.cli.output import to_json
from engine.task.events import Event
from engine.version import installed_version
from tests.support.command import Run


def test_version_option_prints_the_installed_version(cli: Run) -> None:
    assert cli("--version").stdout == f"webtasks {installed_version()}\n"


def _commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from _commands(command, *path, name)


COMMANDS = tuple(_commands(webtasks))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    text = CliRunner().invoke(webtasks, [*path, "--help"], prog_name="webtasks").stdout
    assert text.startswith(f"Usage: webtasks {' '.join(path)} ")
    summary = text.split("\n\n")[1].strip()
    assert summary[0].isupper()
    assert summary.endswith("."), "the description begins with a sentence"


def test_groups_have_their_subcommands() -> None:
    assert {("bundles", "adopt"), ("bundles", "rm"), ("pool", "start"), ("keys", "create")} < set(COMMANDS)


def test_page_text_is_printed_without_terminal_escapes() -> None:
    hostile = "title \x1b]0;owned\x07 \x9b31m \u202e\nnext"
    line = event_line(Event("automation.log", "wt_1", datetime.now(UTC), {"message": hostile}))
    assert line is not None
    assert line.text.isprintable()
    printed = to_json([hostile, "\ud800"])
    assert json.loads(printed) == [hostile, "\ud800"]
    assert all(char.isprintable() or char == "\n" for char in printed)


@pytest.mark.parametrize(
    ("tool", "text", "shown"),
    [
        ("python", "<page>\nseen\nKeyError (line 2): 'a'\nnow at http://a/ ('A')\n</page>", "KeyError (line 2): 'a'"),
        ("write", "'old' stands 0 times", "'old' stands 0 times"),
        ("write", "<page>\nnot good:\n- it failed\n</page>", None),  # candidate.finished shows it
        ("finish", "not run: the call before it failed", None),
    ],
)
def test_failed_tool_is_shown_with_its_reason_only(tool: str, text: str, shown: str | None) -> None:
    line = event_line(Event("agent.observed", "wt_1", datetime.now(UTC), {"tool": tool, "error": True, "text": text}))
    assert (line.text if line else None) == (shown and f"{tool} failed: {shown}")
