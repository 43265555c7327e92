"""A run on a slowed page: what code that passed only once would read on a slow day."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.execution.automation_run import AutomationRun
from engine.gate.static_checks import names_attribute
from engine.gate.steady_runs import ENDED_OTHERWISE, passing_cause
from engine.gate.trial_runs import TrialRuns
from engine.task.attachments import is_attachment
from engine.task.text import shorten
from sandbox import SandboxLimitExceeded, WorkerDied
from sandbox.kinds import automation_kind

_LONGEST_FIRST = 20.0  # seconds of a first run that is worth two more
_MOST_ADDED = 30.0  # seconds that slowness may add, a wait in vain included
_GIVEN = frozenset({"typed", "chosen"})  # what a page's scripts may take up later


@dataclass
class SlowedRuns:
    """Runs of candidates on slowed pages, one for each code.

    Only of code that reads, without a question to a model and a one-time code, of pages that fetch data by themselves,
    or to which the code gives something.

    Args:
        runs: Runs the candidates.
    """

    runs: TrialRuns
    _found: dict[str, str | None] = field(default_factory=dict)

    async def finding(self, code: str, first: AutomationRun) -> str | None:
        """Return what the code gives otherwise where the answers to its pages come late, and not without that.

        None where there is nothing to tell.

        Args:
            first: Its good run.
        """
        if code not in self._found:
            self._found[code] = await self._compare(code, first) if self._is_worth_it(code, first) else None
        return self._found[code]

    async def _compare(self, code: str, first: AutomationRun) -> str | None:
        late = await self._run(code, first, slowed=True)
        if late is None or gives_same(first, late):
            return None
        control = await self._run(code, first, slowed=False)
        if control is None or not gives_same(first, control):
            return None  # it is another each time
        return (
            "the automation was run once more with the answers to its pages, and their timers, later, as on a slow"
            f" day: {difference(first, late)}. It reads before the page is done: wait for an element that only"
            " the page that is done shows"
        )

    def _is_worth_it(self, code: str, first: AutomationRun) -> bool:
        seen, policy = first.outcome.evidence, self.runs.executor.retry_policy
        left = policy.deadline - time.monotonic()
        return (
            automation_kind(code) == "page"  # without one, no script answers later
            and (seen.fetched or any(kind in _GIVEN for kind, _ in seen.inputs)) and not seen.code_sent
            and not names_attribute(code, "ask") and not self.runs.is_said_to_read(code)
            and first.outcome.seconds <= _LONGEST_FIRST
            and left > 2 * _most_seconds(first)
        )  # fmt: skip

    async def _run(self, code: str, first: AutomationRun, *, slowed: bool) -> AutomationRun | None:
        """Return a run, or None where it ended for a reason that is none of the code's."""
        events = self.runs.executor.services.events
        await events.emit("candidate.started", other_parameters=False, slowed=slowed)
        try:
            async with asyncio.timeout(_most_seconds(first)):
                run = await self.runs.once(code, first.parameters, slowed=slowed)
        except (SandboxLimitExceeded, WorkerDied, TimeoutError):
            return None
        error = run.outcome.error
        problems = [str(error)] if error is not None else []
        await events.emit("candidate.finished", good=not problems, problems=problems, seconds=run.outcome.seconds)
        if error is not None and error.kind in ENDED_OTHERWISE:
            return None
        requirements, start_url = self.runs.requirements, self.runs.executor.start_url
        return run if passing_cause(run, requirements, start_url) is None else None


def _most_seconds(first: AutomationRun) -> float:
    return 2 * first.outcome.seconds + _MOST_ADDED


def gives_same(a: AutomationRun, b: AutomationRun) -> bool:
    """Return True where the second run succeeded and gave what the first gave, paths of saved files aside."""
    return b.outcome.ok and bool(_without_paths(a.outcome.value) == _without_paths(b.outcome.value))


def _without_paths(output: Any) -> Any:
    """Return an output without the paths of saved files, which are others in every run."""
    if isinstance(output, Mapping):
        own = is_attachment(output)
        return {name: _without_paths(value) for name, value in output.items() if not (own and name == "path")}
    return [_without_paths(each) for each in output] if isinstance(output, list) else output


def difference(first: AutomationRun, late: AutomationRun) -> str:
    """Describe what is another in a later run: its error, or the first part of the output that differs."""
    if late.outcome.error is not None:
        return f"it failed with {late.outcome.error.type}: {shorten(late.outcome.error.message, 300)}"
    where, before, after = first_difference(_without_paths(first.outcome.value), _without_paths(late.outcome.value))
    return f"the output{where} is {_shown(after)} instead of {_shown(before)}"


def first_difference(before: Any, after: Any) -> tuple[str, Any, Any]:
    """Return the place of the first difference of two unequal outputs, and what either has there.

    >>> first_difference([{"n": 1, "of": 2}], [{"n": 1, "of": 3}])
    ("[0]['of']", 2, 3)
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping) and before.keys() == after.keys():
        keys: list[Any] = list(before)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        keys = list(range(len(before)))
    else:
        return "", before, after
    key = next(key for key in keys if before[key] != after[key])
    where, old, new = first_difference(before[key], after[key])
    return f"[{key!r}]{where}", old, new


def _shown(value: Any) -> str:
    return shorten(json.dumps(value, ensure_ascii=False, default=str), 300)
