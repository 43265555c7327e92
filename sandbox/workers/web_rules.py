"""The rules by which the host judges the requests of ``web``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.egress.turns import HostTurns


@dataclass(frozen=True)
class WebRules:
    """The rules for one job.

    Args:
        parameters: Those of the run: its passwords are among them.
        hold_changes: Hold the first request that may change something; see `Sandbox.run`.
        harmless: Signatures of requests that change nothing which lasts.
        turns: When they are sent.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    hold_changes: bool = False
    harmless: Collection[str] = ()
    turns: HostTurns = field(default_factory=HostTurns)
