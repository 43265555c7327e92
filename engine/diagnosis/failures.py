"""The exception that ends a run as failed, and the causes that errors, outcomes and limits stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.contract import Breach
from engine.diagnosis.triage import limit_cause
from engine.errors import (
    AgentStuck,
    BundleError,
    CassetteMismatch,
    InvalidRequest,
    ModelError,
    ModelOutOfCredit,
    ModelOverBudget,
    ModelUnauthenticated,
    ModelUnavailable,
    RecordingMismatch,
    SchemaTooSlow,
    StoreError,
)
from engine.task.cause import Cause
from engine.task.wire import Effect, TaskError

if TYPE_CHECKING:
    from engine.execution.automation_run import AutomationRun

_MODEL: tuple[tuple[type[ModelError], str, str], ...] = (
    (ModelUnauthenticated, "unauthenticated", "model-key"),
    (ModelOutOfCredit, "no-ai-credits-left", "credit"),
    (ModelOverBudget, "no-ai-credits-left", "budget"),
    (ModelUnavailable, "internal-error", "model-unavailable"),
    (RecordingMismatch, "internal-error", "recording-mismatch"),
    (ModelError, "internal-error", "model-error"),
)
_REMEDIES = {
    "drift": 'if the site has changed, run again with ai="auto" to have the automation repaired',
    "pinned": "the bundle is pinned, so it is not repaired; unpin it to allow that",
    "failed-behind-gate": "nothing is run again",
}


class Failed(Exception):
    """The end of a failed run. It never leaves the engine: its cause becomes the result's ``error``."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.message)
        self.cause = cause

    def to_error(self) -> TaskError:
        """Return the error of the wire contract."""
        details = {"reason": self.cause.reason, **self.cause.details}
        return TaskError(code=self.cause.code, message=self.cause.message, details=details)


def outcome_failure(
    problems: Sequence[str],
    execution: AutomationRun,
    *,
    reason: str,
    breaches: Sequence[Breach] = (),
    remedy: str | None = None,
) -> Cause:
    """Return the cause for a result that is not good, and the reason that nothing more is done about it.

    Args:
        remedy: What would help; default: what helps with that reason.
    """
    evidence = execution.outcome.evidence
    details: dict[str, Any] = {"problems": list(problems), "url": evidence.url, "title": evidence.title}
    if breaches:
        details["breaches"] = [b.to_json() for b in breaches]
    if execution.unknown_hosts:
        details["refused_hosts"] = list(execution.unknown_hosts)
    if execution.outcome.error is not None:
        details["traceback"] = execution.outcome.error.traceback
    if execution.passed_gate:
        details["actions"] = [action for action, passed in execution.gates if passed]
    return Cause(reason, f"{_summary(problems)} ({remedy or _REMEDIES[reason]})", details=details)


def _summary(problems: Sequence[str]) -> str:
    """Return the problems on one line; the details have all of them."""
    return "; ".join(map(_in_short, problems))


def _in_short(problem: str) -> str:
    """Return a problem on one line: with the first line of Playwright's call log, and what the page has or says."""
    text, _, log = problem.partition("Call log:")
    entries = [line.strip().removeprefix("- ") for line in log.splitlines() if line[:1].isspace()]
    instead = [line.strip() for line in log.splitlines() if line.strip() and not line[0].isspace()]
    lines = [line for each in text.splitlines() if (line := each.strip().removeprefix("- "))]
    # Of a long message the last line, too: what the page says is added there.
    told = [*lines[:2], *lines[2:][-1:]] if not log else [*lines[:1], *entries[:1], *instead]
    return ", ".join(told)


def model_failure(error: ModelError) -> Cause:
    """Return the cause for a failed model call."""
    code, reason = next((c, r) for kind, c, r in _MODEL if isinstance(error, kind))
    return Cause(reason, error.message, code, dict(error.details))  # type: ignore[arg-type]  # the table holds wire codes


def session_failure(error: ModelError | AgentStuck) -> Cause:
    """Return the cause for an agent session that was cut short."""
    if isinstance(error, AgentStuck):
        return Cause(str(error.details.get("reason", "agent")), error.message, details=dict(error.details))
    return model_failure(error)


def failure(error: Exception) -> Cause:
    """Return the cause for any exception of a run; an unexpected one is a fault of the engine."""
    from sandbox import SandboxError

    if isinstance(error, Failed):
        return error.cause
    if isinstance(error, SandboxError):
        return sandbox_failure(error)
    if isinstance(error, (ModelError, AgentStuck)):
        return session_failure(error)
    if isinstance(error, BundleError):
        return Cause("bundle", f"the saved automation cannot be used: {error.message}", details=dict(error.details))
    if isinstance(error, CassetteMismatch):
        return Cause("not-recorded", error.message, details=dict(error.details))
    if isinstance(error, InvalidRequest):  # a cassette that turns out to be broken, or has no room left
        return Cause("cassette", error.message, details=dict(error.details))
    if isinstance(error, SchemaTooSlow):
        return Cause("schema-too-slow", error.message, details=dict(error.details))
    if isinstance(error, StoreError):
        return Cause("store", error.message)
    if isinstance(error, OSError):
        return Cause("store", f"the store cannot be used: {error}")
    return Cause("engine-fault", f"this is a fault of the engine, please report it: {type(error).__name__}: {error}")


def sandbox_failure(error: Exception) -> Cause:
    """Return the cause for a failure of the sandbox itself."""
    from sandbox import SandboxLimitExceeded, SandboxUnavailable, WorkerDied

    if isinstance(error, SandboxLimitExceeded):
        return limit_cause(error.limit, error.value)
    if isinstance(error, SandboxUnavailable):
        return Cause("sandbox-unavailable", str(error))
    if isinstance(error, WorkerDied):
        return Cause("worker-died", f"the worker died: {error}")
    return Cause("sandbox-error", str(error))


def after_gate(error: TaskError, effect: Effect, actions: Sequence[str]) -> TaskError:
    """Return the error with a warning that something irreversible was let through before it.

    Args:
        effect: ``performed`` if the code behind each gate completed, else ``unknown``.
        actions: The actions that were let through.
    """
    named = ", ".join(map(repr, dict.fromkeys(actions))) or "an irreversible action"
    left = f" (it was left at {error.details['url']})" if error.details.get("url") else ""
    if effect == "performed":
        what = f"before that, {named} was done, which cannot be undone: do not simply run the task again"
    else:
        what = (
            f"before that, {named} was let through, which cannot be undone: check on the site{left} whether it took"
            " effect before you run the task again"
        )
    details = {**error.details, "effect": effect, "actions": list(actions)}
    return error.model_copy(update={"message": f"{error.message}; {what}", "details": details})
