"""``webtasks run``: one task, its progress on standard error, its result on standard output."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import click

from engine import Event, TaskResult
from engine.cli.follow import follow
from engine.cli.interrupt import Stopped, run_to_end
from engine.cli.output import count, print_json
from engine.cli.pool.client import run_in_pool
from engine.cli.progress import Watcher, watch
from engine.cli.report import NOT_ENDED, exit_code, print_result, report, took
from engine.cli.request import build, request_options
from engine.cli.settings import Settings, options, pass_settings
from engine.cli.spawn import start_detached


@click.command()
@request_options
@click.option("--repeats", type=click.IntRange(min=1), metavar="N", help="Run N times, each on a fresh key.")
@click.option(
    "--wait-timeout",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Wait no longer than that; the task goes on, as with start. Exit code 6.",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress; errors only.")
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
    **given: Any,
) -> None:
    """Run TASK to its end.

    TASK is told in plain words, or is the whole request: JSON, a file of it, or - for standard input; for a saved
    --key it may be left out. Prints the result as JSON; with --json the whole answer, cost and attempts included, also
    where the task failed. Ctrl-C cancels the task.

    \b
    webtasks run "List the books on the given shelf" --key shelf \\
        --start-url https://books.example/ -p shelf=Travel
    """
    if repeats is not None and wait_timeout is not None:
        raise click.UsageError("--repeats and --wait-timeout exclude each other")
    request, began = build(settings, given), time.monotonic()
    if wait_timeout is not None:
        results: Sequence[TaskResult] = [_wait_for(context, settings, request, wait_timeout, quiet=quiet)]
    else:
        results = _run_here(settings, request, repeats, quiet=quiet)
    if repeats is None:
        print_result(settings, results[0])
    else:
        print_json([_repeated(settings, result) for result in results])
    for result in results:
        report(settings, result, time.monotonic() - began if repeats is None else took(result), quiet=quiet)
    context.exit(max(map(exit_code, results)))


def _repeated(settings: Settings, result: TaskResult) -> Any:
    if settings.as_json:
        return result.to_wire()
    return result.output if result.ok else None


def _run_here(settings: Settings, request: dict[str, Any], repeats: int | None, *, quiet: bool) -> Sequence[TaskResult]:
    seen: set[str] = set()

    async def work(take: Watcher) -> Sequence[TaskResult]:
        async with settings.engine() as engine:
            if repeats is None:
                return [await engine.run(**request, on_event=take, poll=0.5)]
            return list(await engine.repeat(**request, repeats=repeats, on_event=take, poll=0.5))

    try:
        with watch(quiet=quiet) as watcher:

            def take(event: Event) -> None:
                seen.add(event.task_id)
                watcher(event)

            pooled = run_in_pool(settings, request, take) if repeats is None else None
            return [pooled] if pooled is not None else run_to_end(work(take))
    except Stopped as stop:
        raise Stopped(stop.code, asyncio.run(_interrupted(settings, seen))) from None


def _wait_for(
    context: click.Context, settings: Settings, request: dict[str, Any], seconds: float, *, quiet: bool
) -> TaskResult:
    """The end of a task that another process runs, if it comes in time."""
    task_id = start_detached(settings, request).web_task_id

    async def work(watcher: Watcher) -> TaskResult:
        async with settings.engine() as engine:
            try:
                async with asyncio.timeout(seconds):
                    return await follow(settings, engine, task_id, watcher)
            except TimeoutError:
                return await engine.result(task_id)

    try:
        with watch(quiet=quiet) as watcher:
            result = run_to_end(work(watcher))
    except Stopped as stop:
        raise Stopped(stop.code, asyncio.run(_interrupted(settings, {task_id}, cancel=True))) from None
    if not result.final:
        if settings.as_json:
            print_result(settings, result)
        click.echo(f"Task {task_id} goes on; webtasks result {task_id} --wait waits for its end.", err=True)
        context.exit(NOT_ENDED)
    return result


async def _interrupted(settings: Settings, ours: set[str], *, cancel: bool = False) -> str:
    """What became of the task, and what still runs."""
    lines = ["Interrupted: no task was canceled."]
    async with settings.engine() as engine:
        tasks = [await (engine.cancel if cancel else engine.result)(task_id) for task_id in ours]
        if any(task.status == "canceled" for task in tasks):
            lines = ["Interrupted: the task was canceled; what was saved before stays as it was."]
        elif any(task.final for task in tasks):
            lines = ["Interrupted: the task had ended already."]
        others = (
            [] if settings.is_empty else [*await engine.list(status="started"), *await engine.list(status="pending")]
        )
    if others:
        ids = " ".join(task.web_task_id for task in others[:5])
        lines.append(f"Still there: {count(len(others), 'task')} of other processes, {ids}{' …' * (len(others) > 5)}")
        lines.append("webtasks list tells of them, webtasks cancel ID ends one.")
    return "\n".join(lines)
