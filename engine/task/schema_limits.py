"""Limits of work on foreign schemas, which stop it before it holds up anybody."""

from __future__ import annotations

import time

from engine.task.regex_safety import is_cheap_to_compile, most_steps

_STEPS = 2_000_000  # of a regular expression; a few hundredths of a second


class TooMuch(Exception):
    """The work does not fit within its limits."""


class Limits:
    """The limits of work in the process that asks for it.

    Args:
        seconds: CPU time of this thread; None for no limits at all, in a process that can be killed.
    """

    def __init__(self, seconds: float | None) -> None:
        self._until = None if seconds is None else time.thread_time() + seconds

    def spend(self) -> None:
        """Raise `TooMuch` where the time is used up."""
        if self._until is not None and time.thread_time() > self._until:
            raise TooMuch

    def endless(self) -> None:
        """Raise `TooMuch` before a step whose time has no bound of its own."""
        if self._until is not None:
            raise TooMuch

    def compile(self, pattern: str) -> None:
        """Raise `TooMuch` where a pattern could take long to compile."""
        if self._until is not None and not is_cheap_to_compile(pattern):
            raise TooMuch

    def match(self, pattern: str, length: int) -> None:
        """Raise `TooMuch` where a pattern could take long on a text of this length."""
        self.compile(pattern)
        if self._until is not None and most_steps(pattern, length) > _STEPS:
            raise TooMuch
