"""Runs generated browser automations in a jail. Usable alone; imports nothing of the engine."""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING

from sandbox.egress.options import Egress
from sandbox.errors import AskRefused, SandboxError, SandboxLimitExceeded, SandboxUnavailable, WorkerDied
from sandbox.host import GateDecision, Host
from sandbox.limits import SandboxLimits
from sandbox.results import Automation, Evidence, Execution, PageSnapshot, ScriptError
from sandbox.sandbox import Sandbox
from sandbox.workers.outcome import Outcome
from sandbox.workers.pool import PoolOptions
from sandbox.workers.session import Session

if TYPE_CHECKING:
    from sandbox.isolation.probe import Probe, probe
    from sandbox.isolation.protections import Protection
    from sandbox.toolkit import TaskContext

__all__ = [
    "AskRefused",
    "Automation",
    "Egress",
    "Evidence",
    "Execution",
    "GateDecision",
    "Host",
    "Outcome",
    "PageSnapshot",
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

# What no run needs is imported when it is asked for: the first browser waits for what is imported before.
_LATER = {
    "Probe": "isolation.probe",
    "probe": "isolation.probe",
    "Protection": "isolation.protections",
    "TaskContext": "toolkit",
}


def __getattr__(name: str) -> object:
    if name == "Limits":
        warnings.warn("Limits is called SandboxLimits now; the old name goes in 0.3", DeprecationWarning, stacklevel=2)
        return SandboxLimits
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
