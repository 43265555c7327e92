"""Helpers for users' own tests: a scripted model and sandbox.

`drift` is for automations on sites that change, `conformance` for sandboxes of another make; `plugin` is the working
part of the pytest plugin.
"""

from engine.testing.sandbox import SandboxCall, ScriptedSandbox, ScriptedSession, outcome
from engine.testing.scripted import ScriptedModel, Turn

__all__ = ["SandboxCall", "ScriptedModel", "ScriptedSandbox", "ScriptedSession", "Turn", "outcome"]
