"""One sandbox for a whole session of tests: its workers are made blank and used again, for every run of every test.

Starting a worker takes a second of processor time, a run in a warm one a few hundredths. So what is not about starting
or ending workers runs here: in the real jail, with the real browser, in a worker that was renewed as between two runs
of one automation. The sandbox lives in a loop of its own, in a thread; `LentSandbox` hands its calls over and brings
the host's callbacks back to the caller's loop.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import pytest

import sandbox
from sandbox import GateDecision, Host, Outcome, PoolOptions, Sandbox, SandboxLimits, Session
from sandbox.isolation.mechanism import Isolation
from sandbox.page_map import PageMap
from sandbox.workers.client import WorkerClient
from tests.support.paths import DRIVER_CACHE

T = TypeVar("T")
_ONE = "tests"  # the identity that all runs share
_USUAL_POOLS = (None, PoolOptions(), PoolOptions(spare=0))
_BASELINE_SECONDS = 0.05  # a worker remembers what it is like when blank a moment after it is ready


class WarmSandbox(Sandbox):
    """A sandbox whose workers serve every run, as long as they can be renewed.

    Runs with secrets, failed runs and sessions are included, after which a worker of the product is ended.
    """

    def __init__(self, isolation: Isolation) -> None:
        pool = PoolOptions(spare=0, kept=4, idle_seconds=3600.0, runs=1000)
        super().__init__(isolation=isolation, pool=pool, cache=DRIVER_CACHE)

    async def run(
        self,
        *arguments: Any,
        affinity: str | None = None,
        keep_open: bool = False,
        secret: bool = False,
        **options: Any,
    ) -> Outcome:
        options["images"] = True  # its workers serve every run
        outcome = await super().run(*arguments, affinity=_ONE, keep_open=True, **options)
        if keep_open or outcome.session is None:
            return outcome
        outcome.session.release()
        return replace(outcome, session=None)

    async def open_session(self, parameters: dict[str, Any], **options: Any) -> Session:
        limits: SandboxLimits = options.pop("limits", None) or self._limits
        client = await self._pool.take(limits, _ONE)
        try:
            await client.record_baseline()
            if client.runs == 0:
                await asyncio.sleep(_BASELINE_SECONDS)
        except BaseException:
            self._pool.discard(client)
            raise
        self._pool._spares.append(client)  # where the next call takes it from
        return await super().open_session(parameters, limits=limits, **options)

    def _session(self, client: WorkerClient, opened: Any, affinity: str | None, images: bool = True) -> Session:
        async def end(client: WorkerClient) -> None:
            self._pool.give_back(client, _ONE)

        return Session(client, opened, end, lambda: self._pool.give_back(client, _ONE))


class _LentHost(Host):
    """Brings the callbacks of a host to the loop that it belongs to."""

    def __init__(self, host: Host) -> None:
        self._host, self._loop = host, asyncio.get_running_loop()

    async def _there(self, call: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self._loop))

    async def log(self, message: str) -> None:
        await self._there(self._host.log(message))

    async def progress(self, done: int, total: int | None) -> None:
        await self._there(self._host.progress(done, total))

    async def before_gate(self, action: str, pages: tuple[PageMap, ...]) -> None:
        await self._there(self._host.before_gate(action, pages))

    async def gate(self, action: str, key: str | None) -> GateDecision:
        return await self._there(self._host.gate(action, key))

    async def gate_closed(self, action: str, key: str | None, error: str | None) -> None:
        await self._there(self._host.gate_closed(action, key, error))

    async def already_done(self, said: str) -> None:
        await self._there(self._host.already_done(said))

    async def ask(self, prompt: str, content: str, schema: dict[str, Any] | None) -> Any:
        return await self._there(self._host.ask(prompt, content, schema))

    async def trace(self, data: bytes) -> None:
        await self._there(self._host.trace(data))

    async def download(
        self, name: str, content_type: str, url: str | None, chunks: AsyncIterator[bytes]
    ) -> dict[str, Any]:
        here = asyncio.get_running_loop()

        async def brought() -> AsyncIterator[bytes]:
            end = object()

            async def following() -> Any:
                return await anext(chunks, end)

            while (chunk := await _in(here, following())) is not end:
                yield chunk

        return await self._there(self._host.download(name, content_type, url, brought()))


async def _in(loop: asyncio.AbstractEventLoop, call: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in another loop, and wait for its end even if this is canceled."""
    running = asyncio.run_coroutine_threadsafe(call, loop)
    try:
        return await asyncio.wrap_future(running)
    except asyncio.CancelledError:
        running.cancel()
        raise


