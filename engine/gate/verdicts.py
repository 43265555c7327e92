"""Values of the gate: requirements, candidates, trials, and its decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from engine.contract import History, Observed
from engine.execution.automation_run import AutomationRun
from engine.gate.hardcoded import read_parameters
from engine.gate.vocabulary import RequestWords
from engine.task.schema import OutputSchema
from sandbox.kinds import AutomationKind, automation_kind


@dataclass(frozen=True)
class Requirements:
    """The requirements that the candidates of one task have to satisfy.

    Args:
        task: The task's text, which may state an order of the rows.
        parameters: The task's parameters.
        secrets: Names of the secret ones.
        schema: The schema of the output; None where it is to be inferred.
        contract: The contract of the bundle that is repaired, whose output part stays as it is; None for new code.
        history: Outputs of good runs of the code that is repaired; empty for new code.
        known_parameters: Parameters of the last good run, secrets left out: the second run of a repair.
        optional: Parameters that the task's text gave: code may leave them unread.
        resources: The bundle's resources, by name.
        harmless: Kinds of requests that the saved automation is known to send without lasting change.
        unneeded: Names of parameters that the saved automation does not read, so that no other need.
        writes: The saved automation changes something on the site, and so does what replaces it.
        needs_browser: The site does not serve clients without a browser.
        given: Names of parameters that the browser gives to the site, by HTTP authentication or in headers: code need
            not read them.
    """

    task: str
    parameters: Mapping[str, Any]
    secrets: frozenset[str] = frozenset()
    schema: OutputSchema | None = None
    contract: Mapping[str, Any] | None = None
    history: History = field(default_factory=History)
    known_parameters: Mapping[str, Any] | None = None
    optional: frozenset[str] = frozenset()
    resources: Mapping[str, bytes] = field(default_factory=dict)
    unneeded: frozenset[str] = frozenset()
    writes: bool = False
    harmless: frozenset[str] = frozenset()
    needs_browser: bool = False
    given: frozenset[str] = frozenset()

    @cached_property
    def words(self) -> RequestWords:
        """The texts that the request itself holds, which code may know."""
        schema = self.schema.json_schema if self.schema is not None else None
        return RequestWords(self.task, schema, tuple(self.parameters))

    def observed(self, run: AutomationRun) -> Observed:
        """Return the view of a run that the contract checks, secrets left out of its parameters."""
        return run.observed(self.without_secrets(run.parameters))

    def unread(self, code: str) -> frozenset[str]:
        """Return the optional parameters that code does not read."""
        return self.optional - read_parameters(code) if self.optional else frozenset()

    def without_secrets(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters but for secret ones."""
        return {name: value for name, value in parameters.items() if name not in self.secrets}


@dataclass(frozen=True)
class Candidate:
    """Code that the model proposes, with what it says about it.

    Args:
        other_parameters: Parameters for the second run.
        no_other_values: The reason why no other values can be known that the site has something for.
        web: The same without a browser, taken where it gives the same; empty where there is none.
        why_right: The reason why it is right where the gate objected.
    """

    code: str
    notes: str = ""
    summary: str = ""
    other_parameters: Mapping[str, Any] | None = None
    no_other_values: str = ""
    web: str = ""
    why_right: str = ""

    @property
    def kind(self) -> AutomationKind:
        """``page`` where its code has a browser, ``web`` where it has none."""
        return automation_kind(self.code)


@dataclass(frozen=True)
class Trial:
    """One run of a candidate in a fresh worker.

    Args:
        run: None where the source alone was refused.
        problems: Why it is not good; empty for a good trial.
    """

    code: str
    parameters: Mapping[str, Any]
    run: AutomationRun | None
    problems: tuple[str, ...]

    @property
    def good(self) -> bool:
        """True where nothing speaks against it."""
        return not self.problems


@dataclass(frozen=True)
class Promoted:
    """A candidate that passed: the run whose output the user gets, and what was learnt.

    Args:
        other: Its run with other parameters, where it has some and only reads.
        hosts: Hosts that the runs reached, as ``host:port``.
        harmless: Kinds of requests that the site sends by itself, or whose changes end with the session.
        one_example: True where no run with other parameters was possible: the next one must confirm the code.
        warnings: What the user should know beside the result.
        answered: The objections that stayed, each with the reason that was given.
    """

    candidate: Candidate
    run: AutomationRun
    contract: Mapping[str, Any]
    output_schema: Mapping[str, Any]
    schema_inferred: bool
    effects: str
    other: AutomationRun | None
    hosts: tuple[str, ...]
    harmless: tuple[str, ...] = ()
    one_example: bool = False
    warnings: tuple[str, ...] = ()
    answered: Mapping[str, str] = field(default_factory=dict)

    @property
    def notices(self) -> list[str]:
        """The answered objections and the warnings, to be told beside the result."""
        reasons = (f"{objection}; it stays as it is, since {why}" for objection, why in self.answered.items())
        return [*reasons, *self.warnings]


@dataclass(frozen=True)
class Refused:
    """A candidate that did not pass.

    Args:
        final: True where something irreversible has happened, so nothing may be run again; the run's page is still
            open.
    """

    reasons: tuple[str, ...]
    run: AutomationRun | None = None
    final: bool = False
