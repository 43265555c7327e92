"""The options of ``run`` and ``start`` that describe the task, and the request that they make."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

import click

from engine.cli import arguments
from engine.cli.settings import Settings
from engine.errors import InvalidRequest
from engine.task.browser_options import BrowserOptions
from engine.task.formatting import clean
from engine.task.ids import LONGEST_KEY
from engine.task.wire import AiMode

_NUMBER = re.compile(r"\d+")

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_OPTIONS = (
    click.argument("task", required=False),
    click.option("--start-url", metavar="URL", help="Page to start on; chosen by the model if not given."),
    click.option(
        "-p",
        "given",
        metavar="NAME=TEXT",
        multiple=True,
        help="Parameter: name=text, or name:=JSON for numbers, booleans and lists. Repeatable.",
    ),
    click.option(
        "--parameters", "whole", metavar="JSON|@FILE", help="All parameters as a JSON object; -p adds to them."
    ),
    click.option("--schema", metavar="JSON|FILE", help="JSON Schema of the result; inferred if not given."),
    click.option("--key", metavar="KEY", help="Reuse key: the name of the saved automation; generated if not given."),
    click.option("--model", metavar="NAME", help="haiku (default), sonnet, opus, or a model id."),
    click.option(
        "--ai",
        type=click.Choice(get_args(AiMode)),
        help="never: replay or fail, at no cost; insist: repair even where a repair failed lately.",
    ),
    click.option("--timeout", type=float, metavar="SECONDS", help="From the task's start to its end; default 600."),
    click.option("--budget", type=float, metavar="USD", help="Maximum cost of the model, in dollars; default 0.50."),
    click.option(
        "--secret",
        "wanted",
        metavar="NAME[=VAR]",
        multiple=True,
        help="Secret parameter: prompted for, or read from the environment variable VAR. No model sees it.",
    ),
    click.option(
        "--allow-host",
        "hosts",
        metavar="ORIGIN",
        multiple=True,
        help="Private address that the task may reach, such as http://localhost:3000.",
    ),
    click.option("--user-agent", metavar="TEXT", help="User agent, for sites that refuse the browser's own."),
    click.option("--locale", metavar="TAG", help="Language of the browser, such as de-DE."),
    click.option("--timezone", metavar="NAME", help="Time zone of the browser, such as Europe/Berlin."),
    click.option("--viewport", metavar="WIDTHxHEIGHT", help="Size of the page, such as 390x844; default 1280x720."),
    click.option(
        "--header",
        "headers",
        metavar="NAME:VALUE",
        multiple=True,
        help="Header of all requests, saved with the automation; NAME:{PARAMETER} for a secret, which goes to the start"
        " URL's origin alone. Repeatable.",
    ),
    click.option(
        "--trust",
        type=click.Choice(["strict", "lenient"]),
        help="lenient: return a result that departs from earlier ones with a warning, where strict asks the model.",
    ),
    click.option(
        "--provenance",
        type=click.Choice(["auto", "full"]),
        help="full: keep what the run read, for webtasks why; auto: only of first runs, repairs and failures.",
    ),
    click.option(
        "--trace",
        is_flag=True,
        default=None,
        help="Keep Playwright's own trace of each run, for playwright show-trace; not with secrets.",
    ),
    click.option(
        "--if-interrupted",
        type=click.Choice(["fail", "rerun"]),
        help="If the task's process dies, fail the task (default), or rerun it in another process.",
    ),
    click.option(
        "--idempotency-key", metavar="TEXT", help="Return the existing task if one was started with the same text."
    ),
    click.option("--input", "source", metavar="JSON|FILE|-", help="The request as JSON: task, startUrl, parameters, …"),
)


def request_options(command: Decorated) -> Decorated:
    """Add the options that describe the task."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def build_request(settings: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``AsyncEngine.run`` that the options stand for.

    Args:
        given: The values of the options, by their names in the command.

    Raises:
        InvalidRequest: A value cannot be read, or the task is not given.
    """
    task, source = given["task"], given["source"]
    if task is not None and _is_request(task):
        if source is not None:
            raise InvalidRequest("the request is given twice: as TASK and with --input", field="input")
        task, source = None, task
    request = arguments.read_request(source) if source is not None else {}
    _check_key(settings, given["key"] or request.get("reuse_key"), task or request.get("task"), given["ai"])
    typed = arguments.parameters(given["whole"], given["given"])
    known = {**(request.get("parameters") or {}), **typed} if isinstance(request.get("parameters", {}), dict) else typed
    entered = arguments.secrets(given["wanted"], known, given["given"])
    own = {
        "task": task,
        "start_url": given["start_url"],
        "parameters": known | entered if known or entered else None,
        "output_schema": None
        if given["schema"] is None
        else arguments.read_json(given["schema"], "--schema", "output_schema"),
        "reuse_key": given["key"],
        "model": given["model"],
        "ai": given["ai"],
        "timeout": given["timeout"],
        "budget_usd": given["budget"],
        "secrets": [*request.get("secrets", ()), *(entry.partition("=")[0] for entry in given["wanted"])] or None,
        "allow_hosts": [*request.get("allow_hosts", ()), *given["hosts"]] or None,
        "browser": _browser(request.get("browser"), given),
        "trust": given["trust"],
        "provenance": given["provenance"],
        "trace": given["trace"],
        "if_interrupted": given["if_interrupted"],
        "idempotency_key": given["idempotency_key"],
    }
    request |= {name: value for name, value in own.items() if value is not None}
    if "task" not in request:
        request["task"] = _saved_task(settings, request.get("reuse_key"))
    return request


def _browser(requested: Any, given: Mapping[str, Any]) -> Any:
    """Return the browser's options of the request, with those of the command line in their place."""
    own: dict[str, Any] = {name: given[name] for name in ("user_agent", "locale", "timezone") if given[name]}
    if given["viewport"]:
        sides = given["viewport"].lower().split("x")
        if len(sides) != 2 or not all(side.isdecimal() for side in sides):
            raise InvalidRequest(f"--viewport takes a size such as 390x844, not {given['viewport']!r}", field="browser")
        own["viewport"] = tuple(map(int, sides))
    pairs = [header.partition(":") for header in given["headers"]]
    if wrong := [name for name, colon, _ in pairs if not colon]:
        raise InvalidRequest(f"--header takes NAME:VALUE, such as X-Region:north, not {wrong[0]!r}", field="browser")
    if pairs:
        own["headers"] = {name.strip(): value.strip() for name, _, value in pairs}
    return BrowserOptions.parse(own).over(BrowserOptions.parse(requested)) if own else requested


