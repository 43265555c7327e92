"""Commands on tasks, whichever process runs them: result, list, cancel."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from engine import TaskResult
from engine.cli.follow import somebody_runs
from engine.cli.interrupt import Stopped, run_to_end
from engine.cli.output import age, dollars, print_json, print_table
from engine.cli.report import FAILED, exit_code, print_result, report, took
from engine.cli.settings import Settings, options, pass_settings
from engine.errors import TaskNotFound
from engine.task.wire import Status

T = TypeVar("T")

STATES = ("pending", "started", "completed", "canceled")


@click.command()
@click.argument("task_id", metavar="ID")
@click.option("--wait", is_flag=True, help="Wait for its end.")
@click.option(
    "--wait-timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Wait no longer than that; exit code 6."
)
@options(shown=False)
@pass_settings
@click.pass_context
def result(context: click.Context, settings: Settings, task_id: str, *, wait: bool, wait_timeout: float | None) -> None:
    """Print the result of task ID.

    As run does; with --json the whole answer, also where the task has not ended. The exit code tells how it stands: 6
    as long as it goes on.
    """
    _need_store(settings, task_id)
    waits = wait or wait_timeout is not None

    async def work() -> TaskResult:
        async with settings.engine() as engine:
            task = await engine.result(task_id)
            if not waits or task.final:
                return task
            try:
                async with asyncio.timeout(wait_timeout), somebody_runs(settings, engine, {task_id}):
                    async for _ in engine.events(task_id):
                        pass
            except TimeoutError:
                pass  # it is told as it stands
            return await engine.result(task_id)

    task = _while_it_goes_on(work(), f"task {task_id} goes on")
    print_result(settings, task)
    if task.final:
        report(settings, task, took(task), quiet=True)
        if task.status == "canceled":
            click.echo(f"Task {task_id} was canceled.", err=True)
    elif not settings.as_json:
        click.echo(f"Task {task_id} is {state(task)}; --wait waits for its end.", err=True)
    context.exit(exit_code(task))


get = copy.copy(result)  # the name that the hosted product's tool has for it
get.name, get.hidden = "get", True


@click.command("list")
@click.option("--status", type=click.Choice(STATES), help="Those in this state only.")
@click.option("--key", metavar="KEY", help="Those of this key only.")
@click.option("-l", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Most tasks.")
@click.option("-o", "--offset", type=click.IntRange(min=0), default=0, help="Pass over that many.")
@options(shown=False)
@pass_settings
def list_tasks(settings: Settings, status: Status | None, key: str | None, limit: int, offset: int) -> None:
    """List tasks, the newest first.

    Each with its state and place in the line, its age, cost and key. What is saved: webtasks bundles list.
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
        which = " of that kind" if status or key or offset else ""
        click.echo(f"There is no task{which} in {settings.root}.", err=True)


@click.command()
@click.argument("task_ids", metavar="ID...", nargs=-1, required=True)
@options(shown=False)
@pass_settings
@click.pass_context
def cancel(context: click.Context, settings: Settings, task_ids: tuple[str, ...]) -> None:
    """Cancel tasks.

    Whichever process runs them: browser and model call end, what is saved stays. Exit code 1 where one had ended
    before.
    """
    _need_store(settings, task_ids[0])

    async def work() -> Sequence[TaskResult]:
        async with settings.engine() as engine:
            for task_id in task_ids:
                await engine.result(task_id)  # a wrong id ends none of the others
            return await asyncio.gather(*map(engine.cancel, task_ids))

    tasks = _while_it_goes_on(work(), "what was asked to end ends all the same")
    if settings.as_json:
        print_json([task.to_wire() for task in tasks])
    else:
        for task in tasks:
            had_ended = "" if task.status == "canceled" else "had ended before: "
            click.echo(f"{task.web_task_id} {had_ended}{state(task)}")
    context.exit(0 if all(task.status == "canceled" for task in tasks) else FAILED)


def state(task: TaskResult) -> str:
    """A task's state in a few words.

    >>> wire = {"webTaskId": "wt_1", "status": "pending", "createdAt": "2026-11-23T10:00:00Z", "queuePosition": 3}
    >>> state(TaskResult.model_validate(wire))
    'pending, place 3'
    """
    if task.status == "pending" and task.queue_position is not None:
        return f"pending, place {task.queue_position}"
    if task.status == "completed":
        return "success" if task.ok else f"failed: {task.error.reason if task.error else 'unknown'}"
    return task.status


def _age(task: TaskResult) -> float:
    return (datetime.now(UTC) - task.created_at).total_seconds()


def _need_store(settings: Settings, task_id: str) -> None:
    """Looking into an empty store must not make one."""
    if settings.is_empty:
        raise TaskNotFound(task_id)


def _while_it_goes_on(work: Coroutine[Any, Any, T], told: str) -> T:
    """Ctrl-C ends the waiting, and nothing else."""
    try:
        return run_to_end(work)
    except Stopped as stop:
        raise Stopped(stop.code, f"Interrupted; {told}.") from None
