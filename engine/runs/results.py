"""A task's result, made of what its run came to."""

from __future__ import annotations

from engine.task.redaction import Redactor
from engine.task.wire import (
    InlineResult,
    TaskResult,
)


def redacted(result: TaskResult, redactor: Redactor) -> TaskResult:
    """The result as it is kept: without secret values in what came from the page. Our own fields stay as they are."""
    if not redactor.active or result.result is None:
        return result
    return result.model_copy(update={"result": InlineResult(data=redactor.data(result.output))})
