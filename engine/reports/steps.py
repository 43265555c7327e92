"""The steps of a model at work: what it saw, said and ran, turn by turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.task.events import Event

_ATTEMPTS = ("explore.started", "update.started", "repair.started", "continuation.started")


@dataclass
class ToolCall:
    """A call of a tool, and its answer.

    Args:
        tool: Name of the tool.
        code: The Python that it was given; empty for other tools.
        arguments: Other arguments.
        answer: The answer as the model saw it.
        error: The answer is an error.
        pictures: Names of the pictures that were taken after it.
    """

    tool: str
    code: str = ""
    arguments: dict[str, str] = field(default_factory=dict)
    answer: str = ""
    error: bool = False
    pictures: list[str] = field(default_factory=list)


@dataclass
class Turn:
    """One answer of the model, and the calls in it.

    Args:
        attempt: ``explore``, ``update``, ``repair`` or ``continuation``.
        number: Its number in that attempt, from 1.
        text: The text beside the calls.
        calls: The calls, in order.
        usd: Its cost.
        seconds: The time that the model took.
        prompt_tokens: The length of the prompt.
        output_tokens: The length of the answer.
        recorded: The answer came from a recording.
        pictures: Names of the pictures that were taken before it: what the model saw first.
    """

    attempt: str
    number: int
    text: str
    usd: float
    seconds: float
    prompt_tokens: int
    output_tokens: int
    recorded: bool
    calls: list[ToolCall] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)


def turns_of(events: Sequence[Event]) -> list[Turn]:
    """Return the turns that a task's events tell."""
    found: list[Turn] = []
    attempt = ""
    before: list[str] = []
    for event in events:
        data = event.data
        calls = found[-1].calls if found else []
        if event.type in _ATTEMPTS:
            attempt, before = event.type.partition(".")[0], []
        elif event.type == "agent.step":
            found.append(
                Turn(
                    attempt, int(data["turn"]), str(data["text"]), float(data["usd"]), float(data["seconds"]),
                    int(data["prompt_tokens"]), int(data["output_tokens"]), bool(data.get("recorded")), pictures=before,
                )
            )  # fmt: skip
            before = []
        elif event.type == "agent.tool" and found:
            arguments = {str(name): str(value) for name, value in dict(data.get("arguments") or {}).items()}
            calls.append(ToolCall(str(data["tool"]), str(data.get("code", "")), arguments))
        elif event.type == "agent.observed" and calls:
            unanswered = next((each for each in calls if not each.answer and each.tool == data["tool"]), calls[-1])
            unanswered.answer, unanswered.error = str(data["text"]), bool(data["error"])
        elif event.type == "picture":
            answered = [each for each in calls if each.answer]
            (answered[-1].pictures if answered else before).append(str(data["name"]))
    return found
