"""What the gate is given and what it decides: candidate, trial, promoted or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.execution.execution import AutomationRun


@dataclass(frozen=True)
class Candidate:
    """Code that the model proposes, with what it says about it."""

    code: str
    notes: str = ""
    summary: str = ""
    other_parameters: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Trial:
    """One run of a candidate in a fresh worker.

    Args:
        execution: None where the source alone was refused.
        problems: Why it is not good; empty for a good trial.
    """

    code: str
    parameters: Mapping[str, Any]
    execution: AutomationRun | None
    problems: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.problems


@dataclass(frozen=True)
class Promoted:
    """A candidate that passed: the execution whose output the user gets, and what was learnt.

    Args:
        other: Its run with other parameters, where it has some and only reads.
    """

    candidate: Candidate
    execution: AutomationRun
    contract: Mapping[str, Any]
    output_schema: Mapping[str, Any]
    schema_inferred: bool
    effects: str
    other: AutomationRun | None
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """A candidate that did not pass.

    Args:
        final: Something irreversible has happened, so nothing may be run again; the execution's page is still open.
    """

    reasons: tuple[str, ...]
    execution: AutomationRun | None = None
    final: bool = False
