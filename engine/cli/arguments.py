"""Turns the options of ``run`` into a request: parameters, secrets, schema, and requests in the wire's own form."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from engine.errors import InvalidRequest
from engine.task.redaction import secret_names

# Names of the wire contract, and the engine's own beside them, by the names of the arguments of ``run``.
_WIRE = {
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
    "ifInterrupted": "if_interrupted",
    "idempotencyKey": "idempotency_key",
}
_NOT_YET = {"proxy", "auth", "sink"}


def read_json(text: str, field: str) -> Any:
    """JSON that stands in the argument itself, in the file that it names (``@`` before the name or not), or in ``-``.

    Raises:
        InvalidRequest: There is no such file, or it is no JSON.
    """
    source = "the argument"
    if text == "-":
        text, source = sys.stdin.read(), "standard input"
    elif not text.lstrip().startswith(("{", "[", "true", "false")):
        path = Path(text.removeprefix("@"))
        try:
            text, source = path.read_text(encoding="utf-8-sig"), str(path)
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidRequest(f"{field}: cannot read {path}: {error}", field=field) from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{field}: {source} is no JSON: {error}", field=field) from None


def read_request(source: str) -> dict[str, Any]:
    """A request in the wire's form as arguments of ``AsyncEngine.run``.

    Raises:
        InvalidRequest: It is no JSON object, or has fields that mean nothing here.
    """
    data = read_json(source, "input")
    if not isinstance(data, dict):
        raise InvalidRequest(f"input must be a JSON object, not {type(data).__name__}", field="input")
    if unsupported := sorted(_NOT_YET & data.keys()):
        raise InvalidRequest(f"input: {', '.join(unsupported)} cannot be used here yet; leave it out", field="input")
    if unknown := sorted(data.keys() - _WIRE.keys()):
        raise InvalidRequest(
            f"input: unknown fields {', '.join(unknown)}; a request has {', '.join(_WIRE)}", field="input"
        )
    return {_WIRE[name]: value for name, value in data.items() if value is not None}


def parameters(whole: str | None, given: Sequence[str]) -> dict[str, Any]:
    """The parameters of ``--parameters`` and ``-p``; the latter win.

    Raises:
        InvalidRequest: They cannot be read.
    """
    found: Any = read_json(whole, "parameters") if whole is not None else {}
    if not isinstance(found, dict):
        raise InvalidRequest("parameters must be a JSON object", field="parameters")
    return found | dict(_pair(text) for text in given)


def _pair(text: str) -> tuple[str, Any]:
    """``name=value`` is a string, ``name:=value`` is JSON.

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
            f"-p {name}: what stands behind := is no JSON ({error}); text: -p {name}=…", field="parameters"
        ) from None


def secrets(wanted: Sequence[str], known: Mapping[str, Any], typed: Sequence[str]) -> dict[str, Any]:
    """The values of secret parameters that are not known yet: from the environment, or asked for.

    Args:
        wanted: ``NAME`` or ``NAME=VARIABLE``.
        known: Parameters that were given already.
        typed: What ``-p`` gave; a secret among these stands in the process list.

    Raises:
        InvalidRequest: A variable is not set, or nobody can be asked.
    """
    found: dict[str, Any] = {}
    for entry in wanted:
        name, equals, variable = entry.partition("=")
        if equals:
            if variable not in os.environ:
                raise InvalidRequest(f"--secret {entry}: the environment has no variable {variable}", field="secrets")
            found[name] = os.environ[variable]
        elif name not in known:
            if not sys.stdin.isatty():
                raise InvalidRequest(
                    f"nobody can be asked for the secret {name!r} here; use --secret {name}=VARIABLE with the value in"
                    " that environment variable",
                    field="secrets",
                )
            found[name] = click.prompt(f"{name} (secret)", hide_input=True, err=True)
    visible = {name: "" for name, _ in map(_pair, typed)}
    for name in sorted(secret_names(visible, [entry.partition("=")[0] for entry in wanted])):
        click.echo(
            f"Note: the value of {name!r} stands in the process list and the shell's history;"
            f" --secret {name} asks for it, --secret {name}=VARIABLE takes it from the environment.",
            err=True,
        )
    return found
