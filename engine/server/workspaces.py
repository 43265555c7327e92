"""The engines behind the server: one for each workspace of the store, made when it is first asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from engine.api.async_engine import AsyncEngine
from engine.errors import EngineError
from engine.server.errors import Problem

log = logging.getLogger(__name__)

_DATABASE = "records.sqlite3"


class Workspaces:
    """Engines by the names of their workspaces.

    Args:
        store: The store's directory.
        make: Makes the engine of a workspace.

    Attributes:
        closing: Set when the server is about to end: what streams has to come to its end.
    """

    def __init__(self, store: Path, make: Callable[[str], AsyncEngine]) -> None:
        self._store = store.expanduser().absolute()
        self._make = make
        self._engines: dict[str, AsyncEngine] = {}
        self.closing = asyncio.Event()

    async def open(self) -> None:
        """Takes up what the workspaces of the store have in their lines."""
        for file in sorted(self._store.glob(f"*/{_DATABASE}")):
            try:
                await self.engine(file.parent.name)
            except EngineError as error:
                log.warning("the workspace %s is left alone: %s", file.parent, error)

    async def engine(self, name: str) -> AsyncEngine:
        """The engine of a workspace, which is made where there was none.

        Raises:
            InvalidRequest: No workspace can have this name.
            Problem: The server is about to end.
        """
        if self.closing.is_set():
            raise Problem(503, "closing", "the server is about to end; ask again when it is back")
        if name not in self._engines:
            self._engines[name] = self._make(name)
        engine = self._engines[name]
        await engine.open()
        return engine

    async def known(self, name: str) -> AsyncEngine | None:
        """The engine of a workspace that exists; looking at others does not make them."""
        if name in self._engines or (self._store / name).is_dir():
            return await self.engine(name)
        return None

    async def drain(self, seconds: float) -> None:
        """Starts nothing more, and gives what runs some time to end."""
        await asyncio.gather(*(engine.drain(seconds) for engine in self._engines.values()))

    async def close(self) -> None:
        """Ends what runs: tasks that may be run again go back into the line."""
        await asyncio.gather(*(engine.close() for engine in self._engines.values()))
