"""The process that ``webtasks start`` starts: one engine, until it has nothing left to run.

The order is ``{"settings": …, "request": …}``. The answer, once the task is in the store, is ``{"task": …}`` or
``{"error": …}``. Without a request the process runs the orphaned tasks and answers nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from engine import AsyncEngine, TaskResult
from engine.cli.detached import detach, receive_order, send_answer
from engine.cli.errors import error_to_json
from engine.cli.interrupt import Interrupted, run_interruptible
from engine.cli.settings import Settings
from engine.errors import EngineError


def main() -> None:
    """Run the process."""
    order = receive_order()
    try:
        run_interruptible(_work(Settings.from_json(order["settings"]), order["request"]))
    except Interrupted as stop:
        sys.exit(stop.code)


async def _work(settings: Settings, request: dict[str, Any] | None) -> None:
    engine = settings.engine(take_over=True)
    async with engine:
        if request is None:
            log = _detach_to_log(engine.root, f"engine-{os.getpid()}")
        else:
            try:
                task_id, task = await _start(engine, request)
            except EngineError as error:
                send_answer({"error": error_to_json(error)})
                return
            log = _detach_to_log(engine.root, task_id, {"task": json.loads(task.model_dump_json())})
        await engine.run_until_idle()
    with contextlib.suppress(OSError):  # the log may have been deleted
        if log.stat().st_size == 0:
            log.unlink()


async def _start(engine: AsyncEngine, request: dict[str, Any]) -> tuple[str, TaskResult]:
    task_id = await engine.start(**request)
    try:
        return task_id, await engine.result(task_id)
    except asyncio.CancelledError:  # the caller never learned the task's id, so it could not cancel it
        await engine.cancel(task_id)
        raise


def _detach_to_log(root: Path, name: str, answer: dict[str, Any] | None = None) -> Path:
    """Answer, detach, and send errors from now on to a log of this name; return the log."""
    log = root / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    errors = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    if answer is not None:
        send_answer(answer)
    detach(errors)
    return log


if __name__ == "__main__":
    main()
