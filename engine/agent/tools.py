"""The agent's tools, bound to one session: what each does, and the text that the model gets back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

from engine.agent.observation import Observer
from engine.agent.promotion import Candidate, Gate, Promoted, Refused, Trial, writes
from engine.agent.prompts import TOOLS, fence
from engine.contract import repeated, rows
from engine.redaction import Redactor
from engine.schema import OutputSchema
from sandbox import PageSnapshot, Session

_SAMPLE = 1500  # characters of an output shown to the model
_SETTLE = """\
from playwright.async_api import TimeoutError as _NeverQuiet
try:
    await page.wait_for_load_state("networkidle", timeout=2500)
except _NeverQuiet:
    pass
"""
_SHOWN = 4000  # characters of a tool's answer otherwise


@dataclass(frozen=True)
class GivenUp:
    """The model says that no automation can do this."""

    reason: str
    message: str


class ToolProblem(Exception):
    """The call was wrong; its text is the answer to the model."""


E = TypeVar("E")


@dataclass(kw_only=True)
class Bench(Generic[E]):
    """A live page and the tools that look at it.

    Args:
        session: The worker with the page.
        redactor: Takes secrets out of every answer.
        ended: What the work came to, once it has.
    """

    session: Session
    redactor: Redactor
    observer: Observer
    ended: E | None = None
    tools: ClassVar[tuple[Mapping[str, Any], ...]] = TOOLS
    _url: str = ""

    async def call(self, name: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        """Runs one tool: the answer's text, and whether it is an error."""
        try:
            _check_arguments(self.tools, name, arguments)
            match name:
                case "look":
                    answer = await self._look(**arguments)
                case "python":
                    answer = await self._python(**arguments)
                case "locator":
                    answer = await self._locator(**arguments)
                case _:
                    answer = await self.answer(name, arguments)
        except ToolProblem as problem:
            return self.redactor.text(str(problem)), True
        return self.redactor.text(answer), False

    async def answer(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Runs a tool that does more than look; its arguments fit its schema."""
        raise ToolProblem(f"there is no tool {name!r}")

    def saw(self, text: str) -> None:
        """Takes down what the model was shown of the page."""

    async def first_look(self) -> str:
        """The page as the first message shows it, once what it loads late has come."""
        await self.session.execute(_SETTLE)
        snapshot = await self._snapshot()
        self._url = snapshot.url
        return fence(await asyncio.to_thread(self.observer.first, snapshot))

    async def _snapshot(self) -> PageSnapshot:
        """The page without secrets: taken out before anything is cut, lest the beginning of one is left."""
        seen = await self.session.snapshot()
        text = self.redactor.text
        hints = tuple((kind, text(hint)) for kind, hint in seen.hints)
        self.saw(seen.aria)
        return replace(seen, url=text(seen.url), title=text(seen.title), aria=text(seen.aria), hints=hints)

    async def _look(self, find: str | None = None, unfold: str | None = None) -> str:
        snapshot = await self._snapshot()
        if find:
            return fence(await asyncio.to_thread(self.observer.find, snapshot, find))
        if unfold:
            return fence(await asyncio.to_thread(self.observer.unfold, snapshot, unfold))
        return fence(await asyncio.to_thread(self.observer.again, snapshot))

    async def _python(self, code: str) -> str:
        execution = await self.session.execute(code)
        self.saw(execution.output)
        text = self.redactor.text
        parts = [_cut(text(execution.output), _SHOWN)] if execution.output else []
        if execution.error is not None:
            line = f" (line {execution.error.line})" if execution.error.line else ""
            parts.append(f"{execution.error.type}{line}: {_cut(text(execution.error.message), 800)}")
        if execution.url != self._url:
            self._url = execution.url
            parts.append(f"now at {execution.url} ({execution.title!r})")
        body = fence("\n".join(parts) or "(no output)")
        if execution.error is not None:
            raise ToolProblem(body)
        return body

    async def _locator(self, refs: list[str]) -> str:
        found = await self.session.locators(refs)
        return fence("\n".join(f"{ref}: {source}" for ref, source in found.items()))


@dataclass(kw_only=True)
class Workbench(Bench[Promoted | GivenUp | Refused]):
    """What writes automations: the live page, the gate, and the code written so far.

    Args:
        gate: Tries and promotes candidates.
        code: The automation as it stands; the saved one when a repair begins.
        candidates: How many refusals by the gate are left.
    """

    gate: Gate
    code: str = ""
    candidates: int = 4
    _trial: Trial | None = None

    def saw(self, text: str) -> None:
        """Lets the gate know, which holds a candidate's output against it."""
        self.gate.seen.append(text)

    async def answer(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Runs a tool that does more than look; its arguments fit its schema."""
        match name:
            case "write":
                return await self._write(**arguments)
            case "finish":
                return await self._finish(**arguments)
            case _:
                self.ended = GivenUp(str(arguments["reason"]), str(arguments["message"]))
                return "The task ends."

    async def _write(
        self,
        code: str | None = None,
        edits: list[Mapping[str, str]] | None = None,
        parameters: Mapping[str, Any] | None = None,
        start_url: str | None = None,
        reads_only: str | None = None,
    ) -> str:
        self.code = self._edited(code, edits)
        if start_url is not None:
            if self.gate.start_url_given:
                raise ToolProblem("the task names its start URL; leave start_url out")
            self.gate.executor.begin_at(start_url)
        unknown = sorted(set(parameters or {}) - set(self.gate.parameters))
        if unknown:
            raise ToolProblem(f"the task has no parameters {unknown}; it has {sorted(self.gate.parameters)}")
        self._trial = await self.gate.try_out(self.code, parameters, reads_only=reads_only)
        answer = describe_trial(self._trial, self.redactor)
        if not self._trial.good:
            raise ToolProblem(answer)
        return answer

    def _edited(self, code: str | None, edits: list[Mapping[str, str]] | None) -> str:
        if code is not None:
            return code
        if not self.code:
            raise ToolProblem("nothing is written yet: give code, the whole file")
        edited = self.code
        for edit in edits or []:
            found = edited.count(edit["old"])
            if found != 1:
                raise ToolProblem(
                    f"{edit['old'][:200]!r} stands {found} times in the automation as last written; it must stand once"
                )
            edited = edited.replace(edit["old"], edit["new"])
        return edited

    async def _finish(self, summary: str, notes: str = "", other_parameters: Mapping[str, Any] | None = None) -> str:
        if not self.code or self._trial is None:
            raise ToolProblem("write the automation first")
        if not self._trial.good:
            raise ToolProblem("not handed in: the last run was not good; mend it and write again")
        candidate = Candidate(self.code, notes, summary, other_parameters)
        self.gate.wrote = writes(await self.session.evidence(screenshot=False))
        verdict = await self.gate.promote(candidate)
        if isinstance(verdict, Promoted):
            self.ended = verdict
            untried = other_parameters and verdict.other is None
            return "Accepted." + (" other_parameters were not tried: the code changes the site." if untried else "")
        if verdict.final:
            self.ended = verdict
            return "The run failed after the irreversible action; nothing may be run again."
        self.candidates -= 1
        if self.candidates <= 0:
            self.ended = verdict
        raise ToolProblem(fence("not accepted:\n" + "\n".join(f"- {reason}" for reason in verdict.reasons)))


def _check_arguments(tools: tuple[Mapping[str, Any], ...], name: str, arguments: Mapping[str, Any]) -> None:
    """What no tool could use must not be stored first: small models write lists for texts, and texts for objects."""
    tool = next((tool for tool in tools if tool["name"] == name), None)
    if tool is None:
        raise ToolProblem(f"there is no tool {name!r}")
    if problems := OutputSchema(tool["input_schema"]).errors(arguments):
        raise ToolProblem(f"the arguments do not fit the tool {name}: {'; '.join(problems)}")


def describe_trial(trial: Trial, redactor: Redactor) -> str:
    """What a run of the automation gave, for the model: the shape of the output and a sample, or what went wrong."""
    execution = trial.execution
    if execution is None:
        return "not good:\n" + "\n".join(f"- {p}" for p in trial.problems)
    outcome = execution.outcome
    evidence = outcome.evidence
    parts: list[str] = []
    if execution.rehearsed:
        parts.append(
            f"ran {outcome.seconds:.1f} s and stopped, as it should, before the irreversible action"
            f" {execution.gates[-1][0]!r}. It is done once, after finish; what comes behind it could not be tried."
        )
    elif outcome.ok:
        parts.append(f"ran {outcome.seconds:.1f} s. Output: {describe_output(redactor.data(outcome.value))}")
    if trial.problems:
        parts.append("not good:\n" + "\n".join(f"- {p}" for p in trial.problems))
    if outcome.error is not None and not execution.rehearsed:
        shown = _cut(redactor.text(evidence.text), 300)
        parts.append(_cut(redactor.text(outcome.error.traceback), 1200))
        parts.append(f"at {evidence.url} ({evidence.title!r}), status {evidence.status}: {shown!r}")
    parts += _end_notes(trial)
    return fence("\n".join(p for p in parts if p))


def _end_notes(trial: Trial) -> list[str]:
    execution = trial.execution
    if execution is None or not execution.outcome.ok:
        return []
    evidence, notes = execution.outcome.evidence, []
    if evidence.next_controls:
        notes.append(f"Note: where it ended the page still offered {evidence.next_controls[0]!r}. Is that all of it?")
    count = rows(execution.outcome.value)
    if count is not None and evidence.counts and all(number != count for _, number in evidence.counts):
        notes.append(f"Note: where it ended the page said {evidence.counts[0][0]!r}; the output has {count} rows.")
    value = execution.outcome.value
    if isinstance(value, list) and (copies := repeated(value)):
        notes.append(
            f"Note: {copies} of the {len(value)} rows are copies of another. Do the pages of the list overlap?"
        )
    if execution.progress and execution.progress[1] is not None and execution.progress[0] != execution.progress[1]:
        notes.append(f"Note: task.progress ended at {execution.progress[0]} of {execution.progress[1]}.")
    if evidence.refused:
        notes.append(f"Refused hosts: {', '.join(sorted({h for h, _ in evidence.refused})[:5])}.")
    return notes


def describe_output(value: Any) -> str:
    """The shape of an output: for a list of rows the count, how many rows have each field, and the first and last rows.

    >>> describe_output([{"a": 1}, {"a": None}])
    '2 rows; filled: a 1/2\\n{"a": 1}\\n{"a": null}'
    """
    if isinstance(value, list):
        return _describe_rows(value)
    if isinstance(value, Mapping):
        lists = {k: v for k, v in value.items() if isinstance(v, list) and len(v) > 3}
        rest = {k: (f"<{len(v)} rows>" if k in lists else v) for k, v in value.items()}
        parts = [_cut(json.dumps(rest, ensure_ascii=False), _SAMPLE)]
        parts += [f"{k}: {_describe_rows(v)}" for k, v in lists.items()]
        return "\n".join(parts)
    return _cut(json.dumps(value, ensure_ascii=False), _SAMPLE)


def _describe_rows(value: list[Any]) -> str:
    parts = [f"{len(value)} rows"]
    if value and all(isinstance(v, Mapping) for v in value):
        names = dict.fromkeys(n for v in value for n in v)
        filled = {n: sum(v.get(n) not in (None, "", [], {}) for v in value) for n in names}
        parts[0] += "; filled: " + ", ".join(f"{n} {c}/{len(value)}" for n, c in filled.items())
    shown = value if len(value) <= 3 else [*value[:2], value[-1]]
    lines = [_cut(json.dumps(v, ensure_ascii=False), _SAMPLE // 3) for v in shown]
    if len(value) > 3:
        lines.insert(2, "…")
    return "\n".join([*parts, *lines])


def _cut(text: str, limit: int) -> str:
    return (
        text
        if len(text) <= limit
        else f"{text[: limit - limit // 4]}\n… {len(text) - limit} characters cut …\n{text[-limit // 4 :]}"
    )
