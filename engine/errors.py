"""The exceptions of the engine. A failed *task* is a result; these are for broken calls and broken parts.

EngineError
├── InvalidRequest          bad input, refused before anything is stored
├── BundleError             a bundle cannot be used
│   ├── BundleNotFound
│   ├── BundleCorrupt
│   └── BundleLocked        another run holds the key and the wait ran out
├── ModelError              the model cannot answer
│   ├── ModelUnauthenticated    key missing, wrong, or not allowed
│   ├── ModelOutOfCredit        the account is empty
│   ├── ModelOverBudget         the cap of this run would be passed
│   ├── ModelUnavailable        overloaded, rate limited, unreachable, after retries
│   ├── ModelRejected           the endpoint refused the request as malformed
│   └── RecordingMismatch       a recorded reply does not fit this run
├── TaskNotFound            the workspace has no task of this id
├── StoreError              the store's database or directory cannot be used
└── TaskFailed              the output of a failed task was asked for
"""

from __future__ import annotations

from typing import Any


class EngineError(Exception):
    """Base of all exceptions that the engine raises.

    Args:
        message: What happened, where, and what to do next.
        details: Facts to branch on; JSON-able.
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
    """The request is malformed. ``details["field"]`` names the argument."""


class BundleError(EngineError):
    """A bundle cannot be used. ``details["key"]`` is its reuse key."""


class BundleNotFound(BundleError, LookupError):
    """No bundle, or no such revision, is stored under the key."""


class BundleCorrupt(BundleError):
    """The bundle's files or git objects do not have the form that the engine wrote."""


class BundleLocked(BundleError, TimeoutError):
    """Another run held the key until the wait ran out. ``details["waited"]`` is in seconds."""


class ModelError(EngineError):
    """The model did not answer. ``details["model"]`` is its id, ``details["endpoint"]`` its address."""


class ModelUnauthenticated(ModelError):
    """The key is missing, wrong, or not allowed to use the model."""


class ModelOutOfCredit(ModelError):
    """The account behind the key has no credit left."""


class ModelOverBudget(ModelError):
    """The next call could pass the run's cap. ``details`` has ``budget_usd``, ``spent_usd`` and ``needed_usd``."""


class ModelUnavailable(ModelError):
    """Overloaded, rate limited or unreachable, after the retries. ``details["retry_after"]`` is in seconds, or None."""


class ModelRejected(ModelError):
    """The endpoint refused the request as malformed; ``details["status"]`` is the HTTP status."""


class RecordingMismatch(ModelError):
    """A recorded reply does not fit this run: its tools or refs are not there, or the recording is at its end."""


class TaskNotFound(EngineError, LookupError):
    """The workspace has no task of this id."""

    def __init__(self, task_id: str, **details: Any) -> None:
        super().__init__(f"there is no task {task_id!r} in this workspace of the store", task_id=task_id)

    def __reduce__(self) -> tuple[Any, ...]:
        return TaskNotFound, (self.details["task_id"],)


class StoreError(EngineError):
    """The store's database or directory cannot be used."""


class AgentStuck(EngineError):
    """The agent came to no end; it shows as a failed task. ``details["reason"]`` is ``turns`` or ``agent-silent``."""


class TaskFailed(EngineError):
    """The output of a failed task was asked for. ``details["reason"]`` says why it failed, finer than ``code``."""

    @property
    def code(self) -> str:
        """One of the six error codes of the wire contract."""
        return str(self.details.get("code", "internal-error"))