def _is_request(text: str) -> bool:
    """Return True if the argument TASK is a request or the file of one, and not a task in plain words.

    >>> [_is_request(text) for text in ('{"task": "…"}', "request.json", "-", "Count the files called a.json")]
    [True, True, True, False]
    """
    one_word = len(text.split()) == 1
    return text.lstrip().startswith("{") or (one_word and (text[0] in "-@" or text.endswith(".json")))


def _check_key(settings: Settings, key: Any, task: Any, ai: str | None) -> None:
    """Tell of a key that is likely misspelled, before anything is asked for, stored or paid.

    Raises:
        BundleNotFound: Nothing is saved under the key, and there is no task to save something for.
    """
    if not isinstance(key, str) or not 1 <= len(key) <= LONGEST_KEY or settings.bundles.has(key):
        return
    if not task:
        raise settings.bundles.missing(key)
    near = settings.bundles.near_key(key)
    # Numbered keys are of one family, in which a new one is no mistake; with --ai never the task's error says so.
    if near is None or ai == "never" or _NUMBER.sub("", near) == _NUMBER.sub("", key):
        return
    found = clean(f"nothing is saved under the key {key!r} yet, but under {near!r}")
    if not settings.as_json and sys.stdin.isatty() and sys.stderr.isatty():
        click.confirm(f"Note: {found}. Let the model write a new automation?", abort=True, err=True)
    else:
        click.echo(f"Note: {found}; if that is what you mean, cancel this and use --key {near}.", err=True)


def _saved_task(settings: Settings, key: str | None) -> str:
    saved = settings.bundles.load(key) if key is not None else None
    if saved is None or not saved.meta.tasks:
        raise InvalidRequest(
            'no task is given; use "TASK" in plain words, --key of a saved automation, or --input FILE', field="task"
        )
    return saved.meta.tasks[-1]
