"""The tools that look at a live page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from engine.agent.calls import fitted, known_tool, misfit, unknown_tool
from engine.agent.describe import cut
from engine.agent.prompts import SYSTEM, TOOLS, fence
from engine.execution.pictures import Pictures
from engine.gate.unawaited import unawaited_calls
from engine.observation.observer import Observer
from engine.task.redaction import Redactor
from sandbox import PageSnapshot, SandboxLimitExceeded, Session, WorkerDied
from sandbox.cutting import cut_each

_SETTLE = """\
from playwright.async_api import TimeoutError as _NeverQuiet
try:
    await page.wait_for_load_state("networkidle", timeout=2500)
except _NeverQuiet:
    pass
"""


SHOWN = 4000  # characters of a tool's answer otherwise
_REOPENED = "the page was opened anew at the start URL, and what python had defined is gone; do less in one step"
_TEXT = re.compile(r"""\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'""")
# Words that every prompt has: a secret that is one of them is told by taking it out, not by leaving it
_KNOWN_WORDS = frozenset(re.findall(r"[a-z]+", f"{SYSTEM} {TOOLS}".casefold()))


@dataclass(frozen=True)
class GivenUp:
    """The model says that no automation can do this."""

    reason: str
    message: str


class ToolProblem(Exception):
    """The call was wrong; its text is the answer to the model."""


E = TypeVar("E")


@dataclass(kw_only=True)
class PageTools(Generic[E]):
    """A live page and the tools that look at it.

    Args:
        session: The worker with the page.
        redactor: Takes secrets out of every answer.
        observer: Turns snapshots into short text.
        ended: The end of the work, once it has come.
        shown: Most characters of what a step printed.
        pictures: Takes a picture after each look and step, while the model thinks; None for none.
        system: The system prompt that explains the tools.
        tools: Their definitions, as the model gets them.
    """

    session: Session
    redactor: Redactor
    observer: Observer
    ended: E | None = None
    shown: int = SHOWN
    pictures: Pictures | None = None
    system: str = SYSTEM
    tools: tuple[Mapping[str, Any], ...] = TOOLS
    _url: str = ""

    async def call(self, name: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        """Run one tool; return the answer's text, and True where it is an error."""
        if self.pictures is not None:
            await self.pictures.finish()
        try:
            name, arguments = _checked(self.tools, name, arguments)
            match name:
                case "look":
                    return await self._look(**arguments), False
                case "python":
                    return await self._python(**arguments)
                case "locator":
                    return await self._locator(**arguments), False
                case _:
                    answer, wrong = await self.answer(name, arguments), False
        except ToolProblem as problem:
            answer, wrong = str(problem), True
        return self.redactor.text(answer, known=_KNOWN_WORDS), wrong

    def take_picture(self) -> None:
        """Begin to take a picture of the page as it is now."""
        if self.pictures is not None:
            self.pictures.begin(self.session)

    async def answer(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Run a tool that does more than look; its arguments fit its schema."""
        raise ToolProblem(f"there is no tool {name!r}")

    async def reopen(self, error: SandboxLimitExceeded | WorkerDied) -> None:
        """Open the page anew, whose worker a step has ended; here nothing can.

        Raises:
            SandboxLimitExceeded, WorkerDied: That error.
        """
        raise error

    def begin_turn(self, calls: Sequence[str] = ()) -> None:
        """Note that the model has seen all answers so far, and that its next calls come.

        Args:
            calls: The names of the tools that it calls.
        """

    def note_seen(self, text: str) -> None:
        """Note a text that the model was shown of the page."""

    async def first_look(self) -> str:
        """Return the page as the first message shows it, once what it loads late has come."""
        settled = await self.session.execute(_SETTLE)
        snapshot = await self._snapshot()
        self._url = snapshot.url
        look = await asyncio.to_thread(self.observer.first, snapshot)
        notices = self.redactor.texts(settled.notices)
        return fence("\n".join([look, *(f"({notice})" for notice in notices)]))

    async def _snapshot(self) -> PageSnapshot:
        seen = await self.session.snapshot()
        self.note_seen(seen.aria)
        return seen

    async def _look(self, find: str | None = None, unfold: str | None = None) -> str:
        snapshot = await self._snapshot()
        if find:
            return fence(await asyncio.to_thread(self.observer.find, snapshot, find))
        if unfold:
            return fence(await asyncio.to_thread(self.observer.unfold, snapshot, unfold))
        return fence(await asyncio.to_thread(self.observer.again, snapshot))

    async def _python(self, code: str) -> tuple[str, bool]:
        try:
            execution = await self.session.execute(code)
        except (SandboxLimitExceeded, WorkerDied) as ended:
            await self.reopen(ended)
            endless = isinstance(ended, SandboxLimitExceeded) and ended.limit == "wall_seconds"
            how = "the step was still running when its time was over" if endless else str(ended)
            return f"{how}; {_REOPENED}", True
        self.note_seen(execution.output)
        error = execution.error
        # Secrets are taken out of what the page and the code say, before it is cut; the words around are the engine's.
        said = [execution.url, execution.title, error.message if error is not None else ""]
        url, title, message, *rest = self.redactor.texts([*said, *execution.notices, *execution.values])
        notices, values = rest[: len(execution.notices)], rest[len(execution.notices) :]
        output = "".join(cut_each(values, self.shown))
        parts = [output] if output else []
        if error is not None:
            line = f" (line {error.line})" if error.line else ""
            parts.append(f"{error.type}{line}: {cut(message, 800)}")
        if execution.url != self._url:
            self._url = execution.url
            parts.append(f"now at {url} ({title!r})")
        parts += [f"({notice})" for notice in notices]
        parts += unawaited_calls(code)
        return fence("\n".join(parts) or _why_nothing(code)), error is not None

    async def _locator(self, refs: list[str]) -> str:
        found = await self.session.locators(refs)
        sources = [_TEXT.sub(lambda text: self.redactor.text(text[0]), source) for source in found.values()]
        return fence("\n".join(f"{ref}: {source}" for ref, source in zip(found, sources, strict=True)))


def _why_nothing(code: str) -> str:
    defined = re.search(r"^(?:async )?def run\(", code, re.MULTILINE)
    return "(no output: run was defined, not called; the tool write runs it)" if defined else "(no output)"


def _checked(
    tools: tuple[Mapping[str, Any], ...], name: str, arguments: Mapping[str, Any]
) -> tuple[str, Mapping[str, Any]]:
    """Return the tool and the arguments that a call means, or refuse what no tool could use."""
    known = known_tool(name, tools)
    if known is None:
        raise ToolProblem(unknown_tool(name, tools))
    tool = next(tool for tool in tools if tool["name"] == known)
    arguments = fitted(arguments, tool)
    if (problem := misfit(arguments, tool)) is not None:
        raise ToolProblem(problem)
    return known, arguments