class _LentSession:
    """A session whose worker is served by the other loop."""

    def __init__(self, session: Session, loop: asyncio.AbstractEventLoop) -> None:
        self._session, self._loop = session, loop
        self.opened = session.opened

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._session, name)

        async def call(*arguments: Any, **options: Any) -> Any:
            return await _in(self._loop, method(*arguments, **options))

        return call

    def allow(self, egress: Any) -> None:
        self._loop.call_soon_threadsafe(self._session.allow, egress)

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._session.release)

    async def __aenter__(self) -> _LentSession:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class LentSandbox:
    """Stands for a sandbox of its own, and is a share of the session's."""

    def __init__(self, shared: WarmSandbox, loop: asyncio.AbstractEventLoop) -> None:
        self._shared, self._loop = shared, loop

    async def run(self, *arguments: Any, host: Host | None = None, **options: Any) -> Outcome:
        outcome = await _in(self._loop, self._shared.run(*arguments, host=_LentHost(host or Host()), **options))
        if outcome.session is not None:
            return replace(outcome, session=_LentSession(outcome.session, self._loop))  # type: ignore[arg-type]  # for a Session
        return outcome

    async def open_session(self, *arguments: Any, host: Host | None = None, **options: Any) -> _LentSession:
        call = self._shared.open_session(*arguments, host=_LentHost(host or Host()), **options)
        return _LentSession(await _in(self._loop, call), self._loop)

    def renew_all(self) -> None:
        """Wait until each worker that waits for a run has been made blank, or is left out."""

        async def renewed() -> None:
            await asyncio.gather(*(entry.renewing for entry in self._shared._pool._waiting))

        asyncio.run_coroutine_threadsafe(renewed(), self._loop).result(60)

    async def warm(self) -> None: ...

    async def close(self) -> None: ...

    async def __aenter__(self) -> LentSandbox:
        return self

    async def __aexit__(self, *_: object) -> None: ...


@contextmanager
def warm_sandbox(isolation: Isolation = "auto") -> Iterator[LentSandbox]:
    """Open the sandbox, in a thread of its own; nothing is started before the first run."""
    ready: concurrent.futures.Future[LentSandbox] = concurrent.futures.Future()
    over = asyncio.Event()

    async def live() -> None:
        async with WarmSandbox(isolation) as shared:
            ready.set_result(LentSandbox(shared, asyncio.get_running_loop()))
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(live()), name="warm sandbox")
    thread.start()
    lent = ready.result()
    try:
        yield lent
    finally:
        lent._loop.call_soon_threadsafe(over.set)
        thread.join()


def lend(warm: LentSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give engines of this process the warm sandbox, unless they ask for a certain pool, jail or browser."""
    real = sandbox.Sandbox

    def lent(*, isolation: Any = "auto", browser: Any = None, pool: Any = None, **options: Any) -> Any:
        if isolation == "auto" and browser is None and pool in _USUAL_POOLS:
            return warm
        return real(isolation=isolation, browser=browser, pool=pool or PoolOptions(), **options)

    monkeypatch.setattr(sandbox, "Sandbox", lent)


@contextmanager
def shared_by_engines() -> Iterator[None]:
    """Give engines of this process a warm sandbox, outside of tests: a run costs a tenth of a second, a worker one."""
    with warm_sandbox() as lent, pytest.MonkeyPatch.context() as patch:
        lend(lent, patch)
        yield


@pytest.fixture(scope="session")
def warm() -> Iterator[LentSandbox]:
    """The session's sandbox."""
    with warm_sandbox() as lent:
        yield lent


@pytest.fixture
def warm_at_rest(warm: LentSandbox) -> None:
    """For tests that count open files: a worker that is made blank again opens some, and keeps them."""
    warm.renew_all()


@pytest.fixture(scope="session")
def warm_landlock() -> Iterator[LentSandbox]:
    """The same in the other jail."""
    with warm_sandbox("landlock") as lent:
        yield lent
