"""The command as a user runs it, on a store with one hand-written automation."""

from tests.support.command import cli, guide, store, trouble

__all__ = ["cli", "guide", "store", "trouble"]
