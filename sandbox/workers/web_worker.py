"""Workers without a browser, and what starts them."""

from __future__ import annotations

import asyncio
import logging

from sandbox.errors import SandboxUnavailable, WorkerDied
from sandbox.isolation.mechanism import Mechanism
from sandbox.limits import SandboxLimits
from sandbox.workers.client import WorkerClient
from sandbox.workers.web_process import ColdProcess, ForkedProcess, Zygote

logger = logging.getLogger(__name__)

_TRIES = 3  # of a fork: a zygote may end at any moment


class WebWorker(WorkerClient):
    """A worker without a browser.

    Args:
        limits: The limits that it is started with.
        parent: The zygote that forks it, or the jail that it gets of its own.
    """

    _process: ForkedProcess | ColdProcess

    def __init__(self, limits: SandboxLimits, parent: Zygote | Mechanism) -> None:
        super().__init__(limits)
        if isinstance(parent, Zygote):
            self._process = ForkedProcess(parent, self._count_output)
        else:
            self._process = ColdProcess(parent, self._count_output)

    async def start(self) -> None:
        """Start the worker."""
        await self._process.start(self.limits)
        await self._open()
        self.ready.set_result(None)

    async def _open_network(self) -> None:
        from sandbox.egress.dialer import Dialer  # as in `bind`

        self.dialer = Dialer()


class Nursery:
    """Starts workers without a browser: forked by a zygote where one can be, each in a jail of its own elsewhere."""

    def __init__(self) -> None:
        self._zygote: Zygote | None = None
        self._starting = asyncio.Lock()
        self._forks = True
        self._closed = False

    async def start(self, mechanism: Mechanism, limits: SandboxLimits) -> WebWorker:
        """Start a worker.

        Args:
            mechanism: Its jail.
            limits: The limits that it is started with.

        Raises:
            SandboxUnavailable: The jail could not be set up.
        """
        for _ in range(_TRIES if mechanism == "bubblewrap" and self._forks else 0):
            zygote = await self._current()
            try:
                return await self._started(WebWorker(limits, zygote))
            except OSError as error:
                logger.warning("the zygote ended (%s); another is started", error)
            except WorkerDied:
                if zygote.usable:
                    raise
            except SandboxUnavailable as error:
                if zygote.usable:
                    logger.warning("%s; each worker gets a jail of its own, which takes longer to start", error.problem)
                    self._forks = False
                    break
        return await self._started(WebWorker(limits, mechanism))

    async def close(self) -> None:
        """End the zygote, and wait until none of its processes is left."""
        self._closed = True
        async with self._starting:
            if self._zygote is not None:
                self._zygote.kill()
                await self._zygote.wait_gone()

    async def _current(self) -> Zygote:
        """Return the zygote; start one where there is none, or none any more."""
        async with self._starting:
            if self._zygote is None or not self._zygote.usable:
                if self._zygote is not None:
                    await self._zygote.wait_gone()
                self._zygote = None
                started = Zygote()
                await started.start()
                self._zygote = started
            return self._zygote

    @staticmethod
    async def _started(worker: WebWorker) -> WebWorker:
        try:
            await worker.start()
        except BaseException:
            await worker.close()
            raise
        return worker
