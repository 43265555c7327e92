"""Exceptions of the engine. A failed *task* is a result; an exception means a wrong call or a broken part.

EngineError
├── InvalidRequest          bad input, refused before anything is stored
├── BundleError             a bundle cannot be used
│   ├── BundleNotFound
│   ├── BundleCorrupt
│   ├── BundleOutdated      another machine published the key's next revision first
│   └── BundleLocked        another run holds the key, and the wait for it timed out
├── ModelError              the model cannot answer
│   ├── ModelUnauthenticated    key missing, wrong, or not allowed
│   ├── ModelOutOfCredit        the account is empty
│   ├── ModelOverBudget         the next call could exceed the run's cap
│   ├── ModelUnavailable        overloaded, rate limited, unreachable, after retries
│   ├── ModelRejected           the endpoint refused the request as malformed
│   └── RecordingMismatch       a recorded reply does not fit this run
├── CassetteMismatch        a replay asked for an exchange that its cassette does not have
├── TaskNotFound            the workspace has no task with this ID
├── SchemaTooSlow           a JSON Schema took too long to check
├── StoreError              the store's database or directory cannot be used
└── TaskFailed              the output of a failed task was read
"""

from __future__ import annotations

from typing import Any


class EngineError(Exception):
    """Base class of all exceptions that the engine raises.

    Args:
        message: What happened, where, and what to do next.
        details: Facts to branch on, JSON-serializable.
    """

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.details)


def _rebuild(cls: type[EngineError], message: str, details: dict[str, Any]) -> EngineError:
    return cls(message, **details)


class InvalidRequest(EngineError, ValueError):
    """A malformed request. ``details["field"]`` names the argument."""


class BundleError(EngineError):
    """A bundle that cannot be used. ``details["key"]`` is its reuse key."""


class BundleNotFound(BundleError, LookupError):
    """No bundle, or not this revision, stored under the key."""


class BundleCorrupt(BundleError):
    """Files or git objects of a bundle that the engine did not write in this form."""


class BundleOutdated(BundleError):
    """A revision that was not published, because another machine was first."""


class BundleLocked(BundleError, TimeoutError):
    """A wait for another run of the same key that timed out. ``details["waited"]`` is in seconds."""


class ModelError(EngineError):
    """A model that did not answer. ``details["model"]`` is its ID, ``details["endpoint"]`` its address."""


class ModelUnauthenticated(ModelError):
    """A key that is missing, wrong, or not allowed to use the model."""


class ModelOutOfCredit(ModelError):
    """An account without credit."""


class ModelOverBudget(ModelError):
    """A call that could exceed the run's cap. ``details``: ``budget_usd``, ``spent_usd`` and ``needed_usd``."""


class ModelUnavailable(ModelError):
    """An endpoint that stayed overloaded, rate limited or unreachable. ``details["retry_after"]``: seconds or None."""


class ModelRejected(ModelError):
    """A request that the endpoint refused as malformed; ``details["status"]`` is the HTTP status."""


class RecordingMismatch(ModelError):
    """A recorded reply that does not fit this run: tools or refs are missing, or the recording has ended."""


class CassetteMismatch(EngineError):
    """An exchange that the cassette does not have. ``details``: ``method``, ``url`` and ``nearest``, or None."""


class TaskNotFound(EngineError, LookupError):
    """A task ID that the workspace does not know."""

    def __init__(self, task_id: str, **details: Any) -> None:
        super().__init__(f"there is no task {task_id!r} in this workspace of the store", task_id=task_id)

    def __reduce__(self) -> tuple[Any, ...]:
        return TaskNotFound, (self.details["task_id"],)


class StoreError(EngineError):
    """A database or directory of the store that cannot be used."""


class SchemaTooSlow(EngineError):
    """A check of a JSON Schema, or of a value against one, that was stopped after its time."""


class AgentStuck(EngineError):
    """An agent that did not finish: a failed task.

    ``details["reason"]`` is ``turns``, ``stuck`` (the same calls over and over) or ``agent-silent``.
    """


class TaskFailed(EngineError):
    """A failed task whose output was read. ``details["reason"]`` is the cause, finer than ``code``."""

    @property
    def code(self) -> str:
        """One of the six error codes of the wire contract."""
        return str(self.details.get("code", "internal-error"))
