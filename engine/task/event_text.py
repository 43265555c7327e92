"""The events of a run in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.task.attempts import giving_attempt
from engine.task.events import Event
from engine.task.formatting import count, dollars, one_line, seconds
from engine.task.wire import TaskResult

Level = Literal["phase", "step", "detail"]
Data = Mapping[str, Any]

_EXCEPTION = re.compile(r"[A-Za-z_.]+( \(line \d+\))?: ")
_RULE = re.compile(r"={5,}( logs ={5,})?")  # Playwright draws it around its call logs
_RETRIED = {
    "one-time-code": "the one-time code was not taken",
    "session-ended": "the session ended",
    "site-rate-limit": "the site got too many requests",
}


@dataclass(frozen=True)
class EventLine:
    """An event as a line for a person.

    Args:
        text: The event in words, on one line.
        level: A ``phase`` begins or ends something, a ``step`` is one of the agent's, a ``detail`` belongs to a step.
        spent: The cost of the run so far; empty if the event adds none.
    """

    text: str
    level: Level = "phase"
    spent: str = ""


def event_line(event: Event) -> EventLine | None:
    """Put an event into words; return None if it tells a person nothing new."""
    if event.type == "task.pending":
        return EventLine(f"task {event.task_id}, key {one_line(str(event.data['key']))}", "detail")
    make_line = _LINES.get(event.type)
    return make_line(event.data) if make_line else None


def summary(result: TaskResult, elapsed: float) -> str:
    """Summarize a finished task in one line: its outcome, its cost, and the saved revision.

    Args:
        elapsed: Seconds that the task took.
    """
    if result.status == "canceled":
        return "canceled"
    parts = [seconds(elapsed), count(result.model_calls, "model call"), dollars(result.cost.ai_usd)]
    if not result.ok:
        reason = result.error.reason if result.error else "unknown"
        return f"failed ({reason}) after {', '.join(parts)}"
    giving = giving_attempt([(attempt.kind, attempt.outcome) for attempt in result.attempts])
    done = "done" if giving is None else _DONE[result.attempts[giving].kind]
    if result.effect != "none":
        parts.append(f"irreversible action {result.effect}")
    if (reuse := result.reuse) is not None:
        saved = "saved" if reuse.created else "updated" if reuse.updated else "unchanged"
        parts.append(f"{saved} as {reuse.key} at {reuse.revision_id[:10]}")
    return f"{done} in {', '.join(parts)}"


_DONE = {
    "adopt": "adopted",
    "compile": "compiled",
    "replay": "replayed",
    "explore": "explored",
    "update": "updated",
    "repair": "repaired",
    "continue": "result read from the open page",
}


def _problems(data: Data) -> str:
    return one_line(_RULE.sub(" ", "; ".join(map(str, data.get("problems", ())))), 240)


def _with_trouble(text: str) -> Callable[[Data], EventLine]:
    def make_line(data: Data) -> EventLine:
        first = (str(data.get("trouble") or "").splitlines() or [""])[0]
        return EventLine(f"{text}: {one_line(first, 200)}" if first else text)

    return make_line


def _step(data: Data) -> EventLine | None:
    thought = one_line(str(data["text"]), 160)
    text = f"step {data['turn']}{': ' + thought if thought else ''}"
    return EventLine(
        text, "step", f"{dollars(data['spent_usd'])} so far{' (recorded)' if data.get('recorded') else ''}"
    )


def _tool(data: Data) -> EventLine:
    arguments = data.get("code") or " ".join(f"{k}={v}" for k, v in dict(data.get("arguments") or {}).items())
    return EventLine(f"{data['tool']}  {one_line(str(arguments), 120)}".rstrip(), "detail")


def _observed(data: Data) -> EventLine | None:
    if not data["error"] or str(data["text"]).startswith("not run:"):
        return None
    lines = [line for line in str(data["text"]).splitlines() if line.strip() not in ("", "<page>", "</page>")]
    if data["tool"] == "write" and lines[:1] == ["not good:"]:
        return None  # candidate.finished has shown it
    lines = [line for line in lines if not _RULE.fullmatch(line.strip())]
    reason = next((line for line in lines if _EXCEPTION.match(line)), lines[-1] if lines else "")
    return EventLine(f"{data['tool']} failed: {one_line(reason, 160)}", "detail")


def _without_browser(data: Data) -> str:
    return ", without a browser" if data.get("kind") == "web" else ""


def _candidate(data: Data) -> EventLine:
    if data["good"]:
        where = _without_browser(data) or " in a fresh browser"
        return EventLine(f"the automation passed: {seconds(data['seconds'])}{where}")
    return EventLine(f"the automation did not pass: {_problems(data)}")


def _progress(data: Data) -> EventLine:
    total = data.get("total")
    return EventLine(f"progress {data['done']}{f' of {total}' if total else ''}", "detail")


def _retry(data: Data) -> EventLine:
    what = _RETRIED.get(str(data["reason"]), f"the site is not available ({data['reason']})")
    return EventLine(f"{what}; retrying in {seconds(data['seconds'])}")


def _replay_failed(data: Data) -> EventLine:
    if data.get("message"):  # not the code's fault
        return EventLine(f"the replay ended early: {one_line(str(data['message']), 160)}")
    return EventLine(f"the saved automation failed: {_problems(data)}")


def _check(data: Data) -> EventLine:
    return EventLine("trying the parameters of the last good run, to see if the code or these parameters are at fault")


_LINES: Mapping[str, Callable[[Data], EventLine | None]] = {
    "task.waiting": lambda data: EventLine(f"waiting: another run holds the key {one_line(str(data['key']))}"),
    "replay.started": lambda data: EventLine(
        f"replaying revision {str(data['revision'])[:10]}{_without_browser(data)}"
    ),
    "replay.repeated": lambda data: EventLine(
        "once more with the pages' pictures, to see whether runs without them give the same"
        if data["compared"]
        else "once more with the pages' pictures, which may have been missed"
    ),
    "replay.failed": _replay_failed,
    "check.started": _check,
    "retry.waiting": _retry,
    "continuation.started": lambda data: EventLine(
        "the run failed after an irreversible action; nothing is repeated, the model reads the result from the page"
    ),
    "explore.started": lambda data: EventLine("nothing is saved yet; the model explores the site"),
    "update.started": _with_trouble("the model updates the automation"),
    "repair.started": _with_trouble("the model repairs the automation"),
    "compile.started": lambda data: EventLine(
        "the model rewrites the automation without a browser"
        if data["rewritten"]
        else "the automation only sends requests: it is tried without a browser"
    ),
    "compile.finished": lambda data: EventLine(
        f"it gives the same with {count(data['sets'], 'parameter set')}; {one_line(str(data['gain']))}"
    ),
    "adopt.started": lambda data: EventLine(f"edited by hand: {one_line(', '.join(map(str, data['files'])))}"),
    "agent.step": _step,
    "agent.tool": _tool,
    "agent.observed": _observed,
    "candidate.started": lambda data: EventLine(
        f"trying the automation{_without_browser(data) or ' in a fresh browser'}"
        f"{', with other parameters' if data['other_parameters'] else ''}"
        f"{', on a slowed page' if data.get('slowed') else ''}"
    ),
    "candidate.finished": _candidate,
    "candidate.lighter": lambda data: EventLine(
        "without a browser it gives the same, and is saved so"
        if data["taken"]
        else f"it stays with a browser, for without one: {one_line(str(data['problem']), 200)}"
    ),
    "candidate.real_run": lambda data: EventLine("the rehearsal passed; starting the one real run"),
    "commit": lambda data: EventLine(
        f"committed {str(data['revision'])[:10]}{_without_browser(data)}: {one_line(str(data['subject']))}"
    ),
    "automation.log": lambda data: EventLine(f"log: {one_line(str(data['message']), 160)}", "detail"),
    "automation.progress": _progress,
    "irreversible.passed": lambda data: EventLine(f"irreversible action: {one_line(str(data['action']))}"),
    "irreversible.already_done": lambda data: EventLine(f"done before: {one_line(str(data['said']))}"),
    "irreversible.stopped": lambda data: EventLine(f"stopped {one_line(str(data['problem']), 300)}"),
    "irreversible.refused": lambda data: EventLine(
        f"irreversible action not repeated: {one_line(str(data['action']))}"
    ),
    "trace": lambda data: EventLine(f"Playwright's trace of the {data['kind']} is kept: {data['name']}", "detail"),
    "egress.refused": lambda data: EventLine(f"hosts blocked: {one_line(', '.join(data['hosts']))}", "detail"),
    "model.asked": lambda data: EventLine(f"the automation asked the model ({dollars(data['usd'])})"),
    "download": lambda data: EventLine(f"downloaded {one_line(str(data['name']))}, {data['size']} bytes", "detail"),
}
