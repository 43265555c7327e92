"""Types of the contract: one run's observation, its history, and breaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from engine.contract.outputs import compact, digest
from engine.contract.profile import describe

if TYPE_CHECKING:
    from sandbox import Evidence

Severity = Literal["structural", "doubtful", "statistical", "advisory"]

_SOON = 900.0  # seconds after the last run within which data that were stable do not turn over; or
_LONGER = 4.0  # times as long as they were seen to be stable
STEADY_JOINS = 2
"""Comparisons with an earlier output before rows or a field count as stable."""


@dataclass(frozen=True)
class Breach:
    """One departure of a result from the contract.

    Args:
        kind: Its kind: of the rows ``no-rows``, ``fewer-rows``, ``more-rows``, ``duplicates``, ``overlap``, ``order``;
            of a field ``field-empty``, ``field-sparse``, ``pattern``, ``type``, ``format``, ``length``, ``range``,
            ``constant``, ``key``, ``error-text``, ``shortened``, ``garbled``; of the page ``next-left``, ``count``,
            ``progress``, ``shown``, ``title``, ``landmarks``; against earlier outputs ``swapped``,
            ``scale``, ``lost``, ``changed``, ``replaced``, ``cut-off``, ``same-output``, ``recased``, ``affixed``,
            ``shifted``, ``exchanged``, ``file``, ``flooded``, ``flipped``, ``collapsed``, ``placeholder``,
            ``displaced``, ``reassigned``;
            of where values stood on what was read, see `engine.contract.provenance`.
        path: JSON path into the output; ``$`` where the page or the whole output is meant.
        expected: What good runs had.
        got: What this run had.
        severity: ``structural`` counts from the first run on, and no model may overrule it. ``doubtful`` counts from
            the first run on, too, and one small question settles it. ``statistical`` counts once enough runs are known,
            and may turn out to be data of a new kind. ``advisory`` is only reported.
        ordinary: Data often do this; where the page bears the values out, it is only reported.
    """

    kind: str
    path: str
    expected: str
    got: str
    severity: Severity = "structural"
    ordinary: bool = field(default=False, compare=False)

    @property
    def binds(self) -> bool:
        """True if it is more than a warning."""
        return self.severity != "advisory"

    @property
    def structural(self) -> bool:
        """True if no model may overrule it."""
        return self.severity == "structural"

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, got {self.got}"

    def to_json(self) -> dict[str, Any]:
        """Return the breach as JSON-serializable data."""
        return {
            "kind": self.kind, "path": self.path, "expected": self.expected, "got": self.got,
            "severity": self.severity,
        }  # fmt: skip


@dataclass(frozen=True)
class Observed:
    """One run's output, the page's evidence at its end, and the last progress that it reported.

    Args:
        same: Another view of the same run, whose profile then serves both: a large output takes long to describe.
        masked: The output without secrets, where the task has any; maps are without them.
        memo: Views that were computed from the run, by name, so that each is computed once.
        account: Identity of the secrets that it was given; see `engine.storage.accounts`.
    """

    output: Any
    evidence: Evidence
    progress: tuple[int, int | None] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    same: Observed | None = field(default=None, repr=False, compare=False)
    masked: Any = field(default=None, repr=False, compare=False)
    memo: dict[str, object] = field(default_factory=dict, repr=False, compare=False)
    account: str = ""

    @property
    def legible(self) -> Any:
        """The output as its values stand on maps: without secrets."""
        return self.output if self.masked is None else self.masked

    @cached_property
    def described(self) -> dict[str, Any]:
        """The profile of the output."""
        return self.same.described if self.same is not None else describe(self.output)

    @cached_property
    def compacted(self) -> list[dict[str, Any]]:
        """The output's main rows; see `compact`."""
        return self.same.compacted if self.same is not None else compact(self.output)

    @cached_property
    def digest(self) -> str:
        """The output's hash; see `digest`."""
        return self.same.digest if self.same is not None else digest(self.output, self.compacted)


@dataclass(frozen=True)
class PreviousOutput:
    """The outputs of one revision's clean runs with one set of parameters.

    Args:
        parameters: The parameters, without secret ones.
        runs: The number of clean runs.
        rows: Fewest and most rows; None if the output has no list.
        output: The last output, shortened; see `compact`.
        digest: The hash of the last output; see `digest`.
        joins: The number of outputs that were compared with the one before.
        kept: Least share of rows that were still there in the next output.
        changed: By field, the largest share of its values that changed between outputs, in matched rows.
        span: Most seconds between two outputs that were compared: the time for which stability is known.
        age: Seconds since the last output.
        account: Identity of the secrets that its runs were given.
        beside: The plain values that stood beside the last output's list.
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
    account: str = ""
    beside: Mapping[str, Any] = field(default_factory=dict)

    @property
    def recent(self) -> bool:
        """True while the time has not gone by for which these outputs say what the next one is like.

        Runs within minutes do not show what changes in a day.
        """
        return self.age <= max(_SOON, _LONGER * self.span)

    @property
    def never_lost_rows(self) -> bool:
        """True where each output had all rows of the one before it, as often as was compared."""
        return self.joins >= STEADY_JOINS and self.kept == 1.0


@dataclass(frozen=True)
class History:
    """The clean runs of one revision, beside its contract.

    Args:
        clean_runs: Their number.
        profile: The merged profile of their outputs; empty if there were none.
        same: Outputs of the parameters of the run in question.
        others: Outputs of other parameters, the last first.
        account: Identity of the secrets of that run.
        provenance: The signature of where their values stood, merged, as `learn_signature` gives it.
    """

    clean_runs: int = 0
    profile: Mapping[str, Any] = field(default_factory=dict)
    same: PreviousOutput | None = None
    others: tuple[PreviousOutput, ...] = ()
    account: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def others_of_account(self) -> tuple[PreviousOutput, ...]:
        """Outputs of other parameters with the same secrets: two accounts may rightly be shown the same."""
        return tuple(one for one in self.others if one.account == self.account)
