"""An open worker: for exploration, or for the page that a run left open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from sandbox.egress.options import Egress
from sandbox.results import Evidence, Execution, PageSnapshot, Picture, ScriptError
from sandbox.workers import parse
from sandbox.workers.client import WorkerClient
from sandbox.workers.violations import parsed

_GRACE_SECONDS = 5.0
_LOOK_SECONDS = 60.0
_TRY_SECONDS = 10.0

T = TypeVar("T")


class Session:
    """An open page in a worker of its own. Close it, or use it as an async context manager.

    The limits apply to its whole life, except for ``wall_seconds``, which applies to each call.

    Attributes:
        opened: The error of opening the start URL; None if that succeeded.
    """

    def __init__(
        self,
        client: WorkerClient,
        opened: ScriptError | None,
        end: Callable[[WorkerClient], Awaitable[None]],
        release: Callable[[], None],
    ) -> None:
        self.opened = opened
        self._client = client
        self._end = end
        self._release = release
        self._untouched = True
        self._over = False

    async def execute(self, code: str, timeout: float = 60.0) -> Execution:
        """Run Python on the live page. Names stay from call to call; ``await`` works at the top level.

        The namespace has ``page``, ``pages`` (all that are open), ``parameters`` and ``task``. The output is what was
        printed and the value of the last expression, at most 12,000 characters.

        Args:
            code: The Python code.
            timeout: Seconds until it is interrupted.

        Raises:
            SandboxLimitExceeded: It could not be interrupted, or exceeded another limit; the session is over.
            WorkerDied: The worker ended.
        """
        self._untouched = False
        wall = min(timeout + _GRACE_SECONDS, self._client.limits.wall_seconds)
        return await self._call(parse.execution, "execute", wall, code=code, timeout=timeout)

    async def snapshot(self) -> PageSnapshot:
        """Return what the most recently opened page shows.

        Raises:
            WorkerDied: The worker ended, or the page does not answer.
        """
        return await self._call(parse.snapshot, "snapshot", _LOOK_SECONDS)

    async def locators(self, refs: Sequence[str]) -> dict[str, str]:
        """Return refs of the last snapshot as Python (``page.get_by_role(…)``), or as ``"error: …"``."""
        wanted = list(refs)
        return await self._call(lambda data: parse.locators(data, wanted), "locators", _LOOK_SECONDS, refs=wanted)

    async def evidence(self, screenshot: bool = False) -> Evidence:
        """Return the evidence on the page as it is now.

        Args:
            screenshot: Include a screenshot.
        """
        client = self._client
        return await self._call(
            lambda data: client.traffic.added_to(parse.evidence(data, client.dialer), alone=False),
            "evidence",
            _LOOK_SECONDS,
            screenshot=screenshot,
        )

    async def picture(self, secrets: Sequence[str] = (), texts: Sequence[str] = ()) -> Picture | None:
        """Return a small picture of what the active page's window shows; None where the page gives none.

        Args:
            secrets: Texts that must not be legible: elements that hold one are covered.
            texts: Texts to find: with any, the picture shows the whole page, and has their ``boxes``.
        """
        fields = {"secrets": list(secrets), "texts": list(texts)}
        return await self._call(parse.picture, "picture", _LOOK_SECONDS, **fields)

    async def try_user_agent(self, url: str) -> tuple[str, int]:
        """Open a URL in a context of its own, under an ordinary browser's user agent; the page stays as it is.

        Returns:
            That user agent, and the status of the answer; 0 where there was none.
        """
        return await self._call(parse.user_agent, "try_user_agent", _LOOK_SECONDS, url=url, seconds=_TRY_SECONDS)

    async def freeze(self) -> None:
        """Let the page, and code that calls ``page.request``, send only GET, HEAD and OPTIONS requests from now on.

        For a page on which something irreversible was done: it can be looked at, and the action is not repeated. This
        prevents mistakes; it does not stop hostile code.
        """
        await self._call(lambda data: None, "freeze", _LOOK_SECONDS)

    def allow(self, egress: Egress) -> None:
        """Change the network access."""
        self._client.dialer.bind(egress)

    async def close(self) -> None:
        """End the worker, and wait until nothing of it is left."""
        if not self._over:
            self._over = True
            await asyncio.shield(self._end(self._client))  # goes on if this is canceled

    def release(self) -> None:
        """Close the session without waiting.

        If the run succeeded and the session was not used, the worker may serve the next run of the same ``affinity``.
        """
        if not self._over:
            self._over = True
            if self._untouched:
                self._release()
            else:
                self._end(self._client)

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _call(self, parse: Callable[[Any], T], kind: str, wall: float, **fields: Any) -> T:
        answer = await self._client.call(kind, wall, **fields)
        return parsed(self._client, parse, answer)
