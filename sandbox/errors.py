"""The exceptions of the sandbox. A failing *automation* is a value (`Outcome`); these are failures of the sandbox.

SandboxError
├── SandboxUnavailable      no jail or no browser on this machine; the message names what to install
├── SandboxLimitExceeded    a limit was exceeded and the worker was ended
└── WorkerDied              the worker ended for another reason, or violated the protocol
AskRefused                  raised by `Host.ask`; its text reaches the automation as an error
"""

from __future__ import annotations

from typing import Any


class SandboxError(Exception):
    """The base class of the sandbox's exceptions.

    Args:
        message: The problem, and what to do about it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SandboxUnavailable(SandboxError):
    """A machine on which automations cannot run safely.

    Args:
        message: The problem, kept as ``problem``.
        remedy: What to do about it.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message}\n{remedy}" if remedy else message)
        self.problem = message
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem, self.remedy)


class SandboxLimitExceeded(SandboxError):
    """A limit that was exceeded; the worker was ended.

    Args:
        limit: The field of `SandboxLimits`, such as ``"wall_seconds"``.
        value: The limit, in the unit of that field.
    """

    def __init__(self, limit: str, value: float) -> None:
        super().__init__(f"the automation exceeded the limit {limit}={value:g} and was ended")
        self.limit = limit
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.limit, self.value)


class WorkerDied(SandboxError):
    """The end of a worker before it answered.

    Args:
        message: The reason, kept as ``problem``.
        stderr: The end of what the worker wrote to its standard output and error.
    """

    def __init__(self, message: str, stderr: str = "") -> None:
        super().__init__(f"{message}; the end of its output: {stderr}" if stderr else message)
        self.problem = message
        self.stderr = stderr

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem, self.stderr)


class AskRefused(Exception):
    """A question that `Host.ask` refuses to answer. The text reaches the automation as an error."""
