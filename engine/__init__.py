"""Web tasks that write their own code: a model explores a site once, every later run replays the Python it wrote."""

from engine.version import check_package as _check_package

TYPE_CHECKING = False  # typing takes longer to import than a command beside a pool takes
if TYPE_CHECKING:
    from engine.api import AsyncEngine, Engine
    from engine.cassettes import CassetteOptions
    from engine.distributed import AsyncDistributedEngine, DistributedEngine
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

_check_package("sandbox")

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

# Imported when first used: of a command beside a pool nothing, and of the rest nobody needs all.
_LATER = {
    "AsyncDistributedEngine": "distributed",
    "AsyncEngine": "api",
    "Attempt": "task.wire",
    "BrowserOptions": "task.browser_options",
    "BundleCorrupt": "errors",
    "BundleError": "errors",
    "BundleLocked": "errors",
    "BundleNotFound": "errors",
    "CassetteMismatch": "errors",
    "CassetteOptions": "cassettes",
    "Cost": "task.wire",
    "DistributedEngine": "distributed",
    "Engine": "api",
    "EngineError": "errors",
    "Event": "task.events",
    "FileResult": "task.outputs",
    "InlineResult": "task.outputs",
    "InvalidRequest": "errors",
    "KeyCosts": "storage.spending",
    "Limits": "task.wire",
    "ModelError": "errors",
    "ModelOutOfCredit": "errors",
    "ModelOverBudget": "errors",
    "ModelRejected": "errors",
    "ModelUnauthenticated": "errors",
    "ModelUnavailable": "errors",
    "Preview": "task.outputs",
    "RecordingMismatch": "errors",
    "Reuse": "task.wire",
    "StoreError": "errors",
    "StoredFile": "task.outputs",
    "TaskError": "task.wire",
    "TaskFailed": "errors",
    "TaskNotFound": "errors",
    "TaskRequest": "task.wire",
    "TaskResult": "task.wire",
    "Tokens": "task.wire",
}
_PACKAGES = ("aio", "api", "cassettes", "distributed", "errors", "execution", "models", "storage", "task")


def __getattr__(name: str) -> object:
    if name not in _LATER and name not in _PACKAGES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    module = importlib.import_module(f"{__name__}.{_LATER.get(name, name)}")
    return module if name in _PACKAGES else getattr(module, name)
