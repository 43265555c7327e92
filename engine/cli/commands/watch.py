"""``webtasks watch``: one task's events as they happen, or all tasks that have not ended."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from engine import AsyncEngine, Event, TaskResult
from engine.cli.commands.tasks import state
from engine.cli.event_text import narrate
from engine.cli.follow import follow, somebody_runs
from engine.cli.interrupt import Stopped, run_to_end
from engine.cli.output import age, clean, count, one_line, to_json
from engine.cli.progress import Watcher
from engine.cli.progress import watch as show
from engine.cli.report import exit_code, report, took
from engine.cli.settings import Settings, options, pass_settings
from engine.errors import TaskNotFound
from engine.task.events import Follower

if TYPE_CHECKING:
    from rich.table import Table

_EVERY = 0.5  # seconds between looks


@click.command()
@click.argument("task_id", metavar="[ID]", required=False)
@options(shown=False)
@pass_settings
@click.pass_context
def watch(context: click.Context, settings: Settings, task_id: str | None) -> None:
    """Watch task ID, or all.

    One task: its steps as they happen, from the first; with --json its events as JSON lines. Without ID a live table of
    all tasks that have not ended; where standard output is no terminal, a line for each change. Ctrl-C ends the
    watching, not the tasks.
    """
    try:
        if task_id is not None:
            context.exit(_one(settings, task_id))
        if settings.is_empty:
            click.echo(f"No task runs or waits in {settings.root}.", err=True)
        else:
            run_to_end(_all(settings))
    except Stopped as stop:
        raise Stopped(stop.code, "Interrupted; what was watched goes on.") from None


def _one(settings: Settings, task_id: str) -> int:
    if settings.is_empty:
        raise TaskNotFound(task_id)

    def as_line(event: Event) -> None:
        click.echo(to_json(event.to_json(), indent=None))

    async def work(watcher: Watcher) -> TaskResult:
        async with settings.engine() as engine:
            return await follow(settings, engine, task_id, watcher)

    if settings.as_json:
        return exit_code(run_to_end(work(as_line)))
    with show() as watcher:
        task = run_to_end(work(watcher))
    report(settings, task, took(task))
    return exit_code(task)


async def _all(settings: Settings) -> None:
    """Shows the tasks that have not ended, until there is none."""
    async with settings.engine() as engine, somebody_runs(settings, engine, None):
        if settings.as_json or not sys.stdout.isatty():
            await _tell_changes(settings, engine)
        else:
            await _draw(settings, engine)
    if not settings.as_json:
        click.echo("No task runs or waits any more.", err=True)


async def _looks(engine: AsyncEngine) -> AsyncIterator[Sequence[TaskResult]]:
    """The tasks that have not ended, again and again; those that wait come last, in their order."""
    while True:
        running = await engine.list(status="started", limit=1_000)
        waiting = await engine.list(status="pending", limit=1_000)
        tasks = [*reversed(running), *reversed(waiting)]
        yield tasks
        if not tasks:
            return
        await asyncio.sleep(_EVERY)


async def _tell_changes(settings: Settings, engine: AsyncEngine) -> None:
    known: dict[str, str] = {}

    async def tell(task: TaskResult) -> None:
        if settings.as_json:
            click.echo(to_json(task.to_wire(), indent=None))
        else:
            click.echo(clean(f"{datetime.now():%H:%M:%S}  {task.web_task_id}  {state(task)}  {task.reuse_key}"))  # noqa: DTZ005  the reader's own clock

    async for tasks in _looks(engine):
        there = {task.web_task_id: task for task in tasks}
        for task_id in [task_id for task_id in known if task_id not in there]:
            del known[task_id]
            await tell(await engine.result(task_id))
        for task_id, task in there.items():
            if known.get(task_id) != task.status:
                known[task_id] = task.status
                await tell(task)


async def _draw(settings: Settings, engine: AsyncEngine) -> None:
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    doing = _Doing(settings)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        async for tasks in _looks(engine):
            room = max(1, (console.height - 3) // 2)  # two lines each, below the headings
            live.update(await asyncio.to_thread(_table, tasks[:room], len(tasks) - room, doing, console.width))
            live.refresh()


class _Doing:
    """What each task did last, as its trace tells."""

    def __init__(self, settings: Settings) -> None:
        self._traces = settings.root / "traces"
        self._followers: dict[str, Follower] = {}
        self._last: dict[str, str] = {}

    def of(self, task_id: str) -> str:
        """In words; empty where it has done nothing yet."""
        follower = self._followers.setdefault(task_id, Follower(self._traces / f"{task_id}.jsonl"))
        for event in follower.read():
            line = narrate(event)
            if line is not None and event.type != "task.pending":
                self._last[task_id] = f"{line.text}{f'  {line.spent}' if line.spent else ''}"
        return self._last.get(task_id, "")


def _table(tasks: Sequence[TaskResult], more: int, doing: _Doing, width: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", expand=True)
    states = [state(task) for task in tasks]
    for heading, widest in (("Task", 24), ("State", max(map(len, states), default=0)), ("For", 6)):
        table.add_column(heading, no_wrap=True, min_width=widest)
    table.add_column("Key, and what it does", no_wrap=True, overflow="ellipsis", ratio=1)
    now = datetime.now(UTC)
    for task, standing in zip(tasks, states, strict=True):
        since = (now - (task.started_at or task.created_at)).total_seconds()
        did = one_line(doing.of(task.web_task_id), width)
        key = Text.assemble(one_line(task.reuse_key or "", width), "\n", (did, "dim"))
        table.add_row(task.web_task_id, standing, age(since), key)
    if more > 0:
        table.add_row(f"and {count(more, 'task')} more")
    return table
