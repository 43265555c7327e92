"""Values of the options of ``run`` and ``start``: parameters, secrets, JSON, and requests in the wire's form."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from engine.errors import InvalidRequest
from engine.task.redaction import secret_names

# The fields of a request on the wire, with the arguments of AsyncEngine.run that they stand for.
_FIELDS = {
    "task": "task",
    "startUrl": "start_url",
    "parameters": "parameters",
    "outputSchema": "output_schema",
    "reuseKey": "reuse_key",
    "model": "model",
    "ai": "ai",
    "timeout": "timeout",
    "budgetUsd": "budget_usd",
    "secrets": "secrets",
    "allowHosts": "allow_hosts",
    "browser": "browser",
    "trust": "trust",
    "provenance": "provenance",
    "trace": "trace",
    "ifInterrupted": "if_interrupted",
    "idempotencyKey": "idempotency_key",
}
_UNSUPPORTED = {"proxy", "auth", "sink"}
_Command = TypeVar("_Command", bound=Callable[..., Any])

output_file = click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; default: standard output.",
)
"""The option of a command that writes text."""


def saved_run(runs: str) -> Callable[[_Command], _Command]:
    """Return the options of a command that runs saved code: ``given``, ``whole``, ``wanted`` and ``start_url``.

    Args:
        runs: The runs, as the help of ``-p`` calls them, such as "the trial run".
    """
    found = (
        click.option(
            "-p", "given", metavar="NAME=TEXT", multiple=True, help=f"Parameter of {runs}: name=text or name:=JSON."
        ),
        click.option(
            "--parameters", "whole", metavar="JSON|@FILE", help="All parameters as a JSON object; -p adds to them."
        ),
        click.option("--secret", "wanted", metavar="NAME[=VAR]", multiple=True, help="Secret parameter, as for run."),
        click.option("--start-url", metavar="URL", help="Page to start on; default: that of the saved automation."),
    )

    def add(command: _Command) -> _Command:
        for option in reversed(found):
            command = option(command)
        return command

    return add


def read_json(text: str, option: str, field: str) -> Any:
    """Read JSON from the text itself, from the file that it names (with or without ``@``), or from standard input.

    Args:
        text: JSON, a file's name, or ``-`` for standard input.
        option: The option, for messages.
        field: The engine's argument that the option sets.

    Raises:
        InvalidRequest: There is no such file, or its content is not JSON.
    """
    source = "the value"
    if text == "-":
        text, source = sys.stdin.read(), "standard input"
    elif not text.lstrip().startswith(("{", "[", "true", "false")):
        path = Path(text.removeprefix("@"))
        try:
            text, source = path.read_text(encoding="utf-8-sig"), str(path)
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidRequest(f"{option}: cannot read {path}: {error}", field=field) from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{option}: {source} is not valid JSON: {error}", field=field) from None


def read_request(source: str) -> dict[str, Any]:
    """Read a request in the wire's form and return it as arguments of ``AsyncEngine.run``.

    Args:
        source: JSON, a file's name, or ``-`` for standard input.

    Raises:
        InvalidRequest: It is not a JSON object, or has unknown or unsupported fields.
    """
    data = read_json(source, "the request", "input")
    if not isinstance(data, dict):
        raise InvalidRequest(f"the request must be a JSON object, not {type(data).__name__}", field="input")
    if unsupported := sorted(_UNSUPPORTED & data.keys()):
        raise InvalidRequest(f"the request: {', '.join(unsupported)} is not supported yet; leave it out", field="input")
    if unknown := sorted(data.keys() - _FIELDS.keys()):
        raise InvalidRequest(
            f"the request: unknown fields {', '.join(unknown)}; the fields are {', '.join(_FIELDS)}", field="input"
        )
    return {_FIELDS[name]: value for name, value in data.items() if value is not None}


def parameters(whole: str | None, given: Sequence[str]) -> dict[str, Any]:
    """Return the parameters of ``--parameters`` and ``-p``; those of ``-p`` win.

    Args:
        whole: The value of ``--parameters``.
        given: The values of ``-p``.

    Raises:
        InvalidRequest: A value cannot be read.
    """
    found: Any = read_json(whole, "--parameters", "parameters") if whole is not None else {}
    if not isinstance(found, dict):
        raise InvalidRequest("--parameters must be a JSON object", field="parameters")
    return found | dict(_pair(text) for text in given)


def _pair(text: str) -> tuple[str, Any]:
    """Split ``name=text`` or ``name:=JSON`` into the name and its value.

    >>> _pair("city=New York"), _pair("pages:=3")
    (('city', 'New York'), ('pages', 3))
    """
    name, equals, value = text.partition("=")
    as_json = name.endswith(":")
    name = name.removesuffix(":") if as_json else name
    if not equals or not name:
        raise InvalidRequest(
            f"-p takes name=text or name:=JSON, such as -p city=Bergen or -p pages:=3, not {text!r}", field="parameters"
        )
    if not as_json:
        return name, value
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(
            f"-p {name}: the value after := is not valid JSON ({error}); for text use -p {name}=…", field="parameters"
        ) from None


def secrets(wanted: Sequence[str], known: Mapping[str, Any], typed: Sequence[str]) -> dict[str, Any]:
    """Return the values of the secret parameters that are not given yet, from the environment or a prompt.

    A secret that was given with ``-p``, and so is visible in the process list, is noted on standard error.

    Args:
        wanted: The values of ``--secret``: ``NAME`` or ``NAME=VARIABLE``.
        known: The parameters that are given already.
        typed: The values of ``-p``.

    Raises:
        InvalidRequest: An environment variable is not set, or there is no terminal for a prompt.
    """
    found: dict[str, Any] = {}
    for entry in wanted:
        name, equals, variable = entry.partition("=")
        if equals:
            if variable not in os.environ:
                raise InvalidRequest(
                    f"--secret {entry}: the environment variable {variable} is not set", field="secrets"
                )
            found[name] = os.environ[variable]
        elif name not in known:
            if not sys.stdin.isatty():
                raise InvalidRequest(
                    f"--secret {name}: standard input is not a terminal, so the value cannot be prompted for; put it in"
                    f" an environment variable and use --secret {name}=VARIABLE",
                    field="secrets",
                )
            found[name] = click.prompt(f"{name} (secret)", hide_input=True, err=True)
    visible = {name: "" for name, _ in map(_pair, typed)}
    for name in sorted(secret_names(visible, [entry.partition("=")[0] for entry in wanted])):
        click.echo(
            f"Note: the value of {name!r} is visible in the process list and the shell's history;"
            f" --secret {name} prompts for it, --secret {name}=VARIABLE reads it from the environment.",
            err=True,
        )
    return found
