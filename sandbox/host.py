"""The embedding program's side of ``task``: callbacks for what an automation asks of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any

from sandbox.errors import AskRefused, SandboxError
from sandbox.page_map import PageMap


class GateDecision(StrEnum):
    """The answer to an automation that is about to do something irreversible."""

    GO = "go"
    REHEARSE = "rehearse"
    """Stop before the action, as a rehearsal: everything up to it worked."""
    REFUSE = "refuse"


class Host:
    """Callbacks of the embedding program. Override those you need; the defaults do nothing, or refuse.

    An `AskRefused` or `SandboxError` raised here reaches the automation as an error. Any other exception ends the
    worker and is raised by the call that was running.
    """

    async def log(self, message: str) -> None:
        """Take a line from ``task.log`` or ``print``. Untrusted text."""

    async def progress(self, done: int, total: int | None) -> None:
        """Take a report from ``task.progress``: so many items done, of so many in all, if that is known."""

    async def before_gate(self, action: str, pages: tuple[PageMap, ...]) -> None:
        """Take the open pages as they are right before an irreversible action; `gate` is called next. Untrusted."""

    async def gate(self, action: str, key: str | None) -> GateDecision:
        """Decide on an irreversible action. ``key`` distinguishes the items of a loop."""
        return GateDecision.REFUSE

    async def gate_closed(self, action: str, key: str | None, error: str | None) -> None:
        """Take note that the block of an irreversible action ended; ``error`` is None if it succeeded."""

    async def already_done(self, said: str) -> None:
        """Take note that the site shows the effect of an earlier run, in these words. Untrusted text."""

    async def ask(self, prompt: str, content: str, schema: dict[str, Any] | None) -> Any:
        """Answer a question about ``content`` (untrusted), in the form of ``schema``.

        Raises:
            AskRefused: The question is not answered.
        """
        raise AskRefused("this host does not support task.ask")

    async def trace(self, data: bytes) -> None:
        """Take a part of Playwright's trace of the run, a ZIP file; an empty part ends it. Untrusted.

        It is called only where a trace was asked for, with no more bytes than were.
        """

    async def download(
        self, name: str, content_type: str, url: str | None, chunks: AsyncIterator[bytes]
    ) -> dict[str, Any]:
        """Store a file.

        Args:
            name: The name that the site gave it. Untrusted: sanitize it.
            content_type: The media type that the site gave it.
            url: The address that it came from, if it was downloaded.
            chunks: The content.

        Returns:
            The description of the file that the automation gets.
        """
        raise SandboxError("this host does not support task.download and task.attach")
