"""Helpers for users' own tests: a scripted model and sandbox, and `drift`, for automations on sites that change."""

from engine.testing.sandbox import SandboxCall, ScriptedSandbox, ScriptedSession, outcome
from engine.testing.scripted import ScriptedModel, Turn

__all__ = ["SandboxCall", "ScriptedModel", "ScriptedSandbox", "ScriptedSession", "Turn", "outcome"]
