"""The tools that look at a live page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

from engine.agent.describe import cut
from engine.agent.prompts import SYSTEM, TOOLS, fence
from engine.observation.observer import Observer
from engine.task.redaction import Redactor
from engine.task.schema import OutputSchema
from sandbox import PageSnapshot, Session

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
class PageTools(Generic[E]):
    """A live page and the tools that look at it.

    Args:
        session: The worker with the page.
        redactor: Takes secrets out of every answer.
        observer: Turns snapshots into short text.
        ended: The end of the work, once it has come.

    Attributes:
        system: The system prompt that explains the tools.
        tools: Their definitions, as the model gets them.
    """

    session: Session
    redactor: Redactor
    observer: Observer
    ended: E | None = None
    system: ClassVar[str] = SYSTEM
    tools: ClassVar[tuple[Mapping[str, Any], ...]] = TOOLS
    _url: str = ""

    async def call(self, name: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        """Run one tool; return the answer's text, and True where it is an error."""
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
        """Run a tool that does more than look; its arguments fit its schema."""
        raise ToolProblem(f"there is no tool {name!r}")

    def note_seen(self, text: str) -> None:
        """Note a text that the model was shown of the page."""

    async def first_look(self) -> str:
        """Return the page as the first message shows it, once what it loads late has come."""
        await self.session.execute(_SETTLE)
        snapshot = await self._snapshot()
        self._url = snapshot.url
        return fence(await asyncio.to_thread(self.observer.first, snapshot))

    async def _snapshot(self) -> PageSnapshot:
        """Take a snapshot without secrets: taken out before anything is cut, lest the beginning of one is left."""
        seen = await self.session.snapshot()
        text = self.redactor.text
        hints = tuple((kind, text(hint)) for kind, hint in seen.hints)
        self.note_seen(seen.aria)
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
        self.note_seen(execution.output)
        text = self.redactor.text
        parts = [cut(text(execution.output), _SHOWN)] if execution.output else []
        if execution.error is not None:
            line = f" (line {execution.error.line})" if execution.error.line else ""
            parts.append(f"{execution.error.type}{line}: {cut(text(execution.error.message), 800)}")
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


def _check_arguments(tools: tuple[Mapping[str, Any], ...], name: str, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that no tool could use: small models write lists for texts, and texts for objects."""
    tool = next((tool for tool in tools if tool["name"] == name), None)
    if tool is None:
        raise ToolProblem(f"there is no tool {name!r}")
    if problems := OutputSchema(tool["input_schema"]).errors(arguments):
        raise ToolProblem(f"the arguments do not fit the tool {name}: {'; '.join(problems)}")
