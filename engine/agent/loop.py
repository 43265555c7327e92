"""The agent's loop: ask the model, run the tools it calls, show it their answers, until it finishes or gives up."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from engine.agent.calls import known_tool
from engine.agent.history import CHARS_PER_TOKEN, History, Window, too_small
from engine.agent.page_tools import GivenUp, PageTools
from engine.agent.repetition import ENDED_AT, TOLD_AT, Repetition
from engine.errors import AgentStuck, ModelRejected
from engine.models.base import LEAST_WINDOW, ModelReply, ModelRequest
from engine.models.budget import ModelBudget
from engine.models.messages_api import sendable
from engine.task.events import EventLog
from engine.task.text import collapse, shorten

_SILENT_TURNS = 3  # answers in a row without a tool call
_COMPACTIONS = 3
_MOST_CHARS_PER_TOKEN = 6.0  # no tokenizer takes more on average
_READ_AT_LEAST = 0.7
_ADVISED_WINDOW = 16_384
_KEPT = 20_000  # characters of a text in the trace, which reports show whole
_SHOWS_THE_PAGE = ("look", "python")
_LONGEST_PROBLEM = 300  # characters of a tool's answer in an error


E = TypeVar("E")


@dataclass
class Agent(Generic[E]):
    """Works on one task until the tools say that it has ended.

    Args:
        budget: Pays for the model.
        tools: The tools, with the system prompt that explains them.
        events: Takes an event for each step.
        turns: Most requests.
        window: The model's context window.
    """

    budget: ModelBudget
    tools: PageTools[E]
    events: EventLog
    turns: int
    window: Window = field(default_factory=Window)
    _history: History = field(default_factory=lambda: History(Window(), 0))
    _repetition: Repetition = field(default_factory=Repetition)
    _problem: str = ""

    async def work(self, assignment: str) -> E | GivenUp:
        """Run the loop.

        Raises:
            AgentStuck: No turn is left, or the model stopped calling tools.
            ModelError: The model cannot be asked, or the budget is used up.
        """
        self._history = History(self.window, len(self.tools.system) + len(json.dumps(self.tools.tools)))
        self._history.add("user", {"type": "text", "text": assignment})
        self._history.shorten()
        await self.events.emit("agent.prompted", text=assignment[:_KEPT])
        self.tools.take_picture()
        silent = 0
        for turn in range(1, self.turns + 1):
            reply = await self._query()
            reply = replace(reply, content=tuple(sendable(block) for block in reply.content))
            self._history.add("assistant", *reply.content)
            await self._emit_step(turn, reply)
            if reply.stop_reason == "refusal":
                return GivenUp("model-refused", self._refusal(reply))
            answers = await self._execute(reply)
            if self.tools.ended is not None:
                return self.tools.ended
            silent = 0 if answers else silent + 1
            if silent >= _SILENT_TURNS:
                raise AgentStuck(
                    f"{self.budget.model.name} answered {silent} times without calling a tool (it said: "
                    f"{shorten(reply.text, 200)!r}); {self._why_silent(reply)}",
                    reason="agent-silent",
                    said=reply.text[:500],
                )
            told = self._repeated()
            self._history.add("user", *(answers or [_nudge(reply)]), *told)
            self._history.shorten(getattr(self.tools, "code", ""))
        last = f"; the last problem: {self._problem}" if self._problem else ""
        raise AgentStuck(f"no automation after {self.turns} turns{last}; raise Limits.turns", reason="turns")

    def _refusal(self, reply: ModelReply) -> str:
        """Return what to say where the provider let no answer through, which says nothing of the task."""
        said = f" (it said: {shorten(reply.text, 200)!r})" if reply.text else ""
        return (
            f"{self.budget.model.name} or its provider refuses to answer{said}; another model, or the task in other"
            " words, may get further"
        )

    def _repeated(self) -> list[dict[str, Any]]:
        """Tell the model that it goes in circles, and end the work if it goes on with that."""
        times = self._repetition.turns
        if times >= ENDED_AT:
            last = f": {self._problem}" if self._problem else ""
            raise AgentStuck(
                f"{self.budget.model.name} made the same calls {times} times and got the same answers{last}; a larger"
                " model, or a task in other words, may get further",
                reason="stuck",
                problem=self._problem,
            )
        if times < TOLD_AT:
            return []
        said = (
            f"You made the same call {times} times, with the same answer. Do something else: the sixth ends the task."
        )
        return [{"type": "text", "text": said}]

    async def _query(self) -> ModelReply:
        """Ask the model; where its window is too small for the prompt, with a shorter history again."""
        for attempt in itertools.count(1):
            request = ModelRequest(
                purpose="agent",
                system=self.tools.system,
                tools=self.tools.tools,
                messages=tuple(self._history.messages),
                max_tokens=self.window.answer_tokens,
            )
            try:
                return await self.budget.query(request)
            except ModelRejected as error:
                if error.details.get("reason") != "context-window" or attempt > _COMPACTIONS:
                    raise
                self._narrow(error)
        raise AssertionError("unreachable")

    def _narrow(self, error: ModelRejected) -> None:
        """Take the window that the endpoint names, or a smaller one than was tried, and shorten the history to it."""
        tried = int(self._history.chars / CHARS_PER_TOKEN) + self.window.answer_tokens
        named = int(error.details.get("window") or 0)
        tokens = min(named or tried, tried * 3 // 4)
        if tokens < LEAST_WINDOW:
            raise too_small(tokens, self.budget.model.name) from error
        self.window.tokens = tokens
        self._history.shorten(getattr(self.tools, "code", ""))

    def _why_silent(self, reply: ModelReply) -> str:
        """Return what may keep the model from calling tools, in words."""
        read, sent = reply.usage.prompt_tokens, int(self._history.chars / _MOST_CHARS_PER_TOKEN)
        if 0 < read < sent * _READ_AT_LEAST:
            return (
                f"it was sent about {sent} tokens and read {read}, so the endpoint cuts the prompt: raise its context"
                f" window (Ollama: num_ctx) to {_ADVISED_WINDOW} or more"
            )
        return (
            "is it a model, and a server, with tool calling? llama.cpp needs --jinja; the context window should have"
            f" {_ADVISED_WINDOW} tokens or more"
        )

    async def _execute(self, reply: ModelReply) -> list[dict[str, Any]]:
        """Answer every tool call of the reply; once the task has ended the others are not run."""
        answers: list[dict[str, Any]] = []
        made: list[tuple[str, Mapping[str, Any], str]] = []
        failed = False
        self.tools.begin_turn([known_tool(str(use["name"]), self.tools.tools) or "" for use in reply.tool_uses])
        for use in reply.tool_uses:
            name, arguments = str(use["name"]), use["input"]
            if self.tools.ended is not None or (failed and name == "finish"):
                text, wrong = "not run: the call before it failed", True
            elif reply.stop_reason == "max_tokens":
                text, wrong = "the answer was cut off at its length; send less at once", True
            else:
                await self.events.emit("agent.tool", tool=name, **_summary(name, arguments))
                text, wrong = await self.tools.call(name, arguments)
                await self.events.emit("agent.observed", tool=name, error=wrong, text=text[:_KEPT])
                if name in _SHOWS_THE_PAGE:
                    self.tools.take_picture()
            failed = failed or wrong
            if wrong:
                self._problem = shorten(collapse(text.replace("<page>", "").replace("</page>", "")), _LONGEST_PROBLEM)
            made.append((name, arguments, text))
            answers.append({"type": "tool_result", "tool_use_id": use["id"], "content": text, "is_error": wrong})
        self._repetition.note(made)
        return answers

    async def _emit_step(self, turn: int, reply: ModelReply) -> None:
        await self.events.emit(
            "agent.step",
            turn=turn,
            text=reply.text[:_KEPT],
            tools=[str(use["name"]) for use in reply.tool_uses],
            usd=reply.cost_usd,
            spent_usd=self.budget.spent_usd,
            prompt_tokens=reply.usage.prompt_tokens,
            output_tokens=reply.usage.output_tokens,
            seconds=reply.seconds,
            recorded=reply.recorded,
        )


def _nudge(reply: ModelReply) -> dict[str, Any]:
    if reply.stop_reason == "max_tokens":
        said = "The answer was cut off at its length. Say less, and call a tool: write with code, or python."
    elif "{" in reply.text or "```" in reply.text or "def run(" in reply.text:
        said = "No tool was called: your text had code in it, which runs nothing. Call the tool: write, with code."
    else:
        said = (
            "No tool was called. Go on with a tool: python to try things on the page, write and finish when the"
            " automation is ready."
        )
    return {"type": "text", "text": said}


def _summary(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a call that a person wants to see, short."""
    if name in ("python", "write"):
        code = str(arguments.get("code") or arguments.get("edits") or "")
        return {"code": code[:_KEPT]}
    return {"arguments": {k: str(v)[:_KEPT] for k, v in arguments.items()}}
