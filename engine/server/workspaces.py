"""The engines behind the server, one for each workspace of the store, made at first use."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.api.async_engine import AsyncEngine
from engine.errors import EngineError
from engine.server.errors import ApiError

log = logging.getLogger(__name__)

_DATABASE = "records.sqlite3"


def stopping_error() -> ApiError:
    """Make the error of a call that arrives while the server is stopping."""
    return ApiError(503, "closing", "the server is stopping; try again when it is back")


class Workspaces:
    """The engines, by the names of their workspaces.

    Args:
        store: The store's directory.
        make: Makes the engine of a workspace.

    Attributes:
        closing: Set when the server begins to stop; streams must end then.
    """

    def __init__(self, store: Path, make: Callable[[str], AsyncEngine]) -> None:
        self._store = store.expanduser().absolute()
        self._make = make
        self._engines: dict[str, AsyncEngine] = {}
        self.closing = asyncio.Event()

    async def open(self) -> None:
        """Open the engine of every workspace in the store, so that queued tasks run."""
        for file in sorted(self._store.glob(f"*/{_DATABASE}")):
            try:
                await self.engine(file.parent.name)
            except EngineError as error:
                log.warning("workspace %s not opened, its queued tasks do not run: %s", file.parent, error)

    async def engine(self, name: str) -> AsyncEngine:
        """Return the engine of a workspace; create the workspace if necessary.

        Raises:
            InvalidRequest: The name is not valid for a workspace.
            ApiError: The server is stopping.
        """
        if self.closing.is_set():
            raise stopping_error()
        if name not in self._engines:
            self._engines[name] = self._make(name)
        engine = self._engines[name]
        await engine.open()
        return engine

    async def known(self, name: str) -> AsyncEngine | None:
        """Return the engine of a workspace; None if the workspace does not exist."""
        if name in self._engines or (self._store / name).is_dir():
            return await self.engine(name)
        return None

    async def figures(self, only: str | None) -> dict[str, dict[str, Any]]:
        """Return the figures of the workspaces that are open, or of one of them only."""
        chosen = {name: each for name, each in self._engines.items() if only in (None, name)}
        found = await asyncio.gather(*(engine.figures() for engine in chosen.values()))
        return dict(zip(chosen, found, strict=True))

    async def drain(self, seconds: float) -> None:
        """Start no further tasks, and wait for the running ones, at most this long."""
        await asyncio.gather(*(engine.drain(seconds) for engine in self._engines.values()))

    async def close(self) -> None:
        """Close the engines: running tasks end, and those that may be run again are queued again."""
        await asyncio.gather(*(engine.close() for engine in self._engines.values()))
