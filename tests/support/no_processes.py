"""A guard for unit tests: while it is armed, this process starts no other one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_EVENTS = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"})


class ProcessGuard:
    """Refuses to start a process, and remembers each attempt, so that no ``except OSError`` can hide it.

    Attributes:
        attempts: What was to be started.
    """

    def __init__(self) -> None:
        self.attempts: list[str] = []
        self._armed = self._git_allowed = False

        def check(event: str, arguments: tuple[Any, ...], watched: frozenset[str] = _EVENTS) -> None:
            if event in watched and self._armed:  # there are millions of others
                self._check(event, arguments)

        sys.addaudithook(check)  # stays until the interpreter ends

    @contextmanager
    def armed(self, *, git_allowed: bool) -> Iterator[None]:
        """Refuse processes, but for git where a test may run it."""
        self.attempts.clear()
        self._armed, self._git_allowed = True, git_allowed
        try:
            yield
        finally:
            self._armed = False

    def _check(self, event: str, arguments: tuple[Any, ...]) -> None:
        command = _words(arguments[1]) if event == "subprocess.Popen" else [event]
        if self._git_allowed and _runs_git(command):
            return
        self.attempts.append(" ".join(command))
        raise PermissionError(f"{command[0]}: a unit test starts no process, see tests/unit/conftest.py")


def _words(command: Any) -> list[str]:
    return [os.fspath(word) for word in command] if isinstance(command, (list, tuple)) else [os.fspath(command)]


def _runs_git(command: list[str]) -> bool:
    """Recognize git by itself, and git under ``env --unset=…``, as the store runs it."""
    words = [word for word in command if not word.startswith("--unset=")]
    return os.path.basename(words[0]) == "git" or words[:2] == ["env", "git"]
