"""The result of one execution of an automation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from engine.contract import Observed
from engine.contract.witnesses import Shown
from engine.errors import ModelError
from engine.task.text import shorten
from sandbox import Outcome
from sandbox.egress.policy import NOT_AMONG_HOSTS

Mode = Literal["real", "rehearsal"]


@dataclass(frozen=True)
class AutomationRun:
    """The result of one execution: the sandbox's outcome and what the host noted meanwhile.

    Args:
        outcome: The sandbox's report: output or error, evidence, and the session where the page was left open.
        progress: The last progress that the automation reported, as (done, total).
        gates: The irreversible actions that it came to, each with True where the action was let through.
        files: The directory of the files it saved.
        model_error: The model's error, where a judgment that the automation asked for failed.
        parameters: The parameters it was given, secrets included.
        code: The source that ran.
        already_done: Texts by which the site showed that the action was done before.
        shown: The pages before each irreversible action of a real run, without secrets.
        unshown: Why an action was not let through: the page showed other values than it was given.
        masked: The output without secrets, where the task has any; the evidence's maps are without them.
    """

    outcome: Outcome
    progress: tuple[int, int | None] | None
    gates: tuple[tuple[str, bool], ...]
    files: Path
    model_error: ModelError | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)
    code: str = field(default="", repr=False)
    already_done: tuple[str, ...] = ()
    masked: Any = field(default=None, repr=False)
    shown: tuple[Shown, ...] = field(default=(), repr=False)
    unshown: str | None = None

    @property
    def passed_gate(self) -> bool:
        """True where something irreversible was let through, now or earlier in the same task."""
        refused = self.outcome.error is not None and self.outcome.error.kind == "gate"
        return refused or any(passed for _, passed in self.gates)

    @property
    def actions(self) -> list[str]:
        """The irreversible actions that it came to, in their order."""
        return [action for action, _ in self.gates]

    @property
    def rehearsed(self) -> bool:
        """True where it stopped at an irreversible action, as rehearsals do."""
        error = self.outcome.error
        return error is not None and error.kind == "rehearsal"

    @property
    def held(self) -> bool:
        """True where it ended before a request that may change something, which was not sent."""
        error = self.outcome.error
        return error is not None and error.kind == "held"

    @property
    def unknown_hosts(self) -> tuple[str, ...]:
        """Hosts that were refused because they are not among those that it may reach."""
        refused = self.outcome.evidence.refused
        return tuple(sorted({name for name, reason in refused if reason == NOT_AMONG_HOSTS}))

    @property
    def said(self) -> str:
        """The messages of the page where the code failed, to add to its error; empty where there are none."""
        error = self.outcome.error
        if error is None or error.kind not in ("timeout", "script") or not self.outcome.evidence.alerts:
            return ""
        said = "; ".join(repr(shorten(text, 200)) for text in self.outcome.evidence.alerts[:3])
        return f"; the page says: {said}"

    def observed(self, parameters: Mapping[str, Any] | None = None, account: str = "") -> Observed:
        """Return the view that the contract checks.

        Args:
            parameters: Those that it ran with, secrets left out.
            account: Identity of those secrets.
        """
        plain = self._plain
        return replace(plain, parameters=parameters or {}, same=plain, account=account)

    @cached_property
    def _plain(self) -> Observed:
        return Observed(self.outcome.value, self.outcome.evidence, self.progress, masked=self.masked)
