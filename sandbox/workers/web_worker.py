"""Workers without a browser, and what starts them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

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
    """Starts workers without a browser: forked by a zygote where one can be, each in a jail of its own elsewhere.

    A zygote that has forked many, or has grown, is replaced: another is started meanwhile, and the old one ends with
    the last of its workers.

    Args:
        new_zygote: Makes a zygote, which is not started yet.
    """

    def __init__(self, new_zygote: Callable[[], Zygote] = Zygote) -> None:
        self._new_zygote = new_zygote
        self._zygote: Zygote | None = None
        self._retired: set[Zygote] = set()
        self._starting = asyncio.Lock()
        self._replacing: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._forks = True

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
                return await self._started(self._forked_by(zygote, limits))
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
        """End the zygotes, and wait until none of their processes is left."""
        if self._replacing is not None:
            self._replacing.cancel()
            await asyncio.gather(self._replacing, return_exceptions=True)
        async with self._starting:
            for zygote in (self._zygote, *self._retired):
                if zygote is not None:
                    self._end(zygote)
            self._zygote = None
            self._retired.clear()
        await asyncio.gather(*self._ending)

    async def _current(self) -> Zygote:
        """Return the zygote; start one where there is none, or none any more."""
        async with self._starting:
            if self._zygote is not None and not self._zygote.usable:
                self._end(self._zygote)
                self._zygote = None
            if self._zygote is None:
                self._zygote = await self._new()
            elif self._zygote.worn and (self._replacing is None or self._replacing.done()):
                self._replacing = asyncio.ensure_future(self._replace(self._zygote))
            return self._zygote

    async def _new(self) -> Zygote:
        zygote = self._new_zygote()
        await zygote.start()
        return zygote

    async def _replace(self, worn: Zygote) -> None:
        """Start another zygote; the worn one forks until then, and ends with its last worker."""
        try:
            started = await self._new()
        except (SandboxUnavailable, WorkerDied, OSError) as error:
            logger.warning("the zygote could not be replaced: %s", error)
            return
        if self._zygote is not worn:  # it ended, and was replaced already
            self._end(started)
            return
        self._zygote = started
        self._retired.add(worn)
        self._end_if_empty(worn)

    def _forked_by(self, zygote: Zygote, limits: SandboxLimits) -> WebWorker:
        """Return a worker that the zygote is to fork, and that keeps it from its end."""
        worker = WebWorker(limits, zygote)
        zygote.workers.add(worker)

        def ended(_: object) -> None:
            zygote.workers.discard(worker)
            self._end_if_empty(zygote)

        worker.ended.add_done_callback(ended)
        return worker

    def _end_if_empty(self, zygote: Zygote) -> None:
        if zygote in self._retired and not zygote.workers:
            self._retired.discard(zygote)
            self._end(zygote)

    def _end(self, zygote: Zygote) -> None:
        """End a zygote in the background; `close` waits for it."""
        zygote.kill()
        task = asyncio.ensure_future(zygote.wait_gone())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    @staticmethod
    async def _started(worker: WebWorker) -> WebWorker:
        try:
            await worker.start()
        except BaseException:  # cancelation, too, ends the worker
            await worker.close()
            raise
        return worker
