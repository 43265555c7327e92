"""Help, version, and text on a terminal."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime

import click
import pytest
from click.testing import CliRunner

from engine.cli.main import webtasks
from engine.cli.output import print_table, to_json
from engine.task.event_text import event_line
from engine.task.events import Event
from engine.task.formatting import clean
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


ALIASES = {
    "get": "result", "export": "attempts", "history": "bundles log", "show": "bundles show", "diff": "bundles diff",
    "rollback": "bundles rollback", "pin": "bundles pin", "unpin": "bundles unpin",
}  # fmt: skip


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_of_every_command_has_an_example_that_its_options_allow(path: tuple[str, ...]) -> None:
    text = CliRunner().invoke(webtasks, [*path, "--help"], prog_name="webtasks").stdout
    example = text.partition("Example:\n")[2].partition("\n\n")[0]
    words = shlex.split(example.replace("\\\n", " ").partition(">")[0])
    assert words[: len(path) + 1] == ["webtasks", *path]
    command: click.Command = webtasks
    context, rest = click.Context(webtasks), words[1:]
    while isinstance(command, click.Group):
        found = command.get_command(context, rest.pop(0))
        assert found is not None
        command = found
    command.make_context(command.name, rest)


@pytest.mark.parametrize(("alias", "command"), ALIASES.items())
def test_aliases_work_and_are_not_in_the_help(alias: str, command: str) -> None:
    text = CliRunner().invoke(webtasks, [alias, "--help"], prog_name="webtasks").stdout
    assert text.startswith(f"Usage: webtasks {alias} ")
    assert f"webtasks {command}" in text
    assert alias not in webtasks.list_commands(click.Context(webtasks))


def test_each_verb_is_listed_in_one_place() -> None:
    verbs = [path[-1] for path in COMMANDS if path[0] not in ("keys", "pool", "study", "cassette")]
    assert {verb for verb in verbs if verbs.count(verb) > 1} == {"list"}, "of tasks, and of automations"


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


@pytest.mark.parametrize(
    "hidden",
    [
        "\x1b[31m", "\x9b31m", "\u061c", "\u200b", "\u2066", "\u2028", "\u202e", "\U000e0041", "\ufff9", "\ufeff",
        "\ufe0f", "\r",
    ],
)  # fmt: skip
def test_characters_that_are_not_seen_are_taken_out(hidden: str) -> None:
    assert clean(f"a{hidden}b").replace("[31m", "").replace("31m", "") == "ab"
    assert hidden not in to_json(f"a{hidden}b")
    assert json.loads(to_json(f"a{hidden}b")) == f"a{hidden}b"


@pytest.mark.parametrize(
    "text", ["\u0646\u200c\u0645", "👨\u200d👩\u200d👧", "❤\ufe0f", "1\ufe0f⃣", "葛\U000e0100城", "é ü"]
)
def test_characters_that_spelling_needs_stay(text: str) -> None:
    assert clean(text) == text
    assert text in to_json(text)


def test_tables_in_a_pipe_have_no_blanks_at_the_ends_of_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(
        ("Key", "Runs", "Change"), [("a", "1", "Explore"), ("long key", "12", "Repair: the names")], numbers=("Runs",)
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["Key       Runs  Change", "a            1  Explore", "long key    12  Repair: the names"]
