"""The tools that write an automation: the live page, the gate, and the code written so far."""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.agent.describe import describe_advisories, describe_refusal, describe_trial
from engine.agent.page_tools import GivenUp, PageTools, ToolProblem
from engine.agent.prompts import fence
from engine.execution.automation_run import AutomationRun
from engine.gate.gate import Gate
from engine.gate.objections import objection_in
from engine.gate.verdicts import Candidate, Promoted, Refused, Trial
from engine.task.text import shorten
from sandbox import SandboxLimitExceeded, Session, WorkerDied

_WANT_A_LOOK = ("impossible", "unknown-parameter")  # reasons of which the first look alone says little
_MOST_REOPENED = 3
_MOST_REFS = 10
_REMINDER = 100  # characters of an objection that the model was told of before
_REF = re.compile(r"""(?:get_by_ref\(\s*|aria-ref=)["']?(f?\d*e\d+)""")
_OPEN_ASIDE = """\
import contextlib as _contextlib
_aside = await page.context.new_page()
try:
    with _contextlib.suppress(Exception):
        await _aside.goto({url!r}, wait_until="domcontentloaded")
        await _aside.wait_for_load_state("networkidle", timeout=2500)
finally:
    await _aside.close()
"""


@dataclass(kw_only=True)
class AuthorTools(PageTools[Promoted | GivenUp | Refused]):
    """The live page, the gate, and the code written so far, bound to one session.

    Args:
        gate: Tries and promotes candidates.
        open_anew: Opens another session at the start URL.
        code: The automation as it stands; the saved one when a repair begins.
        candidates: How many refusals by the gate are left.
    """

    gate: Gate
    open_anew: Callable[[], Awaitable[Session]] | None = None
    code: str = ""
    candidates: int = 4
    _trial: Trial | None = None
    _shown: tuple[str, ...] = ()
    _told: set[tuple[str, str]] = field(default_factory=set)  # code, and an objection to it
    _turn: int = 0
    _reopened: int = 0
    _worked: bool = False
    _calls: Sequence[str] = ()

    def note_seen(self, text: str) -> None:
        """Let the gate know, which holds a candidate's output against it."""
        self.gate.seen.append(text)

    async def answer(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Run a tool that does more than look; its arguments fit its schema."""
        match name:
            case "write":
                return await self._write(**arguments)
            case "finish":
                return await self._finish(**arguments)
            case _:
                return self._give_up(str(arguments["reason"]), str(arguments["message"]))

    async def _write(
        self,
        code: str | None = None,
        edits: list[Mapping[str, str]] | None = None,
        parameters: Mapping[str, Any] | None = None,
        start_url: str | None = None,
        reads_only: str | None = None,
        unneeded: Mapping[str, str] | None = None,
    ) -> str:
        self.code = self._edited(code, edits)
        if start_url is not None:
            if self.gate.start_url_given:
                raise ToolProblem("the task names its start URL; leave start_url out")
            self.gate.executor.begin_at(start_url)
        unknown = sorted(set(parameters or {}) - set(self.gate.requirements.parameters))
        if unknown:
            raise ToolProblem(
                f"the task has no parameters {unknown}; it has {sorted(self.gate.requirements.parameters)}"
            )
        await self._learn_own_requests()
        known = self.gate.requirements.parameters
        self.gate.unneeded.update({name: why for name, why in (unneeded or {}).items() if name in known})
        self._trial = await self.gate.try_out(self.code, parameters, reads_only=reads_only)
        if self._trial.run is not None and self._trial.run.held and await self._sent_by_site(self._trial.run):
            self._trial = await self.gate.try_out(self.code, parameters)
        answer = describe_trial(self._trial, self.redactor)
        if not self._trial.good:
            raise ToolProblem(f"{answer}{await self._durable()}")
        self._shown = await asyncio.to_thread(self.gate.advisories, self._trial)
        notes = await asyncio.to_thread(self.gate.notes, self._trial)
        told = [self._once(each, each) for each in self._shown]
        return "\n".join([answer + describe_advisories(told), *map(fence, notes)])

    def _once(self, text: str, objection: str | None) -> str:
        """Return the text that tells of an objection; a reminder where the model was told of it with the same code."""
        if objection is None:
            return text
        if (self.code, objection) not in self._told:
            self._told.add((self.code, objection))
            return text
        return text.replace(objection, f"as told before: {shorten(objection, _REMINDER)}", 1)

    async def _durable(self) -> str:
        """Return the durable locators of the refs that stand in the code, which mean nothing in a later run."""
        refs = list(dict.fromkeys(_REF.findall(self.code)))[:_MOST_REFS]
        if not refs:
            return ""
        return f"\nfor the automation:\n{await self._locator(refs)}"

    async def reopen(self, error: SandboxLimitExceeded | WorkerDied) -> None:
        """Open the page anew, a few times in one task."""
        self._reopened += 1
        if self.open_anew is None or self._reopened > _MOST_REOPENED:
            raise error
        await self.session.close()
        self.session = await self.open_anew()

    def begin_turn(self, calls: Sequence[str] = ()) -> None:
        """Count what the last answers showed as told: a model that now hands the code in has seen it."""
        self.gate.objections.note_told(self._shown)
        self._shown = ()
        self._turn += 1
        self._calls = calls
        self._worked = self._worked or not {"python", "write"}.isdisjoint(calls)

    def _give_up(self, reason: str, message: str) -> str:
        """End the task, but not beside code, and not for want of trying: small models say so before they look."""
        if "write" in self._calls:
            return "give_up is ignored beside write: go on with the automation, or call give_up alone"
        if self._turn == 1 and not self.code and reason in _WANT_A_LOOK:
            raise ToolProblem(
                "nothing was tried yet: the page is above, and python opens and clicks on it for you. Go on with python"
                " or write; if the site cannot give it, call give_up again and say what you saw"
            )
        if not self._worked and reason in _WANT_A_LOOK:
            message = f"{message} (the model tried nothing; a larger model, or a task in other words, may get further)"
        self.ended = GivenUp(reason, message)
        return "The task ends."

    async def _learn_own_requests(self) -> None:
        evidence = await self.session.evidence(screenshot=False)
        self.gate.runs.own_requests |= set(evidence.own_signatures)

    async def _sent_by_site(self, run: AutomationRun) -> bool:
        """Open the page where a request was held back, without doing anything there: the site may send it by itself."""
        page, held = run.outcome.evidence, set(run.outcome.evidence.change_signatures)
        if not page.url.startswith("http"):
            return False
        await self.session.execute(_OPEN_ASIDE.format(url=page.url))
        await self._learn_own_requests()
        return bool(held & self.gate.runs.own_requests)

    def _edited(self, code: str | None, edits: list[Mapping[str, str]] | None) -> str:
        if code is not None:
            return code
        if not self.code:
            raise ToolProblem("nothing is written yet: give code, the whole file")
        edited = self.code
        for edit in edits or []:
            found = edited.count(edit["old"])
            if found != 1:
                raise ToolProblem(_not_once(edit["old"], edited, found))
            edited = edited.replace(edit["old"], edit["new"])
        return edited

    async def _finish(
        self,
        summary: str,
        notes: str = "",
        other_parameters: Mapping[str, Any] | None = None,
        no_other_values: str = "",
        web: str = "",
        why_right: str = "",
    ) -> str:
        if not self.code or self._trial is None:
            raise ToolProblem("write the automation first")
        if not self._trial.good:
            problem = self._trial.problems[0]
            raise ToolProblem(f"not handed in: the last run was not good; mend it and write again: {problem}")
        candidate = Candidate(self.code, notes, summary, other_parameters, no_other_values, web, why_right)
        self.gate.wrote = self.gate.runs.writes(await self.session.evidence(screenshot=False))
        verdict = await self.gate.promote(candidate)
        if isinstance(verdict, Promoted):
            self.ended = verdict
            untried = other_parameters and verdict.effects != "read"
            return "Accepted." + (" other_parameters were not tried: the code changes the site." if untried else "")
        if verdict.final:
            self.ended = verdict
            return "The run failed after the irreversible action; nothing may be run again."
        self.candidates -= 1
        if self.candidates <= 0:
            self.ended = verdict
        told = tuple(self._once(each, objection_in(each)) for each in verdict.reasons)
        raise ToolProblem(describe_refusal(replace(verdict, reasons=told), self.redactor))


def _not_once(old: str, code: str, found: int) -> str:
    """Return the answer to an edit of text that does not stand once, with the line that is nearest to it."""
    said = f"{old[:200]!r} stands {found} times in the automation as last written; it must stand once"
    if found:
        return f"{said}: take in the lines around it"
    first = next((line for line in old.splitlines() if line.strip()), old)
    near = difflib.get_close_matches(first, code.splitlines(), n=1, cutoff=0.5)
    return f"{said}; the nearest line is {near[0]!r}" if near else f"{said}; give code, the whole file"
