"""Web tasks that write their own code: a model explores a site once, every later run replays the Python it wrote."""

from engine.engine import AsyncEngine, Engine
from engine.errors import (
    BundleCorrupt,
    BundleEdited,
    BundleError,
    BundleLocked,
    BundleNotFound,
    EngineError,
    InvalidRequest,
    ModelError,
    ModelOutOfCredit,
    ModelOverBudget,
    ModelRejected,
    ModelUnauthenticated,
    ModelUnavailable,
    RecordingMismatch,
    StoreError,
    TaskFailed,
)
from engine.task import Attempt, Cost, Limits, Reuse, TaskError, TaskRequest, TaskResult, Tokens
from engine.trace import Event

__all__ = [
    "AsyncEngine",
    "Attempt",
    "BundleCorrupt",
    "BundleEdited",
    "BundleError",
    "BundleLocked",
    "BundleNotFound",
    "Cost",
    "Engine",
    "EngineError",
    "Event",
    "InvalidRequest",
    "Limits",
    "ModelError",
    "ModelOutOfCredit",
    "ModelOverBudget",
    "ModelRejected",
    "ModelUnauthenticated",
    "ModelUnavailable",
    "RecordingMismatch",
    "Reuse",
    "StoreError",
    "TaskError",
    "TaskFailed",
    "TaskRequest",
    "TaskResult",
    "Tokens",
]
