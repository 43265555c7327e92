"""A task's result, made of what its run came to."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from engine.bundles import Bundle
from engine.contract import CLEAN_RUNS_BEFORE_STATISTICS
from engine.diagnosis.failures import Failed, after_gate
from engine.errors import StoreError
from engine.models.base import Usage
from engine.runs.context import RunContext, Success
from engine.storage.tasks import TaskRecords
from engine.task.cause import Cause
from engine.task.outputs import InlineResult
from engine.task.redaction import Redactor
from engine.task.wire import ComputeCost, Cost, Effect, Reuse, TaskError, TaskResult, Tokens, Trust

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The end of one task.

    Args:
        hours: Compute time.
        context: The run's parts; None where the task was canceled before it had any.
        saved: The automation that was saved before the run, if any.
        effect: What became of irreversible actions.
    """

    task_id: str
    reuse_key: str
    status: Literal["completed", "canceled"]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime
    hours: float
    records: TaskRecords
    context: RunContext | None = None
    saved: Bundle | None = None
    success: Success | None = None
    error: TaskError | None = None
    effect: Effect = "none"


def make_result(end: Ending) -> TaskResult:
    """Return the result; a canceled task has cost its money and done its deeds, too."""
    context, success = end.context, end.success
    budget = context.budget if context is not None else None
    usage = budget.usage if budget is not None else Usage()
    return TaskResult(
        web_task_id=end.task_id,
        status=end.status,
        outcome=None if end.status == "canceled" else "success" if success else "failed",
        created_at=end.created_at,
        started_at=end.started_at,
        completed_at=end.completed_at,
        cost=Cost(ai_usd=budget.spent_usd if budget else 0.0, compute=ComputeCost(amount=end.hours)),
        reuse=_reuse(end) if end.status == "completed" else None,
        result=InlineResult(data=success.output) if success else None,
        error=end.error,
        model_calls=budget.calls if budget else 0,
        tokens=Tokens(
            input=usage.input_tokens,
            output=usage.output_tokens,
            cache_read=usage.cache_read_tokens,
            cache_write=usage.cache_write_tokens,
        ),
        attempts=tuple(context.attempts.attempts) if context else (),
        warnings=tuple(context.warnings) if context else (),
        effect=end.effect,
        reuse_key=end.reuse_key,
    )


def make_error(cause: Cause, effect: Effect, actions: list[str], redactor: Redactor) -> TaskError:
    """Return the wire's error of a failed task, without secrets.

    Args:
        actions: The irreversible actions that were let through.
    """
    error = Failed(cause).to_error()
    if effect != "none":
        error = after_gate(error, effect, actions)
    # Errors end up in logs; an exception's text may quote a parameter.
    details = redactor.fields(error.details) | {"reason": error.reason}
    return error.model_copy(update={"message": redactor.text(error.message), "details": details})


def redacted(result: TaskResult, redactor: Redactor) -> TaskResult:
    """Return the result as it is kept: without secrets in the output. The engine's own fields stay as they are."""
    if not redactor.active or result.result is None:
        return result
    return result.model_copy(update={"result": InlineResult(data=redactor.data(result.output))})


def _reuse(end: Ending) -> Reuse | None:
    """Return the part on reuse; None for a run without a revision (rejected, or failed on a new key)."""
    success = end.success
    kind = success.kind if success is not None else end.saved.kind if end.saved is not None else "page"
    revision = success.revision if success is not None else end.saved.revision if end.saved is not None else None
    if revision is None:
        return None
    created = success is not None and success.created
    return Reuse(
        key=end.reuse_key,
        used=success.used if success is not None else True,
        created=created,
        updated=success is not None and success.updated and not created,
        revision_id=revision.id,
        revision_timestamp=revision.timestamp,
        kind=kind,
        trust=_trust(end.records, revision.id),
    )


def _trust(records: TaskRecords, revision: str) -> Trust:
    """Return ``trusted`` once the clean runs of a revision are enough for the statistical checks to bind.

    ``suspected`` goes before: one of its results was refused, and that was not settled.
    """
    try:
        clean, _ = records.run_history.clean_runs(revision)
        if records.run_history.suspicions.of(revision):
            return "suspected"
    except StoreError as error:
        log.warning("clean runs of revision %s cannot be read: %s", revision[:10], error)
        return "candidate"
    return "trusted" if clean >= CLEAN_RUNS_BEFORE_STATISTICS else "candidate"
