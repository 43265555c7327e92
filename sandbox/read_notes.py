"""Notes on what an automation reads, as ``task`` makes them: its own requests are no reads of the automation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from playwright.async_api import Locator

_own: ContextVar[bool] = ContextVar("own request", default=False)


class ReadNotes(Protocol):
    """The maps of a run; see `sandbox.inside.maps`."""

    async def link(self, source: Locator) -> str | None:
        """Return the map of the item that a link stands in, for the file that it leads to."""

    def note_file(self, link: str | None, url: str | None, name: str, head: bytes) -> None:
        """Note a file that was saved."""


@contextmanager
def own_requests() -> Iterator[None]:
    """Mark the requests of a block as those of ``task``."""
    token = _own.set(True)
    try:
        yield
    finally:
        _own.reset(token)


def is_own_request() -> bool:
    """Return True within `own_requests`."""
    return _own.get()
