"""A worker that stays open: exploration from nothing, or the page that a run left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from sandbox.egress.options import Egress
from sandbox.errors import WorkerDied
from sandbox.protocol import ProtocolError
from sandbox.results import Evidence, Execution, PageSnapshot, ScriptError
from sandbox.workers import parse
from sandbox.workers.client import WorkerClient

_GRACE_SECONDS = 5.0
_LOOK_SECONDS = 60.0

T = TypeVar("T")


class Session:
    """An open page in a worker of its own. Close it, or use it as an async context manager.

    Its limits hold for its whole life, but for ``wall_seconds``, which holds for each call: somebody thinks
    between them.

    Attributes:
        opened: How opening the start URL went: None, or why it failed.
    """

    def __init__(
        self,
        client: WorkerClient,
        opened: ScriptError | None,
        end: Callable[[WorkerClient], Awaitable[None]],
        let_go: Callable[[], None],
    ) -> None:
        self.opened = opened
        self._client = client
        self._end = end
        self._let_go = let_go
        self._untouched = True
        self._over = False

    async def execute(self, code: str, timeout: float = 60.0) -> Execution:
        """Run Python on the live page. Names stay from call to call; ``await`` works at the top level.

        The namespace has ``page``, ``pages`` (all that are open), ``parameters`` and ``task``. The output is
        what was printed and the
        last expression's value, at most 12,000 characters.

        Args:
            code: The Python.
            timeout: Seconds until it is interrupted.

        Raises:
            SandboxLimitExceeded: It could not be interrupted, or passed another limit; the session is over.
            WorkerDied: The worker ended.
        """
        self._untouched = False
        wall = min(timeout + _GRACE_SECONDS, self._client.limits.wall_seconds)
        return await self._call(parse.execution, "execute", wall, code=code, timeout=timeout)

    async def snapshot(self) -> PageSnapshot:
        """What the most recently opened page shows.

        Raises:
            WorkerDied: The worker ended, or the page does not answer.
        """
        return await self._call(parse.snapshot, "snapshot", _LOOK_SECONDS)

    async def locators(self, refs: Sequence[str]) -> dict[str, str]:
        """Each ref of the last snapshot as Python (``page.get_by_role(…)``), or as ``"error: …"``."""
        wanted = list(refs)
        return await self._call(lambda data: parse.locators(data, wanted), "locators", _LOOK_SECONDS, refs=wanted)

    async def evidence(self, screenshot: bool = False) -> Evidence:
        """What the page says now.

        Args:
            screenshot: With a picture of it.
        """
        proxy = self._client.proxy
        return await self._call(
            lambda data: parse.evidence(data, proxy), "evidence", _LOOK_SECONDS, screenshot=screenshot
        )

    async def freeze(self) -> None:
        """From here on the page, and code that calls ``page.request``, send GET, HEAD and OPTIONS requests only.

        For a page on which something irreversible was done: to look at it, and not to do it again. It keeps code from a
        mistake; code that sets out to get round it can.
        """
        await self._call(lambda data: None, "freeze", _LOOK_SECONDS)

    def allow(self, egress: Egress) -> None:
        """Change what may be reached, from now on."""
        self._client.proxy.bind(egress)

    async def close(self) -> None:
        """End the worker, and wait until nothing of it is left."""
        if not self._over:
            self._over = True
            await asyncio.shield(self._end(self._client))  # goes on if this is canceled

    def release(self) -> None:
        """Close it without waiting; after a good run in which nothing else was done here, the worker may serve the next
        run of the same ``affinity``."""
        if not self._over:
            self._over = True
            if self._untouched:
                self._let_go()
            else:
                self._end(self._client)

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _call(self, parse: Callable[[Any], T], kind: str, wall: float, **fields: Any) -> T:
        answer = await self._client.call(kind, wall, **fields)
        try:
            return parse(answer)
        except ProtocolError as error:
            died = WorkerDied(f"worker protocol violation: {error}")
            self._client.end(died)
            raise died from None
