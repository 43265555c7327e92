"""Helpers for users' own tests: a scripted model, and `drift`, which measures automations on sites that change."""

from engine.testing.scripted import ScriptedModel, Turn

__all__ = ["ScriptedModel", "Turn"]
