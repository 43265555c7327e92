"""The cause of a failed run, before it becomes an error of the wire contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.task.wire import ErrorCode


@dataclass(frozen=True)
class Cause:
    """The cause of a failure that a repair of the code cannot remove.

    Args:
        reason: The fine-grained cause, for ``error.details``.
        message: What happened, and what to do next.
        code: The wire's code.
        details: Further facts.
        transient: It may be gone in a moment, so that a retry makes sense.
        wait: Seconds until then, where the site says so.
        mendable: Code can do something about it, where a retry ends in the same way: go slower, or log in once more.
    """

    reason: str
    message: str
    code: ErrorCode = "internal-error"
    details: Mapping[str, Any] = field(default_factory=dict)
    transient: bool = False
    wait: float | None = None
    mendable: bool = False
