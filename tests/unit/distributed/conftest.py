"""A cluster in this process: its head, and a process for each key that is only a thread; automations are scripted."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import sandbox
from engine.api.options import EngineOptions
from engine.bundles import BundleStore
from engine.bundles.git_remote import GitRemote
from engine.bundles.remote import RemoteBundleStore
from engine.distributed.head import Head
from engine.distributed.key_runner import KeyRunner
from engine.distributed.orders import Settings
from engine.distributed.placement import RunnerLost
from engine.errors import StoreError
from engine.task import ids
from engine.task.wire import TaskResult
from engine.testing import ScriptedSandbox
from engine.testing.sandbox import Step
from tests.support.saved import TASK, save

URL = "http://127.0.0.1:9/"


@dataclass
class ThreadHandle:
    """A key's process as the head sees it; it can be lost, and then lives on as it would behind a broken cable.

    Attributes:
        lost: Set when its node is taken for dead.
        killed: True once the head ended it.
    """

    runner: KeyRunner
    node: str
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    killed: bool = False

    async def call(self, method: str, *arguments: Any) -> Any:
        answer = asyncio.ensure_future(asyncio.to_thread(getattr(self.runner, method), *arguments))
        lost = asyncio.ensure_future(self.lost.wait())
        await asyncio.wait([answer, lost], return_when=asyncio.FIRST_COMPLETED)
        if self.lost.is_set():
            raise RunnerLost("its node was killed")
        lost.cancel()
        return await answer

    def kill(self) -> None:
        self.killed = True


class OneProcessCluster:
    """A head and its keys' processes.

    Attributes:
        handles: All processes that were started, in order.
        cut: True where no node reaches the head.
    """

    def __init__(self, directory: Path, slots: int = 10, **options: Any) -> None:
        self.directory = directory
        self.slots = slots
        self.handles: list[ThreadHandle] = []
        self.cut = False
        self.loop = asyncio.get_running_loop()
        self.settings = Settings(str(directory / "bundles.git"), options, None)
        self.root = EngineOptions.parse(store=directory / "store").root
        self.head = self.new_head()

    def new_head(self) -> Head:
        return Head(self.root, self._start, lambda: self.slots, lambda data: data)

    def _start(self, key: str, node: str | None) -> ThreadHandle:
        name = node or f"node{len(self.handles)}"
        runner = KeyRunner(name, self._call_head, lambda data: data)
        self.handles.append(ThreadHandle(runner, name))
        return self.handles[-1]

    def _call_head(self, method: str, *arguments: Any) -> Any:
        if self.cut:
            raise StoreError("the cluster's records cannot be reached")
        return asyncio.run_coroutine_threadsafe(getattr(self.head, method)(*arguments), self.loop).result()

    async def start(self, **options: Any) -> str:
        """Put a task into the queue."""
        given = {"reuse_key": "k", "start_url": URL, "ai": "never", "if_interrupted": "rerun", "parameters": {"n": 1}}
        given |= options
        parsed = EngineOptions.parse(store=self.directory / "store")
        request, _ = await parsed.checked_request(given.pop("task", TASK), given)  # type: ignore[arg-type]  # a RunOptions
        return await self.head.submit(ids.new_id("wt_"), request, self.settings)

    async def run(self, **options: Any) -> TaskResult:
        """Run a task to its end."""
        return await self.head.ended(await self.start(**options))


NewCluster = Callable[..., OneProcessCluster]


@pytest.fixture
async def cluster(tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NewCluster]:
    """Make a cluster with one automation, ``k``, and the outcomes of its runs: ``cluster(*steps, slots=…)``."""
    made: list[OneProcessCluster] = []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "bundles.git")], check=True)

    def make(
        *steps: Step, keys: tuple[str, ...] = ("k",), parameters: Mapping[str, Any] | None = None, **options: Any
    ) -> OneProcessCluster:
        scripted = ScriptedSandbox(*steps)
        monkeypatch.setattr(sandbox, "Sandbox", lambda **given: scripted)
        publisher = RemoteBundleStore(tmp_path / "publisher", GitRemote(tmp_path / "bundles.git"))
        for key in keys:
            save(
                tmp_path / "made", key, "code", start_url=URL, effects="write", parameters=dict(parameters or {"n": 1})
            )
            bundle = BundleStore(tmp_path / "made" / "default").load(key)
            assert bundle is not None
            publisher.commit(key, bundle, subject="Written for this test")
        made.append(OneProcessCluster(tmp_path, **options))
        return made[-1]

    yield make
    for each in made:
        await each.head.stop()
        for handle in each.handles:
            await asyncio.to_thread(handle.runner.close)
