"""A sandbox for generated browser automations, usable alone: it imports nothing of the engine."""

from __future__ import annotations

TYPE_CHECKING = False  # importing it would delay the worker, which starts the driver first
if TYPE_CHECKING:
    from sandbox.context import ContextOptions
    from sandbox.egress.options import Egress
    from sandbox.egress.turns import PerHost
    from sandbox.errors import AskRefused, SandboxError, SandboxLimitExceeded, SandboxUnavailable, WorkerDied
    from sandbox.host import GateDecision, Host
    from sandbox.isolation.probe import Probe, probe
    from sandbox.isolation.protections import Protection
    from sandbox.limits import SandboxLimits
    from sandbox.results import Automation, Evidence, Execution, PageSnapshot, Picture, ScriptError
    from sandbox.sandbox import Sandbox
    from sandbox.toolkit import TaskContext
    from sandbox.workers.outcome import Outcome
    from sandbox.workers.pool import PoolOptions
    from sandbox.workers.session import Session

__all__ = [
    "AskRefused",
    "Automation",
    "ContextOptions",
    "Egress",
    "Evidence",
    "Execution",
    "GateDecision",
    "Host",
    "Outcome",
    "PageSnapshot",
    "PerHost",
    "Picture",
    "PoolOptions",
    "Probe",
    "Protection",
    "Sandbox",
    "SandboxError",
    "SandboxLimitExceeded",
    "SandboxLimits",
    "SandboxUnavailable",
    "ScriptError",
    "Session",
    "TaskContext",
    "WorkerDied",
    "probe",
]

# Imported when first used: the worker inside the jail and `import engine` need few of them.
_LATER = {
    "AskRefused": "errors",
    "Automation": "results",
    "ContextOptions": "context",
    "Egress": "egress.options",
    "Evidence": "results",
    "Execution": "results",
    "GateDecision": "host",
    "Host": "host",
    "Outcome": "workers.outcome",
    "PageSnapshot": "results",
    "PerHost": "egress.turns",
    "Picture": "results",
    "PoolOptions": "workers.pool",
    "Probe": "isolation.probe",
    "Protection": "isolation.protections",
    "Sandbox": "sandbox",
    "SandboxError": "errors",
    "SandboxLimitExceeded": "errors",
    "SandboxLimits": "limits",
    "SandboxUnavailable": "errors",
    "ScriptError": "results",
    "Session": "workers.session",
    "TaskContext": "toolkit",
    "WorkerDied": "errors",
    "probe": "isolation.probe",
}
_RENAMED = {"Limits": "SandboxLimits"}


def __getattr__(name: str) -> object:
    current = _RENAMED.get(name, name)
    if current not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib
    import warnings

    if current != name:
        warnings.warn(f"{name} is called {current} now; the old name goes in 0.3", DeprecationWarning, stacklevel=2)
    value: object = getattr(importlib.import_module(f"{__name__}.{_LATER[current]}"), current)
    return value
