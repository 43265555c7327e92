"""Engine errors on the command line: one JSON form, and messages that name options."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from engine import errors
from engine.cli import errors as errors_of_cli
from engine.cli.errors import error_from_json, error_to_json, message_for_user, name_options
from engine.errors import BundleLocked, EngineError, InvalidRequest, StoreError, TaskNotFound
from tests.support.paths import ROOT


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("timeout must be positive", field="timeout"),
        StoreError("the disk is full"),
        BundleLocked("another run holds the key", key="k", waited=3.5),
        TaskNotFound("wt_1"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_keeps_type_message_and_details_between_processes(error: EngineError) -> None:
    data = error_to_json(error)
    assert data == {"type": type(error).__name__, "message": str(error), "details": error.details}
    rebuilt = error_from_json(data)
    assert (type(rebuilt), rebuilt.message, rebuilt.details) == (type(error), error.message, error.details)


@pytest.mark.parametrize("name", ["ValueError", "Any", "annotations", "NoSuchError"])
def test_unknown_error_types_become_engine_errors(name: str) -> None:
    rebuilt = error_from_json({"type": name, "message": "it failed", "details": {}})
    assert (type(rebuilt), rebuilt.message) == (EngineError, "it failed")


def test_every_engine_error_can_be_rebuilt() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, EngineError)]
    assert len(kinds) > 10
    for kind in kinds:
        assert type(error_from_json({"type": kind.__name__, "message": "m", "details": {"task_id": "wt_1"}})) is kind


@pytest.mark.parametrize(
    ("message", "field", "shown"),
    [
        ("start_url must be an http or https URL", "start_url", "--start-url must be an http or https URL"),
        ("output_schema: $dynamicRef is not supported", "output_schema", "--schema: $dynamicRef is not supported"),
        ("task is empty", "task", "TASK is empty"),
        ("a reuse key is a string", "reuse_key", "a reuse key is a string"),
        ("a commit needs a subject", "subject", "a commit needs a subject"),
    ],
)
def test_messages_begin_with_the_option_instead_of_the_argument(message: str, field: str, shown: str) -> None:
    assert message_for_user(InvalidRequest(message, field=field)) == shown


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ('run again with ai="auto" to repair it', "run again with --ai auto to repair it"),
        ("for a local model name it, too: model=NAME", "for a local model name it, too: --model NAME"),
        ('as a last resort, `isolation="none"` runs it', "as a last resort, `--isolation none` runs it"),
        ("check proxy=, and the site", "check --proxy, and the site"),
        ("http://a.example/?model=X&ai=Y is not reachable", "http://a.example/?model=X&ai=Y is not reachable"),
        ("a page's 'start_url' is empty", "a page's 'start_url' is empty"),
        ("raise usd_per_day or key_usd_per_day", "raise --usd-per-day or --key-usd-per-day"),
        ('add allow_hosts=["http://a:1", "http://b:2"]', "add --allow-host http://a:1 --allow-host http://b:2"),
        ("leave the text out: task=None", "leave the text out: no TASK"),
        ('Sandbox(browser="x") and locator("[proxy=1]")', 'Sandbox(browser="x") and locator("[proxy=1]")'),
    ],
)  # fmt: skip
def test_messages_name_options_instead_of_arguments(message: str, shown: str) -> None:
    assert name_options(message) == shown
    assert message_for_user(EngineError(message)) == shown


def _messages(package: str) -> Iterator[str]:
    """Every text that an exception or a cause of a failure is made with."""
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not (isinstance(node.func, ast.Name) and node.func.id[0].isupper()):
                continue
            for argument in node.args:
                parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
                if " " in text:
                    yield text


@pytest.mark.parametrize("package", ["engine/api", "engine/bundles", "engine/diagnosis", "engine/execution",
    "engine/models", "engine/runs", "engine/storage", "engine/task", "sandbox/egress", "sandbox/workers"])  # fmt: skip
def test_no_message_on_the_command_line_names_an_argument_of_python(package: str) -> None:
    arguments = "|".join(name for name in errors_of_cli._NAMES if "_" in name)
    shown = [message_for_user(EngineError(message)) for message in _messages(package)]
    assert shown
    found = [
        text
        for text in shown
        if re.search(rf"(?<![\w'\"`-])({arguments})\b(?!['\"`])|\b(ai|proxy|model|isolation)=", text)
    ]
    assert not found
