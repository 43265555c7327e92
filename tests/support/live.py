"""A live server on loopback, in a thread of this process, whose engines have the model that a test gives them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine import AsyncEngine
from engine.errors import ModelUnavailable
from engine.server.serve import Server, ServerOptions
from fixtures_sites import FixtureServer, serve
from sandbox import PoolOptions
from tests.support.stage import NoModel

Serve = Callable[..., "Live"]
BASE = "/api/v1/workspace"


class Nobody(NoModel):
    """A model that must not be called: a task that calls it fails, and so does the test that checks the task."""

    async def query(self, request: Any) -> Any:
        raise ModelUnavailable(f"the model was asked: {request.purpose}", model=self.name, endpoint="")


class Live:
    """A running server and an HTTP client for it."""

    def __init__(self, store: Path, listening: dict[str, Any], engine: dict[str, Any]) -> None:
        options = ServerOptions(store=store, **{"port": 0, "grace": 0.0} | listening)
        defaults = {"model": Nobody(), "pool": PoolOptions(spare=0), "trust_start_urls": False}

        def make(workspace: str) -> AsyncEngine:
            return AsyncEngine(store=store, workspace=workspace, **defaults | engine)

        self.store = store
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(options, make))
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        self.http = httpx.Client(base_url=self.url, timeout=60, verify=False)  # no certificates are loaded

    @property
    def url(self) -> str:
        """The server's address."""
        return self._server.url

    def _run(self, options: ServerOptions, make: Callable[[str], AsyncEngine]) -> None:
        async def run() -> None:
            try:
                self._server = Server(options, make)
                self._loop = asyncio.get_running_loop()
            except Exception as error:  # noqa: BLE001  raised again where the test waits
                self._failure = error
                return
            finally:
                self._ready.set()
            await self._server.run()

        asyncio.run(run())

    def stop(self) -> None:
        """Stop the server as a signal does."""
        self.http.close()
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join()

    def start(self, **body: Any) -> str:
        """Start a task that calls no model; return its id."""
        answer = self.http.post(f"{BASE}/default/web-tasks/start", json={"ai": "never", **body})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["webTaskId"])

    def result(self, task_id: str) -> dict[str, Any]:
        """Return the task in its current state."""
        answer = self.http.get(f"{BASE}/default/web-tasks/{task_id}/result")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def end(self, task_id: str) -> dict[str, Any]:
        """Wait for the end of a task; return it."""
        deadline = time.monotonic() + 120
        while (task := self.result(task_id))["status"] not in ("completed", "canceled"):
            assert time.monotonic() < deadline, f"it never ended: {task}"
            time.sleep(0.05)
        return task


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serve]:
    """A function that starts servers, ``serving(port=0, engine={"model": …})``; they stop after the test."""
    with ExitStack() as stack:

        def start(*, store: Path | None = None, engine: dict[str, Any] | None = None, **listening: Any) -> Live:
            live = Live(store or tmp_path / "store", listening, engine or {})
            stack.callback(live.stop)
            return live

        yield start


@pytest.fixture
def live(serving: Serve) -> Live:
    """A server with default options."""
    return serving()


@contextmanager
def allowed(name: str) -> Iterator[FixtureServer]:
    """A site on loopback."""
    with serve(name) as site:
        yield site
