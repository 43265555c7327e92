"""Runs generated browser automations in a jail. Usable alone; imports nothing of the engine."""

from sandbox.errors import AskRefused, SandboxError, SandboxLimitExceeded, SandboxUnavailable, WorkerDied
from sandbox.host import GateDecision, Host
from sandbox.limits import Egress, Limits
from sandbox.pool import PoolOptions
from sandbox.probe import Probe, probe
from sandbox.protections import Protection
from sandbox.results import Automation, Evidence, Execution, Outcome, PageSnapshot, ScriptError
from sandbox.sandbox import Sandbox
from sandbox.session import Session
from sandbox.toolkit import TaskContext

__all__ = [
    "AskRefused",
    "Automation",
    "Egress",
    "Evidence",
    "Execution",
    "GateDecision",
    "Host",
    "Limits",
    "Outcome",
    "PageSnapshot",
    "PoolOptions",
    "Probe",
    "Protection",
    "Sandbox",
    "SandboxError",
    "SandboxLimitExceeded",
    "SandboxUnavailable",
    "ScriptError",
    "Session",
    "TaskContext",
    "WorkerDied",
    "probe",
]
