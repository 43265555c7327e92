"""The agent's loop: ask the model, run the tools it calls, show it their answers, until it finishes or gives up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from engine.agent.page_tools import GivenUp, PageTools
from engine.errors import AgentStuck
from engine.models.base import ModelReply, ModelRequest
from engine.models.budget import ModelBudget
from engine.models.messages_api import sendable
from engine.task.events import EventLog

_ANSWER_TOKENS = 8192
_SILENT_TURNS = 3  # answers in a row without a tool call
_HISTORY_CHARS = 150_000  # above this, old tool answers leave the prompt; 100K tokens cost five times as much
_KEPT_MESSAGES = 8
_SHORT_ANSWER = 400  # characters; shorter answers stay


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
                    f"the model answered {silent} times without using a tool",
                    reason="agent-silent",
                    said=reply.text[:500],
                )
            self._messages.append(_user(*(answers or [_nudge(reply)])))
            self._shorten_history()
        raise AgentStuck(f"no automation after {self.turns} turns; raise Limits.turns", reason="turns")

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
        answers = []
        failed = False
        self.tools.begin_turn()
        for use in reply.tool_uses:
            name, arguments = str(use["name"]), use["input"]
            if self.tools.ended is not None or (failed and name == "finish"):
                text, wrong = "not run: the call before it failed", True
            elif reply.stop_reason == "max_tokens" or not isinstance(arguments, Mapping):
                text, wrong = "the answer was cut off at its length; send less at once", True
            else:
                await self.events.emit("agent.tool", tool=name, **_summary(name, arguments))
                text, wrong = await self.tools.call(name, arguments)
                await self.events.emit("agent.observed", tool=name, error=wrong, text=text[:2000])
            failed = failed or wrong
            answers.append({"type": "tool_result", "tool_use_id": use["id"], "content": text, "is_error": wrong})
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
    why = "The answer was cut off at its length." if reply.stop_reason == "max_tokens" else "No tool was called."
    return {
        "type": "text",
        "text": f"{why} Go on with a tool: write and finish when the automation is ready, or give_up.",
    }


def _summary(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a call that a person wants to see, short."""
    if name in ("python", "write"):
        code = str(arguments.get("code") or arguments.get("edits") or "")
        return {"code": code[:4000]}
    return {"arguments": {k: str(v)[:500] for k, v in arguments.items()}}
