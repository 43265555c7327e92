"""The contract's words: what one run gave, what came before it, and the ways in which a result departs from that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from engine.contract.profile import describe

if TYPE_CHECKING:
    from sandbox import Evidence

Severity = Literal["structural", "statistical", "advisory"]


@dataclass(frozen=True)
class Breach:
    """One way in which a result is not what good results were.

    Args:
        kind: What departs: of the rows ``no-rows``, ``fewer-rows``, ``more-rows``, ``duplicates``, ``order``; of a
            field ``field-empty``, ``field-sparse``, ``pattern``, ``type``, ``format``, ``length``, ``range``,
            ``constant``, ``key``, ``error-text``, ``shortened``, ``garbled``; of the page ``next-left``, ``count``,
            ``progress``, ``shown``, ``title``, ``landmarks``; against earlier outputs ``swapped``, ``scale``, ``lost``,
            ``changed``, ``replaced``, ``cut-off``, ``same-output``, ``recased``, ``affixed``.
        path: JSON path into the output; ``$`` where the page or the whole output is meant.
        expected: What good runs had.
        got: What this run had.
        severity: ``structural`` alarms from the first run on, and no model may excuse it. ``statistical`` alarms once
            enough is known to tell, and may turn out to be data of a new kind. ``advisory`` is only told.
    """

    kind: str
    path: str
    expected: str
    got: str
    severity: Severity = "structural"

    @property
    def structural(self) -> bool:
        """Whether no model may excuse it."""
        return self.severity == "structural"

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, got {self.got}"

    def to_json(self) -> dict[str, Any]:
        """The breach as JSON-able data."""
        return {
            "kind": self.kind, "path": self.path, "expected": self.expected, "got": self.got,
            "severity": self.severity,
        }  # fmt: skip


@dataclass(frozen=True)
class Observed:
    """What one run gave: the output, the page's evidence at its end, and the last progress it reported."""

    output: Any
    evidence: Evidence
    progress: tuple[int, int | None] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def described(self) -> dict[str, Any]:
        """What the output looks like."""
        return describe(self.output)


@dataclass(frozen=True)
class PreviousOutput:
    """What clean runs of one revision gave for one set of parameters.

    Args:
        parameters: Without secret ones.
        runs: How many there were.
        rows: Fewest and most rows; None where the output has no list.
        output: The last one, shortened; see `compact`.
        digest: Of the last one; see `digest`.
        joins: How many times one could be laid beside the one before it.
        kept: Least share of rows that were still there in the next run.
        changed: Field to the largest share of its values that changed from one run to the next, in rows of both.
        span: Seconds between two that were laid beside each other, at most: over that time it is known what stays.
        age: Seconds since the last one.
    """

    parameters: Mapping[str, Any]
    runs: int
    rows: tuple[int, int] | None
    output: Sequence[Mapping[str, Any]]
    digest: str
    joins: int = 0
    kept: float = 1.0
    changed: Mapping[str, float] = field(default_factory=dict)
    span: float = 0.0
    age: float = 0.0


@dataclass(frozen=True)
class History:
    """What clean runs of one revision have shown, beside its contract.

    Args:
        clean_runs: How many there were.
        profile: What their outputs looked like, merged; empty where there was none.
        same: What the parameters of the run in question gave before.
        others: What other parameters gave, the last first.
    """

    clean_runs: int = 0
    profile: Mapping[str, Any] = field(default_factory=dict)
    same: PreviousOutput | None = None
    others: tuple[PreviousOutput, ...] = ()
