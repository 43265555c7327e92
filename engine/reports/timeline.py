"""The timeline of a task: what ran when, for how long, at what cost, as bars to scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.task.event_text import event_line
from engine.task.events import END_EVENTS, Event
from engine.task.formatting import count

_BEGINS = {
    "replay.started": "replay", "check.started": "check", "explore.started": "explore", "update.started": "update",
    "repair.started": "repair", "adopt.started": "adopt", "compile.started": "compile",
    "continuation.started": "continue",
}  # fmt: skip
_LEAST_WAIT = 0.05  # seconds; shorter ones are no waiting


@dataclass(frozen=True)
class Bar:
    """A stretch of a task's time.

    Args:
        kind: ``wait``, ``model``, ``trial``, or an attempt's kind, such as ``replay``.
        name: The bar in words.
        begin: Seconds from the task's creation.
        seconds: Its length.
        usd: Dollars for the model in it.
        note: The reason of its failure, or how it ended; may be empty.
        failed: It ended with a failure.
        inside: It is a part of the attempt before it.
    """

    kind: str
    name: str
    begin: float
    seconds: float
    usd: float = 0.0
    note: str = ""
    failed: bool = False
    inside: bool = False


@dataclass(frozen=True)
class Timeline:
    """A task's bars, in the order in which they began.

    Args:
        bars: The bars.
        seconds: The length of all.
        marks: ``(seconds, text)`` of what took no time: commits, irreversible actions.
    """

    bars: Sequence[Bar]
    seconds: float
    marks: Sequence[tuple[float, str]] = ()


def timeline_of(events: Sequence[Event]) -> Timeline:
    """Return the timeline that a task's events tell.

    >>> timeline_of([]).bars
    ()
    """
    if not events:
        return Timeline((), 0.0)
    zero = events[0].time
    bars = sorted(_bars(events, zero), key=lambda bar: (bar.begin, bar.inside))
    end = max([_since(zero, events[-1].time), *(bar.begin + bar.seconds for bar in bars)])
    return Timeline(tuple(bars), end, tuple(_marks(events, zero)))


def _bars(events: Sequence[Event], zero: datetime) -> Iterator[Bar]:
    yield from _waits(events, zero)
    began: float | None = None  # the attempt that runs
    trial: tuple[float, str] | None = None
    for event in events:
        at = _since(zero, event.time)
        if event.type in _BEGINS:
            began = at
        elif event.type == "attempt.ended":
            data = event.data
            length = float(data["seconds"])
            begin = at - length if began is None else min(began, at)
            failed, calls = data["outcome"] != "success", int(data.get("modelCalls", 0))
            note = str(data.get("reason") or "") if failed else count(calls, "model call") if calls else ""
            yield Bar(data["kind"], data["kind"], begin, at - begin, float(data.get("usd", 0.0)), note, failed)
            began = None
        elif event.type == "agent.step":
            length = 0.0 if event.data.get("recorded") else float(event.data["seconds"])
            turn, tools = event.data["turn"], ", ".join(event.data.get("tools", ()))
            yield Bar("model", f"model, turn {turn}", at - length, length, float(event.data["usd"]), tools, inside=True)
        elif event.type == "candidate.started":
            line = event_line(event)
            trial = (at, line.text if line else "trial")
        elif event.type == "candidate.finished" and trial is not None:
            good = bool(event.data["good"])
            note = "passed" if good else "; ".join(map(str, event.data.get("problems", ())))[:200]
            yield Bar("trial", trial[1], trial[0], at - trial[0], 0.0, note, not good, inside=True)
            trial = None


def _waits(events: Sequence[Event], zero: datetime) -> Iterator[Bar]:
    """Yield the waits for a slot and for the key, and those for a site that was not available."""
    queued: tuple[float, str] | None = None
    for event in events:
        at = _since(zero, event.time)
        if event.type == "task.pending":
            queued = (at, "waiting for its turn")
        elif event.type == "task.waiting":
            if queued is not None and at - queued[0] > _LEAST_WAIT:
                yield Bar("wait", queued[1], queued[0], at - queued[0])
            queued = (at, "waiting: another run holds the key")
        elif event.type in ("task.started", *END_EVENTS):
            if queued is not None and at - queued[0] > _LEAST_WAIT:
                yield Bar("wait", queued[1], queued[0], at - queued[0])
            queued = None
        elif event.type == "retry.waiting":
            yield Bar("wait", f"waiting for the site: {event.data['reason']}", at, float(event.data["seconds"]))


def _marks(events: Sequence[Event], zero: datetime) -> Iterator[tuple[float, str]]:
    for event in events:
        if event.type == "commit" or event.type.startswith("irreversible."):
            line = event_line(event)
            if line is not None:
                yield _since(zero, event.time), line.text


def _since(zero: datetime, time: datetime) -> float:
    return max(0.0, (time - zero) / timedelta(seconds=1))
