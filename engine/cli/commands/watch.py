"""``webtasks watch``: the events of one task as they happen, or all tasks that have not ended."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from engine import AsyncEngine, Event, TaskResult
from engine.cli.commands.tasks import state
from engine.cli.follow import follow, takeover_of_orphans
from engine.cli.interrupt import Interrupted, run_interruptible
from engine.cli.output import to_json
from engine.cli.progress import EventHandler, show_progress
from engine.cli.report import duration, exit_code, report
from engine.cli.settings import Settings, options, pass_settings
from engine.errors import TaskNotFound
from engine.task.event_text import event_line
from engine.task.events import Follower
from engine.task.formatting import age, clean, count, one_line

if TYPE_CHECKING:
    from rich.table import Table

_POLL_SECONDS = 0.5


@click.command()
@click.argument("task_id", metavar="[ID]", required=False)
@options(shown=False)
@pass_settings
@click.pass_context
def watch(context: click.Context, settings: Settings, task_id: str | None) -> None:
    """Watch task ID, or all tasks.

    With ID, the task's steps from the first as they happen, or with --json its events as JSON lines. Without ID, a live
    table of all tasks that have not ended, or one line per change if standard output is not a terminal. Ctrl-C ends the
    command, not the tasks.
    """
    try:
        if task_id is not None:
            context.exit(_watch_one(settings, task_id))
        if settings.is_empty:
            click.echo(f"No task is running or pending in {settings.root}.", err=True)
        else:
            run_interruptible(_watch_all(settings))
    except Interrupted as stop:
        raise Interrupted(stop.code, "Interrupted; the tasks continue.") from None


def _watch_one(settings: Settings, task_id: str) -> int:
    if settings.is_empty:
        raise TaskNotFound(task_id)

    def print_event(event: Event) -> None:
        click.echo(to_json(event.to_json(), indent=None))

    async def work(on_event: EventHandler) -> TaskResult:
        async with settings.engine() as engine:
            return await follow(settings, engine, task_id, on_event)

    if settings.as_json:
        return exit_code(run_interruptible(work(print_event)))
    with show_progress() as on_event:
        task = run_interruptible(work(on_event))
    report(settings, task, duration(task))
    return exit_code(task)


async def _watch_all(settings: Settings) -> None:
    """Show the tasks that have not ended, until there is none."""
    async with settings.engine() as engine, takeover_of_orphans(settings, engine, None):
        if settings.as_json or not sys.stdout.isatty():
            await _print_changes(settings, engine)
        else:
            await _draw(settings, engine)
    if not settings.as_json:
        click.echo("No task is running or pending any more.", err=True)


async def _poll_tasks(engine: AsyncEngine) -> AsyncIterator[Sequence[TaskResult]]:
    """Yield the tasks that have not ended, repeatedly, until there is none; pending ones come last, in their order."""
    while True:
        running = await engine.list(status="started", limit=1_000)
        waiting = await engine.list(status="pending", limit=1_000)
        tasks = [*reversed(running), *reversed(waiting)]
        yield tasks
        if not tasks:
            return
        await asyncio.sleep(_POLL_SECONDS)


async def _print_changes(settings: Settings, engine: AsyncEngine) -> None:
    known: dict[str, str] = {}

    async def print_task(task: TaskResult) -> None:
        if settings.as_json:
            click.echo(to_json(task.to_wire(), indent=None))
        else:
            local_time = datetime.now(UTC).astimezone()
            click.echo(clean(f"{local_time:%H:%M:%S}  {task.web_task_id}  {state(task)}  {task.reuse_key}"))

    async for tasks in _poll_tasks(engine):
        current = {task.web_task_id: task for task in tasks}
        for task_id in [task_id for task_id in known if task_id not in current]:
            del known[task_id]
            await print_task(await engine.result(task_id))
        for task_id, task in current.items():
            if known.get(task_id) != task.status:
                known[task_id] = task.status
                await print_task(task)


async def _draw(settings: Settings, engine: AsyncEngine) -> None:
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    last_actions = _LastActions(settings)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        async for tasks in _poll_tasks(engine):
            room = max(1, (console.height - 3) // 2)  # two lines each, below the headings
            live.update(await asyncio.to_thread(_table, tasks[:room], len(tasks) - room, last_actions, console.width))
            live.refresh()


class _LastActions:
    """The last action of each task, read from its trace."""

    def __init__(self, settings: Settings) -> None:
        self._traces = settings.root / "traces"
        self._followers: dict[str, Follower] = {}
        self._last: dict[str, str] = {}

    def of(self, task_id: str) -> str:
        """Return a task's last action in words; empty if there is none yet."""
        follower = self._followers.setdefault(task_id, Follower(self._traces / f"{task_id}.jsonl"))
        for event in follower.read():
            line = event_line(event)
            if line is not None and event.type != "task.pending":
                self._last[task_id] = f"{line.text}{f'  {line.spent}' if line.spent else ''}"
        return self._last.get(task_id, "")


def _table(tasks: Sequence[TaskResult], more: int, last_actions: _LastActions, width: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", expand=True)
    states = [state(task) for task in tasks]
    for heading, widest in (("Task", 24), ("State", max(map(len, states), default=0)), ("For", 6)):
        table.add_column(heading, no_wrap=True, min_width=widest)
    table.add_column("Key and last action", no_wrap=True, overflow="ellipsis", ratio=1)
    now = datetime.now(UTC)
    for task, task_state in zip(tasks, states, strict=True):
        since = (now - (task.started_at or task.created_at)).total_seconds()
        action = one_line(last_actions.of(task.web_task_id), width)
        key = Text.assemble(one_line(task.reuse_key or "", width), "\n", (action, "dim"))
        table.add_row(task.web_task_id, task_state, age(since), key)
    if more > 0:
        table.add_row(f"and {count(more, 'task')} more")
    return table
