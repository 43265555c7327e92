"""Tells the events of a run in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine import Event, TaskResult
from engine.cli.output import count, dollars, one_line, seconds

Weight = Literal["phase", "step", "detail"]
Data = Mapping[str, Any]

_EXCEPTION = re.compile(r"[A-Za-z_.]+( \(line \d+\))?: ")
_RULE = re.compile(r"={5,}( logs ={5,})?")  # Playwright's, around what it waited for


@dataclass(frozen=True)
class EventLine:
    """One thing that happened, for a person.

    Args:
        text: In words, on one line.
        weight: A ``phase`` begins or ends something, a ``step`` is one of the agent's, a ``detail`` explains a step.
        spent: What the run has cost by now, where that is news.
    """

    text: str
    weight: Weight = "phase"
    spent: str = ""


def narrate(event: Event) -> EventLine | None:
    """The event in words; None where it tells a person nothing new."""
    if event.type == "task.pending":
        return EventLine(f"task {event.task_id}, key {one_line(str(event.data['key']))}", "detail")
    tell = _LINES.get(event.type)
    return tell(event.data) if tell else None


def summary(result: TaskResult, elapsed: float) -> str:
    """A finished task in one line: how it ended, what it took, what was saved."""
    if result.status == "canceled":
        return "canceled"
    parts = [seconds(elapsed), count(result.model_calls, "model call"), dollars(result.cost.ai_usd)]
    if not result.ok:
        reason = result.error.reason if result.error else "unknown"
        return f"failed ({reason}) after {', '.join(parts)}"
    how = [attempt.kind for attempt in result.attempts if attempt.outcome == "success" and attempt.kind in _DONE]
    if result.effect != "none":
        parts.append(f"irreversible action {result.effect}")
    if (reuse := result.reuse) is not None:
        saved = "saved" if reuse.created else "updated" if reuse.updated else "unchanged"
        parts.append(f"{saved} as {reuse.key} at {reuse.revision_id[:10]}")
    return f"{' and '.join(_DONE[kind] for kind in how) or 'done'} in {', '.join(parts)}"


_DONE = {
    "adopt": "adopted",
    "replay": "replayed",
    "explore": "explored",
    "update": "updated",
    "repair": "repaired",
    "continue": "read off the page left open",
}


def _problems(data: Data) -> str:
    return one_line(_RULE.sub(" ", "; ".join(map(str, data.get("problems", ())))), 240)


def _trouble(what: str) -> Callable[[Data], EventLine]:
    def tell(data: Data) -> EventLine:
        first = (str(data.get("trouble") or "").splitlines() or [""])[0]
        return EventLine(f"{what}: {one_line(first, 200)}" if first else what)

    return tell


def _step(data: Data) -> EventLine | None:
    said = one_line(str(data["text"]), 160)
    text = f"step {data['turn']}{': ' + said if said else ''}"
    return EventLine(
        text, "step", f"{dollars(data['spent_usd'])} so far{' (recorded)' if data.get('recorded') else ''}"
    )


def _tool(data: Data) -> EventLine:
    given = data.get("code") or " ".join(f"{k}={v}" for k, v in dict(data.get("arguments") or {}).items())
    return EventLine(f"{data['tool']}  {one_line(str(given), 120)}".rstrip(), "detail")


def _observed(data: Data) -> EventLine | None:
    if not data["error"] or str(data["text"]).startswith("not run:"):
        return None
    lines = [line for line in str(data["text"]).splitlines() if line.strip() not in ("", "<page>", "</page>")]
    if data["tool"] == "write" and lines[:1] == ["not good:"]:
        return None  # candidate.finished has told it
    lines = [line for line in lines if not _RULE.fullmatch(line.strip())]
    said = next((line for line in lines if _EXCEPTION.match(line)), lines[-1] if lines else "")
    return EventLine(f"{data['tool']} failed: {one_line(said, 160)}", "detail")


def _candidate(data: Data) -> EventLine:
    if data["good"]:
        return EventLine(f"the automation works: {seconds(data['seconds'])} in a fresh browser")
    return EventLine(f"the automation is not good enough: {_problems(data)}")


def _progress(data: Data) -> EventLine:
    total = data.get("total")
    return EventLine(f"progress {data['done']}{f' of {total}' if total else ''}", "detail")


def _check(data: Data) -> EventLine:
    return EventLine("trying the parameters of the last good run: is it the code, or these parameters?")


_LINES: Mapping[str, Callable[[Data], EventLine | None]] = {
    "task.waiting": lambda data: EventLine(f"waiting: another run holds the key {one_line(str(data['key']))}"),
    "replay.started": lambda data: EventLine(f"replaying revision {str(data['revision'])[:10]}"),
    "replay.failed": lambda data: EventLine(f"the saved automation does not hold any more: {_problems(data)}"),
    "check.started": _check,
    "retry.waiting": lambda data: EventLine(
        f"the site is away ({data['reason']}); another try in {seconds(data['seconds'])}"
    ),
    "continuation.started": lambda data: EventLine(
        "it failed after something irreversible; nothing is done again, the model reads what came of it"
    ),
    "explore.started": lambda data: EventLine("nothing is saved yet; the model explores the site"),
    "update.started": _trouble("the model updates the automation"),
    "repair.started": _trouble("the model repairs the automation"),
    "adopt.started": lambda data: EventLine(f"edited by hand: {one_line(', '.join(map(str, data['files'])))}"),
    "agent.step": _step,
    "agent.tool": _tool,
    "agent.observed": _observed,
    "candidate.started": lambda data: EventLine(
        f"trying the automation in a fresh browser{', with other parameters' if data['other_parameters'] else ''}"
    ),
    "candidate.finished": _candidate,
    "candidate.real_run": lambda data: EventLine("rehearsed well; now the one real run"),
    "commit": lambda data: EventLine(f"committed {str(data['revision'])[:10]}: {one_line(str(data['subject']))}"),
    "automation.log": lambda data: EventLine(f"log: {one_line(str(data['message']), 160)}", "detail"),
    "automation.progress": _progress,
    "irreversible.passed": lambda data: EventLine(f"irreversible: {one_line(str(data['action']))}"),
    "irreversible.refused": lambda data: EventLine(f"not done a second time: {one_line(str(data['action']))}"),
    "egress.refused": lambda data: EventLine(f"kept from: {one_line(', '.join(data['hosts']))}", "detail"),
    "model.asked": lambda data: EventLine(f"the automation asked the model for a judgment ({dollars(data['usd'])})"),
    "download": lambda data: EventLine(f"downloaded {one_line(str(data['name']))}, {data['size']} bytes", "detail"),
}
