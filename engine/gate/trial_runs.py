"""Runs of candidates: what they may send while they are tried out, and proof that a change ends with its session."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.execution.automation_run import AutomationRun
from engine.execution.effects import writes
from engine.execution.executor import Executor
from engine.gate import static_checks
from engine.gate.steady_runs import run_steadily
from engine.gate.verdicts import Requirements
from engine.task.cause import Cause
from engine.task.text import shorten
from sandbox import Evidence
from sandbox.kinds import automation_kind

SteadyRun = tuple[AutomationRun, Cause | None]

_WHOLE = 3_000  # characters; of a longer text of a page, the end is not known
_TIME = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")


@dataclass
class TrialRuns:
    """Runs the candidates of one task, each in a fresh browser, and up to the first irreversible action.

    Code that names no irreversible action is stopped at the first request that may change something on the site. Where
    the model says why such requests change nothing, or nothing beyond the session, they are sent, and another fresh
    browser must show at the same place what it showed before.

    Attributes:
        own_requests: Kinds of requests that the site sends by itself, or that the saved automation is known for.
        lasting: By code: what a fresh browser showed of its changes.
    """

    executor: Executor
    requirements: Requirements
    start_url_given: bool
    own_requests: set[str] = field(init=False)
    lasting: dict[str, str] = field(default_factory=dict)
    _reads_only: set[str] = field(default_factory=set)  # code that is said to change nothing that lasts
    _proved: set[str] = field(default_factory=set)
    _session: set[str] = field(default_factory=set)  # kinds of requests whose changes ended with their session
    _held: dict[str, AutomationRun] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.own_requests = set(self.requirements.harmless)

    async def run(self, code: str, parameters: Mapping[str, Any], *, reads_only: str | None = None) -> SteadyRun:
        """Run the code.

        Args:
            reads_only: The reason why the requests of this very code change nothing, or nothing that lasts.

        Returns:
            The run, and the cause that stopped it, where that may pass by itself and did not.
        """
        if reads_only:
            self._reads_only.add(code)
        if static_checks.names_irreversible(code):
            return await self._start(code, parameters, hold=False)
        if code not in self._reads_only:
            return await self._stopping(code, parameters)
        if code in self._proved or code in self.lasting:
            run, passing = await self._start(code, parameters, hold=False)
            self._session |= set(run.outcome.evidence.change_signatures) if code in self._proved else set()
            return run, passing
        before, passing = self._held.pop(_key(code, parameters), None), None
        if before is None:
            before, passing = await self._stopping(code, parameters)
        if not before.held:
            return before, passing
        run, passing = await self._start(code, parameters, hold=False)
        if run.outcome.ok:
            await self._prove(code, before, run)
        return run, passing

    async def once(self, code: str, parameters: Mapping[str, Any], *, slowed: bool) -> AutomationRun:
        """Run code that only reads once more, on a slowed page or not, up to what may change something."""
        return await self.executor.run(
            code, parameters, resources=self.requirements.resources, mode="rehearsal", hold_changes=True,
            harmless=sorted(self.own_requests), slowed=slowed,
        )  # fmt: skip

    def is_said_to_read(self, code: str) -> bool:
        """Return True for code of which the model says that its requests change nothing, or nothing that lasts."""
        return code in self._reads_only

    def writes(self, evidence: Evidence) -> bool:
        """Return True where a run sent what may have changed something that lasts."""
        return writes(evidence, self.own_requests | self._session)

    def learn_own(self, runs: Iterable[AutomationRun | None]) -> None:
        """Learn from runs with a page what the site sends by itself: code without a page may have to send it."""
        self.own_requests |= {kind for run in runs if run is not None for kind in run.outcome.evidence.own_signatures}

    def known_harmless(self, runs: Sequence[AutomationRun]) -> tuple[str, ...]:
        """Return the kinds of requests that leave no lasting change, also those of these runs."""
        self.learn_own(runs)
        return tuple(sorted(self.own_requests | self._session))

    async def _start(self, code: str, parameters: Mapping[str, Any], *, hold: bool) -> SteadyRun:
        proves = dict(parameters) == dict(self.requirements.parameters) and automation_kind(code) == "page"
        return await run_steadily(
            self.executor, self.requirements, code, parameters, start_url_given=self.start_url_given, mode="rehearsal",
            hold_changes=hold, harmless=sorted(self.own_requests), sources=proves, probe="scroll" if proves else "",
        )  # fmt: skip

    async def _stopping(self, code: str, parameters: Mapping[str, Any]) -> SteadyRun:
        """Run the code up to the first request that may change something."""
        run, passing = await self._start(code, parameters, hold=True)
        if run.held:
            self._held[_key(code, parameters)] = run
        return run, passing

    async def _prove(self, code: str, before: AutomationRun, run: AutomationRun) -> None:
        """Run up to the first change once more: a fresh browser must not see what the last run did."""
        after, _ = await self._start(code, run.parameters, hold=True)
        found = differences(before.outcome.evidence, after.outcome.evidence) if after.held else ["another way"]
        if found and after.held:  # what differs each time, such as a clock or an advertisement, is no trace
            again, _ = await self._start(code, run.parameters, hold=True)
            found = [line for line in found if line in differences(before.outcome.evidence, again.outcome.evidence)]
        if found:
            self.lasting[code] = shorten(found[0], 120)
            return
        self._proved.add(code)
        self._session |= set(run.outcome.evidence.change_signatures)


def differences(before: Evidence, after: Evidence) -> list[str]:
    """Return the lines of text that only one of two pages has, the later one's first; times of day count as equal.

    >>> differences(Evidence(text="10:02\\nBasket (0)"), Evidence(text="10:03\\nBasket (2)"))
    ['Basket (2)', 'Basket (0)']
    """
    old, new = _lines(before), _lines(after)
    gone = [line for line in old if line not in new] if len(after.text) < _WHOLE else []
    return [line for line in new if line not in old] + gone


def _lines(page: Evidence) -> dict[str, None]:
    lines = (" ".join(line.split()) for line in _TIME.sub("#", page.text).splitlines())
    return dict.fromkeys(line for line in lines if line)


def _key(code: str, parameters: Mapping[str, Any]) -> str:
    return json.dumps([code, dict(parameters)], sort_keys=True, default=str)
