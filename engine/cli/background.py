"""The process that ``webtasks start`` leaves behind: one engine, until there is nothing more for it to run.

What it is to do comes over its standard input as JSON, ``{"settings": …, "request": …}``, so that no secret stands on
the disk or in the process list. It answers with one line on standard output, ``{"task": …}`` or ``{"error": …}``, once
the task is in the store. Without a request it runs the tasks that wait for an engine.
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
from engine.cli.interrupt import Stopped, run_to_end
from engine.cli.settings import Settings
from engine.errors import EngineError

_INPUT, _OUTPUT, _ERRORS = 0, 1, 2


def main() -> None:
    """Runs the process."""
    if os.fork():
        os._exit(0)  # nobody has to wait for the other, and no terminal can become its own
    order = json.loads(sys.stdin.buffer.read())
    try:
        run_to_end(_work(Settings.from_json(order["settings"]), order["request"]))
    except Stopped as stop:
        sys.exit(stop.code)


async def _work(settings: Settings, request: dict[str, Any] | None) -> None:
    engine = settings.engine(take_over=True)
    async with engine:
        if request is None:
            log = _detach(engine.root, f"engine-{os.getpid()}", None)
        else:
            try:
                task_id, task = await _start(engine, request)
            except EngineError as error:
                told = {"type": type(error).__name__, "message": error.message, "details": error.details}
                _answer({"error": told})
                return
            log = _detach(engine.root, task_id, {"task": json.loads(task.model_dump_json())})
        await engine.run_until_idle()
    with contextlib.suppress(OSError):  # somebody tidied up
        if log.stat().st_size == 0:
            log.unlink()


async def _start(engine: AsyncEngine, request: dict[str, Any]) -> tuple[str, TaskResult]:
    task_id = await engine.start(**request)
    try:
        return task_id, await engine.result(task_id)
    except asyncio.CancelledError:  # nobody was told of the task, so nobody could end it
        await engine.cancel(task_id)
        raise


def _detach(root: Path, name: str, answer: dict[str, Any] | None) -> Path:
    """Answers, and holds nothing of whoever started this any more; what goes wrong from now on is in a log."""
    log = root / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    errors = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    if answer is not None:
        _answer(answer)
    nothing = os.open(os.devnull, os.O_RDWR)
    for old, new in ((_INPUT, nothing), (_OUTPUT, nothing), (_ERRORS, errors)):
        os.dup2(new, old)
    for file in (nothing, errors):
        os.close(file)
    os.chdir("/")
    return log


def _answer(answer: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
        os.write(_OUTPUT, json.dumps(answer, default=str).encode() + b"\n")


if __name__ == "__main__":
    main()
