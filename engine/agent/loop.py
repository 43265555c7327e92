"""The agent's loop: ask the model, run the tools it calls, show it their answers, until it finishes or gives up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from engine.agent.calls import known_tool
from engine.agent.page_tools import GivenUp, PageTools
from engine.agent.repetition import ENDED_AT, TOLD_AT, Repetition
from engine.errors import AgentStuck
from engine.models.base import ModelReply, ModelRequest
from engine.models.budget import ModelBudget
from engine.models.messages_api import sendable
from engine.task.events import EventLog
from engine.task.text import collapse, shorten

_ANSWER_TOKENS = 8192
_SILENT_TURNS = 3  # answers in a row without a tool call
_HISTORY_CHARS = 150_000  # above this, old tool answers leave the prompt; 100K tokens cost five times as much
_KEPT_MESSAGES = 8
_SHORT_ANSWER = 400  # characters; shorter answers stay
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
    """

    budget: ModelBudget
    tools: PageTools[E]
    events: EventLog
    turns: int
    _messages: list[dict[str, Any]] = field(default_factory=list)
    _repetition: Repetition = field(default_factory=Repetition)
    _problem: str = ""

    async def work(self, assignment: str) -> E | GivenUp:
        """Run the loop.

        Raises:
            AgentStuck: No turn is left, or the model stopped calling tools.
            ModelError: The model cannot be asked, or the budget is used up.
        """
        self._messages = [_user({"type": "text", "text": assignment})]
        silent = 0
        for turn in range(1, self.turns + 1):
            reply = await self._query()
            reply = replace(reply, content=tuple(sendable(block) for block in reply.content))
            self._messages.append({"role": "assistant", "content": [dict(b) for b in reply.content]})
            await self._emit_step(turn, reply)
            if reply.stop_reason == "refusal":
                return GivenUp("harmful", reply.text or "the model refused the task")
            answers = await self._execute(reply)
            if self.tools.ended is not None:
                return self.tools.ended
            silent = 0 if answers else silent + 1
            if silent >= _SILENT_TURNS:
                raise AgentStuck(
                    f"{self.budget.model.name} answered {silent} times without calling a tool (it said: "
                    f"{shorten(reply.text, 200)!r}); is it a model, and a server, with tool calling? llama.cpp needs"
                    " --jinja; the context window should have 16k tokens or more",
                    reason="agent-silent",
                    said=reply.text[:500],
                )
            told = self._repeated()
            self._messages.append(_user(*(answers or [_nudge(reply)]), *told))
            self._shorten_history()
        last = f"; the last problem: {self._problem}" if self._problem else ""
        raise AgentStuck(f"no automation after {self.turns} turns{last}; raise Limits.turns", reason="turns")

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
        request = ModelRequest(
            purpose="agent",
            system=self.tools.system,
            tools=self.tools.tools,
            messages=tuple(self._messages),
            max_tokens=_ANSWER_TOKENS,
        )
        return await self.budget.query(request)

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
                await self.events.emit("agent.observed", tool=name, error=wrong, text=text[:2000])
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
            text=reply.text[:500],
            tools=[str(use["name"]) for use in reply.tool_uses],
            usd=reply.cost_usd,
            spent_usd=self.budget.spent_usd,
            prompt_tokens=reply.usage.prompt_tokens,
            output_tokens=reply.usage.output_tokens,
            seconds=reply.seconds,
            recorded=reply.recorded,
        )

    def _shorten_history(self) -> None:
        """Cut old tool answers in one large step, since each change costs the cache from there on."""
        if sum(len(str(m["content"])) for m in self._messages) < _HISTORY_CHARS:
            return
        for message in self._messages[1:-_KEPT_MESSAGES]:
            for block in message["content"]:
                if block.get("type") == "tool_result" and len(block["content"]) > _SHORT_ANSWER:
                    block["content"] = (
                        block["content"][:_SHORT_ANSWER] + "\n(the rest has left the history; look again)"
                    )


def _user(*blocks: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": [dict(b) for b in blocks]}


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
        return {"code": code[:4000]}
    return {"arguments": {k: str(v)[:500] for k, v in arguments.items()}}
