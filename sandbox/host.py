"""What the embedding program does for an automation: the other side of ``task``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any

from sandbox.errors import AskRefused, SandboxError


class GateDecision(StrEnum):
    """The answer to "may this irreversible action be done now?"."""

    GO = "go"
    REHEARSE = "rehearse"
    """Stop here: all before the action worked."""
    REFUSE = "refuse"


class Host:
    """Callbacks of the embedding program. Override what you need; the defaults do nothing, or refuse.

    An `AskRefused` or `SandboxError` raised here reaches the automation as an error. Any other exception ends
    the worker
    and is raised by the call that was running.
    """

    async def log(self, message: str) -> None:
        """A line from ``task.log`` or ``print``. Untrusted text."""

    async def progress(self, done: int, total: int | None) -> None:
        """From ``task.progress``."""

    async def gate(self, action: str, key: str | None) -> GateDecision:
        """May the automation do ``action``, which cannot be undone? ``key`` tells the items of a loop apart."""
        return GateDecision.REFUSE

    async def gate_closed(self, action: str, key: str | None, error: str | None) -> None:
        """The irreversible block has ended; ``error`` is None if nothing went wrong in it."""

    async def ask(self, prompt: str, content: str, schema: dict[str, Any] | None) -> Any:
        """Answer a question about ``content`` (untrusted), in the form of ``schema``."""
        raise AskRefused("this host does not support task.ask")

    async def download(
        self, name: str, content_type: str, url: str | None, chunks: AsyncIterator[bytes]
    ) -> dict[str, Any]:
        """Keep a file. ``name`` is as the site gave it: sanitize it. Returns what the automation gets to see of it."""
        raise SandboxError("this host does not support task.download and task.attach")
