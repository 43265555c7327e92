"""Web tasks that write their own code: a model explores a site once, every later run replays the Python it wrote."""

from engine.version import check_packages as _check_packages

_check_packages()

from engine.api import AsyncEngine, Engine
from engine.cassettes import CassetteOptions
from engine.errors import (
    BundleCorrupt,
    BundleError,
    BundleLocked,
    BundleNotFound,
    CassetteMismatch,
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
    TaskNotFound,
)
from engine.storage.spending import KeyCosts
from engine.task.browser_options import BrowserOptions
from engine.task.events import Event
from engine.task.outputs import FileResult, InlineResult, Preview, StoredFile
from engine.task.wire import Attempt, Cost, Limits, Reuse, TaskError, TaskRequest, TaskResult, Tokens

__all__ = [
    "AsyncEngine",
    "Attempt",
    "BrowserOptions",
    "BundleCorrupt",
    "BundleError",
    "BundleLocked",
    "BundleNotFound",
    "CassetteMismatch",
    "CassetteOptions",
    "Cost",
    "Engine",
    "EngineError",
    "Event",
    "FileResult",
    "InlineResult",
    "InvalidRequest",
    "KeyCosts",
    "Limits",
    "ModelError",
    "ModelOutOfCredit",
    "ModelOverBudget",
    "ModelRejected",
    "ModelUnauthenticated",
    "ModelUnavailable",
    "Preview",
    "RecordingMismatch",
    "Reuse",
    "StoreError",
    "StoredFile",
    "TaskError",
    "TaskFailed",
    "TaskNotFound",
    "TaskRequest",
    "TaskResult",
    "Tokens",
]
