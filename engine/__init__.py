"""Web tasks that write their own code: a model explores a site once, every later run replays the Python it wrote."""

from typing import TYPE_CHECKING

from engine.version import check_package as _check_package

_check_package("sandbox")

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

if TYPE_CHECKING:
    from engine.distributed import AsyncDistributedEngine, DistributedEngine

# Imported when first asked for: nearly nobody needs them.
_LATER = ("AsyncDistributedEngine", "DistributedEngine")

__all__ = [
    "AsyncDistributedEngine",
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
    "DistributedEngine",
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


def __getattr__(name: str) -> object:
    if name not in (*_LATER, "distributed"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    package = importlib.import_module("engine.distributed")
    return package if name == "distributed" else getattr(package, name)
