"""Politeness: how many requests of ``web`` a host gets at once, and how fast, over all workers of a sandbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class PerHost:
    """The most that one host gets.

    Args:
        at_once: Requests at a time.
        per_second: Requests in a second, in even steps; None for as many as it answers.

    Raises:
        ValueError: A number is not above zero.
    """

    at_once: int = 4
    per_second: float | None = None

    def __post_init__(self) -> None:
        if self.at_once < 1 or not (self.per_second is None or self.per_second > 0):
            raise ValueError(f"requests per host must be at least one, and at a rate above zero, not {self}")


@dataclass
class _Host:
    room: asyncio.Semaphore
    next_at: float = 0.0
    users: int = 0


@dataclass
class HostTurns:
    """The turns of the requests to each host. It belongs to one event loop.

    Args:
        most: The most that one host gets.
    """

    most: PerHost = field(default_factory=PerHost)
    _hosts: dict[str, _Host] = field(default_factory=dict)

    @asynccontextmanager
    async def take(self, host: str) -> AsyncIterator[None]:
        """Wait for a turn, and hold it inside the block.

        Args:
            host: The host and its port.
        """
        known = self._hosts.setdefault(host, _Host(asyncio.Semaphore(self.most.at_once)))
        known.users += 1
        try:
            async with known.room:
                await self._keep_rate(known)
                yield
        finally:
            known.users -= 1
            if not known.users and known.next_at <= time.monotonic():
                self._hosts.pop(host, None)

    async def _keep_rate(self, host: _Host) -> None:
        if self.most.per_second is None:
            return
        now = time.monotonic()
        at, host.next_at = max(now, host.next_at), max(now, host.next_at) + 1 / self.most.per_second
        if at > now:
            await asyncio.sleep(at - now)
