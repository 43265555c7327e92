"""Commands on tasks, no matter which process runs them: result, list, cancel."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from engine import TaskResult
from engine.cli.follow import takeover_of_orphans
from engine.cli.interrupt import Interrupted, run_interruptible
from engine.cli.output import print_json, print_table
from engine.cli.report import FAILED, duration, exit_code, print_result, report
from engine.cli.settings import Settings, options, pass_settings
from engine.errors import TaskNotFound
from engine.task.formatting import age, dollars
from engine.task.wire import Status

T = TypeVar("T")

STATES = ("pending", "started", "completed", "canceled")


@click.command()
@click.argument("task_id", metavar="ID")
@click.option("--wait", is_flag=True, help="Wait for the task's end.")
@click.option(
    "--wait-timeout",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Stop waiting after this time, with exit code 6.",
)
@options(shown=False)
@pass_settings
@click.pass_context
def result(context: click.Context, settings: Settings, task_id: str, *, wait: bool, wait_timeout: float | None) -> None:
    """Print the result of task ID.

    With --json the whole task, even if it has not ended. The exit codes are those of run, and 6 while the task has not
    ended.
    """
    _need_store(settings, task_id)
    waits = wait or wait_timeout is not None

    async def work() -> TaskResult:
        async with settings.engine() as engine:
            task = await engine.result(task_id)
            if not waits or task.final:
                return task
            try:
                async with asyncio.timeout(wait_timeout), takeover_of_orphans(settings, engine, {task_id}):
                    async for _ in engine.events(task_id):
                        pass
            except TimeoutError:
                pass  # the task is printed in its current state
            return await engine.result(task_id)

    task = _run_waiting(work(), f"task {task_id} continues")
    print_result(settings, task)
    if task.final:
        report(settings, task, duration(task), quiet=True)
        if task.status == "canceled":
            click.echo(f"Task {task_id} was canceled.", err=True)
    elif not settings.as_json:
        click.echo(f"Task {task_id} is {state(task)}; use --wait to wait for its end.", err=True)
    context.exit(exit_code(task))


@click.command("list")
@click.option("--status", type=click.Choice(STATES), help="Only tasks in this state.")
@click.option("--key", metavar="KEY", help="Only tasks of this reuse key.")
@click.option(
    "-l",
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    default=20,
    show_default=True,
    help="Show at most N tasks.",
)
@click.option("-o", "--offset", type=click.IntRange(min=0), metavar="N", default=0, help="Skip the first N.")
@options(shown=False)
@pass_settings
def list_tasks(settings: Settings, status: Status | None, key: str | None, limit: int, offset: int) -> None:
    """List tasks, newest first.

    Each with its state and position in the queue, its age, cost and key. For saved automations see webtasks bundles
    list.
    """

    async def read() -> Sequence[TaskResult]:
        async with settings.engine() as engine:
            return await engine.list(status=status, reuse_key=key, limit=limit, offset=offset)

    tasks = [] if settings.is_empty else asyncio.run(read())
    if settings.as_json:
        print_json([task.to_wire() for task in tasks])
    elif tasks:
        rows = [
            (task.web_task_id, state(task), age(_age(task)), dollars(task.cost.ai_usd), task.reuse_key or "")
            for task in tasks
        ]
        print_table(("Task", "State", "Age", "Cost", "Key"), rows, numbers=("Age", "Cost"), wrapped=("Key",))
    else:
        which = " matching task" if status or key or offset else " task"
        near = settings.bundles.near_key(key) if key and not settings.is_empty else None
        click.echo(f"There is no{which} in {settings.root}.{f' Did you mean --key {near}?' if near else ''}", err=True)


@click.command()
@click.argument("task_ids", metavar="ID...", nargs=-1, required=True)
@options(shown=False)
@pass_settings
@click.pass_context
def cancel(context: click.Context, settings: Settings, task_ids: tuple[str, ...]) -> None:
    """Cancel tasks.

    Ends their browsers and model calls, no matter which process runs them; saved automations are unchanged. The exit
    code is 1 if a task had already ended.
    """
    _need_store(settings, task_ids[0])

    async def work() -> Sequence[TaskResult]:
        async with settings.engine() as engine:
            for task_id in task_ids:
                await engine.result(task_id)  # with a wrong id among them, no task is canceled
            return await asyncio.gather(*map(engine.cancel, task_ids))

    tasks = _run_waiting(work(), "the tasks are being canceled all the same")
    if settings.as_json:
        print_json([task.to_wire() for task in tasks])
    else:
        for task in tasks:
            had_ended = "" if task.status == "canceled" else "had already ended: "
            click.echo(f"{task.web_task_id} {had_ended}{state(task)}")
    context.exit(0 if all(task.status == "canceled" for task in tasks) else FAILED)


def state(task: TaskResult) -> str:
    """Describe a task's state in a few words.

    >>> wire = {"webTaskId": "wt_1", "status": "pending", "createdAt": "2026-11-23T10:00:00Z", "queuePosition": 3}
    >>> state(TaskResult.model_validate(wire))
    'pending, position 3'
    """
    if task.status == "pending" and task.queue_position is not None:
        return f"pending, position {task.queue_position}"
    if task.status == "completed":
        return "success" if task.ok else f"failed: {task.error.reason if task.error else 'unknown'}"
    return task.status


def _age(task: TaskResult) -> float:
    return (datetime.now(UTC) - task.created_at).total_seconds()


def _need_store(settings: Settings, task_id: str) -> None:
    """Raise `TaskNotFound` if there is no store: reading from it must not create one."""
    if settings.is_empty:
        raise TaskNotFound(task_id)


def _run_waiting(work: Coroutine[Any, Any, T], outcome: str) -> T:
    """Run work that only waits; return its result.

    Args:
        outcome: The message after Ctrl-C, which ends the waiting and nothing else.
    """
    try:
        return run_interruptible(work)
    except Interrupted as stop:
        raise Interrupted(stop.code, f"Interrupted; {outcome}.") from None
