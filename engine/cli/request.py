"""The options that say what is asked, for ``run`` and ``start``, and the request that they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from engine.cli import arguments
from engine.cli.settings import Settings
from engine.errors import InvalidRequest

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_OPTIONS = (
    click.argument("task", required=False),
    click.option("--start-url", metavar="URL", help="Where to begin; without it the model decides."),
    click.option(
        "-p",
        "given",
        metavar="NAME=TEXT",
        multiple=True,
        help="A parameter: name=text, or name:=JSON for numbers, booleans, lists. Repeatable.",
    ),
    click.option(
        "--parameters", "whole", metavar="JSON|@FILE", help="All parameters as a JSON object; -p adds to them."
    ),
    click.option("--schema", metavar="JSON|FILE", help="JSON Schema of the result; inferred where there is none."),
    click.option("--key", metavar="KEY", help="Name of the saved automation; minted where there is none."),
    click.option("--model", metavar="NAME", help="haiku (default), sonnet, opus, or a model id."),
    click.option("--ai", type=click.Choice(["auto", "never"]), help="never: replay or fail, at no cost."),
    click.option("--timeout", type=float, metavar="SECONDS", help="From the task's start to its end; default 600."),
    click.option("--budget", type=float, metavar="USD", help="Most dollars for the model; default 0.50."),
    click.option(
        "--secret",
        "wanted",
        metavar="NAME[=VAR]",
        multiple=True,
        help="A secret parameter: asked for without echo, or taken from the environment's VAR. No model sees it.",
    ),
    click.option(
        "--allow-host", "hosts", metavar="ORIGIN", multiple=True, help="A private address that may be reached."
    ),
    click.option(
        "--if-interrupted",
        type=click.Choice(["fail", "rerun"]),
        help="What becomes of the task when its process dies: fail (default), or rerun by another.",
    ),
    click.option(
        "--idempotency-key", metavar="TEXT", help="A second start with the same one gives the task of the first."
    ),
    click.option("--input", "source", metavar="JSON|FILE|-", help="The request as JSON: task, startUrl, parameters, …"),
)


def request_options(command: Decorated) -> Decorated:
    """Adds the options that say what is asked."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def build(settings: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``AsyncEngine.run`` that the options stand for.

    Raises:
        InvalidRequest: They cannot be read, or nothing says what is to be done.
    """
    task, source = given["task"], given["source"]
    if task is not None and _is_request(task):
        if source is not None:
            raise InvalidRequest("the request is given twice: as the argument and with --input", field="input")
        task, source = None, task
    request = arguments.read_request(source) if source is not None else {}
    typed = arguments.parameters(given["whole"], given["given"])
    known = {**(request.get("parameters") or {}), **typed} if isinstance(request.get("parameters", {}), dict) else typed
    entered = arguments.secrets(given["wanted"], known, given["given"])
    own = {
        "task": task,
        "start_url": given["start_url"],
        "parameters": known | entered if known or entered else None,
        "output_schema": None if given["schema"] is None else arguments.read_json(given["schema"], "schema"),
        "reuse_key": given["key"],
        "model": given["model"],
        "ai": given["ai"],
        "timeout": given["timeout"],
        "budget_usd": given["budget"],
        "secrets": [*request.get("secrets", ()), *(entry.partition("=")[0] for entry in given["wanted"])] or None,
        "allow_hosts": [*request.get("allow_hosts", ()), *given["hosts"]] or None,
        "if_interrupted": given["if_interrupted"],
        "idempotency_key": given["idempotency_key"],
    }
    request |= {name: value for name, value in own.items() if value is not None}
    if "task" not in request:
        request["task"] = _saved_task(settings, request.get("reuse_key"))
    return request


def _is_request(text: str) -> bool:
    """Whether the argument is a request, or the file of one, rather than a task in plain words.

    >>> [_is_request(text) for text in ('{"task": "…"}', "request.json", "-", "Count the files called a.json")]
    [True, True, True, False]
    """
    one_word = len(text.split()) == 1
    return text.lstrip().startswith("{") or (one_word and (text[0] in "-@" or text.endswith(".json")))


def _saved_task(settings: Settings, key: str | None) -> str:
    saved = settings.bundles.load(key) if key is not None else None
    if saved is None or not saved.meta.tasks:
        raise InvalidRequest(
            'say what is to be done: "TASK" in plain words, --key of a saved automation, or --input FILE', field="task"
        )
    return saved.meta.tasks[-1]
