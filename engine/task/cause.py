"""The cause of a failed run, before it becomes an error of the wire contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.task.wire import ErrorCode


@dataclass(frozen=True)
class Cause:
    """A cause that code cannot mend.

    Args:
        reason: Fine-grained, for ``error.details``.
        message: What happened and what to do.
        code: The wire's code.
        details: Facts beside the reason.
        transient: It may be gone in a moment, so that another try makes sense.
        wait: Seconds until then, where the site says so.
    """

    reason: str
    message: str
    code: ErrorCode = "internal-error"
    details: Mapping[str, Any] = field(default_factory=dict)
    transient: bool = False
    wait: float | None = None
