"""Sandboxes shared by the engines on one event loop: a store has one pool of browsers in a process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from sandbox import Sandbox

_SHARED: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, SharedSandbox]] = WeakKeyDictionary()


class SharedSandbox:
    """A sandbox that ends with the last of its users."""

    def __init__(self, key: Hashable, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._key = key
        self._users = 0

    @classmethod
    def borrow(cls, key: Hashable, make: Callable[[], Sandbox]) -> SharedSandbox:
        """Return the sandbox of this key on the running event loop.

        Args:
            key: What its users have in common: the store and the sandbox's options.
            make: Makes it.
        """
        here = _SHARED.setdefault(asyncio.get_running_loop(), {})
        shared = here.get(key)
        if shared is None:
            shared = here[key] = cls(key, make())
        shared._users += 1
        return shared

    async def give_back(self) -> None:
        """Give the sandbox back; its last user ends it."""
        self._users -= 1
        if not self._users:
            _SHARED.get(asyncio.get_running_loop(), {}).pop(self._key, None)
            await self.sandbox.close()
