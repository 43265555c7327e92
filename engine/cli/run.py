"""``webtasks run``: one task, its progress on standard error, its result on standard output."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from engine import TaskResult
from engine.cli import arguments
from engine.cli.loop import run_to_end
from engine.cli.narration import summary
from engine.cli.output import clean, print_json
from engine.cli.progress import Watcher, watch
from engine.cli.settings import Settings, options, pass_settings
from engine.errors import InvalidRequest

FAILED = 1
_CODES = {"rejected": 3, "unauthenticated": 4, "no-ai-credits-left": 4, "timeout": 5}


@click.command()
@click.argument("task", required=False)
@click.option("--start-url", metavar="URL", help="Where to begin; without it the model decides.")
@click.option(
    "-p",
    "given",
    metavar="NAME=TEXT",
    multiple=True,
    help="A parameter: name=text, or name:=JSON for numbers, booleans, lists. Repeatable.",
)
@click.option("--parameters", "whole", metavar="JSON|@FILE", help="All parameters as a JSON object; -p adds to them.")
@click.option("--schema", metavar="JSON|FILE", help="JSON Schema of the result; inferred where there is none.")
@click.option("--key", metavar="KEY", help="Name of the saved automation; minted where there is none.")
@click.option("--model", metavar="NAME", help="haiku (default), sonnet, opus, or a model id.")
@click.option("--ai", type=click.Choice(["auto", "never"]), help="never: replay or fail, at no cost.")
@click.option("--timeout", type=float, metavar="SECONDS", help="For everything; default 600.")
@click.option("--budget", type=float, metavar="USD", help="Most dollars for the model; default 0.50.")
@click.option(
    "--secret",
    "wanted",
    metavar="NAME[=VAR]",
    multiple=True,
    help="A secret parameter: asked for without echo, or taken from the environment variable VAR. No model sees it.",
)
@click.option("--allow-host", "hosts", metavar="ORIGIN", multiple=True, help="A private address that may be reached.")
@click.option("--repeats", type=click.IntRange(min=1), metavar="N", help="Run N times, each on a fresh key.")
@click.option("--input", "source", metavar="FILE|-", help="The request as JSON: task, startUrl, parameters, …")
@click.option("-q", "--quiet", is_flag=True, help="No progress; errors only.")
@options(shown=False)
@pass_settings
@click.pass_context
def run(context: click.Context, settings: Settings, /, *, quiet: bool, repeats: int | None, **given: Any) -> None:
    """Run TASK, told in plain words; for a saved --key it may be left out.

    Prints the result as JSON; with --json the whole answer, cost and attempts included, also where the task failed.

    \b
    webtasks run "List the books on the given shelf" --key shelf \\
        --start-url https://books.example/ -p shelf=Travel
    """
    request = _request(settings, given)
    started = time.monotonic()
    with watch(quiet=quiet) as watcher:
        results = run_to_end(_run(settings, request, repeats, watcher))
    _print(settings, results, repeated=repeats is not None)
    for result in results:
        _report(settings, result, time.monotonic() - started if len(results) == 1 else _took(result), quiet=quiet)
    context.exit(max((exit_code(result) for result in results), default=0))


def _request(settings: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    request = arguments.read_request(given["source"]) if given["source"] is not None else {}
    typed = arguments.parameters(given["whole"], given["given"])
    known = {**(request.get("parameters") or {}), **typed} if isinstance(request.get("parameters", {}), dict) else typed
    entered = arguments.secrets(given["wanted"], known, given["given"])
    own = {
        "task": given["task"],
        "start_url": given["start_url"],
        "parameters": known | entered if known or entered else None,
        "output_schema": _schema(given["schema"]),
        "reuse_key": given["key"],
        "model": given["model"],
        "ai": given["ai"],
        "timeout": given["timeout"],
        "budget_usd": given["budget"],
        "secrets": [*request.get("secrets", ()), *(entry.partition("=")[0] for entry in given["wanted"])] or None,
        "allow_hosts": [*request.get("allow_hosts", ()), *given["hosts"]] or None,
    }
    request |= {name: value for name, value in own.items() if value is not None}
    if "task" not in request:
        saved = settings.bundles.load(request["reuse_key"]) if "reuse_key" in request else None
        if saved is None:
            raise InvalidRequest(
                'say what is to be done: webtasks run "TASK", --key of a saved automation, or --input FILE',
                field="task",
            )
        request["task"] = saved.meta.tasks[-1]
    return request


def _schema(text: str | None) -> Any:
    return None if text is None else arguments.read_json(text, "schema")


async def _run(settings: Settings, request: dict[str, Any], repeats: int | None, watcher: Watcher) -> list[TaskResult]:
    async with settings.engine() as engine:
        if repeats is None:
            return [await engine.run(**request, on_event=watcher)]
        return list(await engine.repeat(**request, repeats=repeats, on_event=watcher))


def _print(settings: Settings, results: Sequence[TaskResult], *, repeated: bool) -> None:
    if settings.as_json:
        answers = [result.to_wire() for result in results]
        print_json(answers if repeated else answers[0])
    elif repeated:
        print_json([result.output if result.ok else None for result in results])
    elif results[0].ok:
        print_json(results[0].output)


def _report(settings: Settings, result: TaskResult, elapsed: float, *, quiet: bool) -> None:
    for warning in result.warnings:
        click.echo(f"Warning: {clean(warning)}", err=True)
    if result.error is not None:
        click.echo(f"Error: {clean(result.error.message)}", err=True)
        trace = settings.root / "traces" / f"{result.web_task_id}.jsonl"
        if result.attempts and not quiet and trace.is_file():
            click.echo(f"What happened, step by step: {_relative(trace)}", err=True)
    if not quiet:
        click.echo(clean(summary(result, elapsed)), err=True)


def exit_code(result: TaskResult) -> int:
    """The exit code of a finished task."""
    if result.error is None:
        return 0 if result.ok else FAILED
    return _CODES.get(result.error.code, FAILED)


def _took(result: TaskResult) -> float:
    if result.started_at is None or result.completed_at is None:
        return 0.0
    return (result.completed_at - result.started_at).total_seconds()


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
