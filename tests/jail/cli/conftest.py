"""The command as a user runs it, on a store with one automation that was saved by hand."""

from tests.support.command import cli, guide, store, trouble

__all__ = ["cli", "guide", "store", "trouble"]
