"""The exceptions of the sandbox. A failing *automation* is a value (`Outcome`); these say that the sandbox
itself gave up.

SandboxError
├── SandboxUnavailable      no jail or no browser on this machine; the message names what to install
├── SandboxLimitExceeded    a limit was passed and the worker was ended
└── WorkerDied              the worker ended, or violated the protocol, for another reason
AskRefused                  raised by `Host.ask`; its text reaches the automation as an error
"""

from __future__ import annotations

from typing import Any


class SandboxError(Exception):
    """Base of the sandbox's exceptions.

    Args:
        message: What happened, where, and what to do next.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SandboxUnavailable(SandboxError):
    """Automations cannot be run safely here. ``remedy`` says what to do about it."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message}\n{remedy}" if remedy else message)
        self.problem = message
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem, self.remedy)


class SandboxLimitExceeded(SandboxError):
    """A limit was passed and the worker was ended.

    Args:
        limit: The field of `Limits` that was passed, such as ``"wall_seconds"``.
        value: The limit's value, in its own unit.
    """

    def __init__(self, limit: str, value: float) -> None:
        super().__init__(f"the automation passed its limit of {limit}={value:g} and was ended")
        self.limit = limit
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.limit, self.value)


class WorkerDied(SandboxError):
    """The worker ended before it answered. ``stderr`` is the tail of what it wrote."""

    def __init__(self, message: str, stderr: str = "") -> None:
        super().__init__(f"{message}; its last words: {stderr}" if stderr else message)
        self.problem = message
        self.stderr = stderr

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem, self.stderr)


class AskRefused(Exception):
    """Raised by `Host.ask` to refuse a question. The text reaches the automation as an error."""
