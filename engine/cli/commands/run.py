"""``webtasks run``: run a task, with its progress on standard error and its result on standard output."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine import CassetteOptions, Event, InvalidRequest, TaskResult
from engine.cli.follow import follow
from engine.cli.interrupt import Interrupted, run_interruptible
from engine.cli.offer import accepted_hosts
from engine.cli.output import print_json
from engine.cli.pool.client import run_in_pool
from engine.cli.progress import EventHandler, show_progress
from engine.cli.report import NOT_ENDED, duration, exit_code, print_result, report
from engine.cli.request import build_request, request_options
from engine.cli.settings import Settings, options, pass_settings
from engine.cli.spawn import start_detached
from engine.task.formatting import clean, count

if TYPE_CHECKING:
    from engine.cassettes.content import CassetteFile


@click.command()
@request_options
@click.option("--repeats", type=click.IntRange(min=1), metavar="N", help="Run N times, each under a new key.")
@click.option(
    "--wait-timeout",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Stop waiting after this time, with exit code 6; the task continues, as with start.",
)
@click.option(
    "--record",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Keep all that the site and the model answer in this cassette, .wtrec.",
)
@click.option(
    "--replay",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Run from this cassette, without any network; what it does not have fails the task.",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="NAME",
    help="With --record or --replay: a query parameter or a field of a body that differs from run to run. Repeatable.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print no progress, only errors.")
@options(shown=False)
@pass_settings
@click.pass_context
def run(
    context: click.Context,
    settings: Settings,
    /,
    *,
    quiet: bool,
    repeats: int | None,
    wait_timeout: float | None,
    record: str | None,
    replay: str | None,
    ignore: tuple[str, ...],
    **given: Any,
) -> None:
    """Run TASK to its end.

    TASK is a description in plain words, or the whole request: JSON, a .json file, or - for standard input. It may be
    left out for a saved --key. Prints the result as JSON; with --json the whole task, including its cost and attempts,
    even if it failed. Ctrl-C cancels the task.
    """
    if repeats is not None and wait_timeout is not None:
        raise click.UsageError("--repeats and --wait-timeout cannot be used together")
    cassette: dict[str, Any] = {n: path for n, path in (("record", record), ("replay", replay)) if path is not None}
    if ignore:
        cassette["cassette"] = CassetteOptions(ignore_query=ignore, ignore_body=ignore)
    if cassette and wait_timeout is not None:
        raise click.UsageError(f"--wait-timeout and --{next(iter(cassette))} cannot be used together")
    former = _former(record)
    request, began = build_request(settings, given), time.monotonic()
    if wait_timeout is not None:
        results: Sequence[TaskResult] = [_wait_for(context, settings, request, wait_timeout, quiet=quiet)]
    else:
        results = _run_here(settings, request, repeats, cassette, quiet=quiet)
        if repeats is None and (hosts := accepted_hosts(results[0])):
            request["allow_hosts"] = [*(request.get("allow_hosts") or ()), *hosts]
            results = _run_here(settings, request, repeats, cassette, quiet=quiet)
    if repeats is None:
        print_result(settings, results[0])
    else:
        print_json([_repeat_json(settings, result) for result in results])
    if former is not None and not quiet:
        _show_changes(former)
    for result in results:
        report(settings, result, time.monotonic() - began if repeats is None else duration(result), quiet=quiet)
    context.exit(max(map(exit_code, results)))


def _former(record: str | None) -> CassetteFile | None:
    """Open the cassette that is about to be recorded again; None if there is none, or what is there is none."""
    if record is None or not Path(record).is_file():
        return None
    from engine.cassettes.content import CassetteFile

    with contextlib.suppress(InvalidRequest):
        return CassetteFile(Path(record))
    return None


def _show_changes(former: CassetteFile) -> None:
    """Print what a new recording has changed."""
    from engine.cassettes.comparison import compare
    from engine.cassettes.content import CassetteFile

    with closing(former), closing(CassetteFile(former.path)) as new:
        found = compare(former, new)
    for each in found:
        click.echo(clean(str(each)), err=True)
    click.echo(f"{former.path}: {count(len(found), 'exchange')} changed since the former recording.", err=True)


def _repeat_json(settings: Settings, result: TaskResult) -> Any:
    if settings.as_json:
        return result.to_wire()
    return result.output if result.ok else None


def _run_here(
    settings: Settings, request: dict[str, Any], repeats: int | None, cassette: dict[str, Any], *, quiet: bool
) -> Sequence[TaskResult]:
    seen: set[str] = set()

    async def work(on_event: EventHandler) -> Sequence[TaskResult]:
        async with settings.engine(**cassette) as engine:
            if repeats is None:
                return [await engine.run(**request, on_event=on_event, poll=0.5)]
            return list(await engine.repeat(**request, repeats=repeats, on_event=on_event, poll=0.5))

    try:
        with show_progress(quiet=quiet) as show:

            def on_event(event: Event) -> None:
                seen.add(event.task_id)
                show(event)

            alone = repeats is not None or cassette
            pooled = None if alone else run_in_pool(settings, request, on_event)
            return [pooled] if pooled is not None else run_interruptible(work(on_event))
    except Interrupted as stop:
        raise Interrupted(stop.code, asyncio.run(_interrupted(settings, seen))) from None


def _wait_for(
    context: click.Context, settings: Settings, request: dict[str, Any], seconds: float, *, quiet: bool
) -> TaskResult:
    """Run the task in another process and return its result; exit if it has not ended in time."""
    task_id = start_detached(settings, request).web_task_id

    async def work(on_event: EventHandler) -> TaskResult:
        async with settings.engine() as engine:
            try:
                async with asyncio.timeout(seconds):
                    return await follow(settings, engine, task_id, on_event)
            except TimeoutError:
                return await engine.result(task_id)

    try:
        with show_progress(quiet=quiet) as on_event:
            result = run_interruptible(work(on_event))
    except Interrupted as stop:
        raise Interrupted(stop.code, asyncio.run(_interrupted(settings, {task_id}, cancel=True))) from None
    if not result.final:
        if settings.as_json:
            print_result(settings, result)
        click.echo(f"Task {task_id} continues; `webtasks result {task_id} --wait` waits for its end.", err=True)
        context.exit(NOT_ENDED)
    return result


async def _interrupted(settings: Settings, ours: set[str], *, cancel: bool = False) -> str:
    """Return the message after an interruption: the outcome of our tasks, and the other tasks that have not ended.

    Args:
        cancel: Cancel our tasks, too; another process runs them.
    """
    lines = ["Interrupted: no task was canceled."]
    async with settings.engine() as engine:
        tasks = [await (engine.cancel if cancel else engine.result)(task_id) for task_id in ours]
        if any(task.status == "canceled" for task in tasks):
            lines = ["Interrupted: the task was canceled; the saved automation is unchanged."]
        elif any(task.final for task in tasks):
            lines = ["Interrupted: the task had already ended."]
        others = (
            [] if settings.is_empty else [*await engine.list(status="started"), *await engine.list(status="pending")]
        )
    if others:
        ids = " ".join(task.web_task_id for task in others[:5])
        lines.append(f"{count(len(others), 'task')} of other processes not ended: {ids}{' …' * (len(others) > 5)}")
        lines.append("`webtasks list` shows them, `webtasks cancel ID` cancels one.")
    return "\n".join(lines)
