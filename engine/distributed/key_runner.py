"""The tasks of one key on a node, one after another: the process of a Ray actor, which has a browser of its own."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.api.loops import LoopThread
from engine.api.options import EngineOptions
from engine.api.workspace import Workspace
from engine.bundles.git_remote import GitRemote
from engine.bundles.remote import RemoteBundleStore
from engine.distributed.files import files_of
from engine.distributed.orders import Order, Settings
from engine.distributed.records import RemoteRecords
from engine.errors import StoreError
from engine.scheduling.queued import QueuedTask
from engine.storage.tasks import TaskRecords
from engine.task.schema import schema_in_force
from engine.task.wire import TaskResult

HeadCall = Callable[..., Any]
"""Calls a method of the cluster's head by name, waits for its answer, and returns it or raises the error that it is."""


class NodeWorkspace(Workspace):
    """A workspace whose bundles are a git remote's, and whose records are the cluster's.

    Args:
        options: Of the engine; its store is this node's.
        remote: The git remote.
        records: The cluster's records.
    """

    def __init__(self, options: EngineOptions, remote: GitRemote, records: TaskRecords) -> None:
        super().__init__(options)
        self._remote = remote
        self._of_cluster = records

    @property
    def bundles(self) -> RemoteBundleStore:
        """This node's copy of the saved automations."""
        return RemoteBundleStore(self.root, self._remote)

    async def records(self) -> TaskRecords:
        """Return the cluster's records."""
        return self._of_cluster


class KeyRunner:
    """Runs the tasks of one key in this process. Its methods block, and may be called from any thread.

    Args:
        node: Id of the node that it is on.
        call_head: Calls the head.
        put: Puts bytes into the object store, and returns what stands for them in a message.
    """

    def __init__(self, node: str, call_head: HeadCall, put: Callable[[bytes], Any]) -> None:
        self._node = node
        self._call_head = call_head
        self._put = put
        self._thread = LoopThread.borrow("webtasks-node", os.getpid())
        self._one_at_once = asyncio.Lock()
        self._settings: Settings | None = None
        self._workspace: NodeWorkspace | None = None
        self._order: Order | None = None
        self._running: QueuedTask | None = None
        self._canceled: set[str] = set()

    def run(self, order: Order) -> tuple[str, str, str]:
        """Run one task to its end, which is recorded then.

        Returns:
            Its result as JSON, the workspace's directory on this node, and the node's id.
        """
        return asyncio.run_coroutine_threadsafe(self._run(order), self._thread.loop).result()

    def cancel(self, task_id: str) -> None:
        """Cancel a task that runs here, or is about to; its run ends with a result that says so."""
        self._thread.loop.call_soon_threadsafe(self._cancel, task_id)

    def close(self) -> None:
        """End the browser and the thread; for a process that goes on without this."""
        if self._workspace is not None:
            asyncio.run_coroutine_threadsafe(self._workspace.close(), self._thread.loop).result()
        self._thread.give_back()

    def _cancel(self, task_id: str) -> None:
        if self._running is not None and self._running.task_id == task_id:
            self._running.cancel()
        else:
            self._canceled.add(task_id)

    async def _run(self, order: Order) -> tuple[str, str, str]:
        async with self._one_at_once:
            self._order = order
            workspace = await self._workspace_for(order.settings)
            request = order.request
            model = workspace.model(request.model) if request.ai != "never" else None
            schema = await asyncio.to_thread(schema_in_force, None, request.output_schema)
            run = await workspace.task_run(order.task_id, request, schema, model)
            run.created = order.created
            self._running = task = QueuedTask(run, durable=False)
            try:
                task.claimed(asyncio.create_task(self._to_end(task)))
                if order.task_id in self._canceled:
                    task.cancel()
                result = await task.done
            finally:
                self._running = None
                self._canceled.discard(order.task_id)
                await asyncio.to_thread(self._forget_files, workspace.root, order.task_id)
            return result.model_dump_json(), str(workspace.root), self._node

    async def _to_end(self, task: QueuedTask) -> None:
        try:
            task.begin()
            end = await task.work.run(task)
            if end.record is not None:
                await asyncio.to_thread(end.record)
            task.end(end.result)
        except asyncio.CancelledError:
            task.end(None)
        except Exception as error:  # noqa: BLE001  whoever ordered the run gets it
            task.end(error)

    async def _workspace_for(self, settings: Settings) -> NodeWorkspace:
        if self._workspace is None or settings != self._settings:
            if self._workspace is not None:
                await self._workspace.close()
            options = EngineOptions.parse(store=node_store(settings, self._node), **settings.options)
            records = RemoteRecords(self._ask, self._ship, options.root)
            self._workspace = NodeWorkspace(options, GitRemote(settings.bundles), records.as_records())
            self._settings = settings
        return self._workspace

    def _ask(self, part: str, method: str, *arguments: Any, **named: Any) -> Any:
        order = self._current()
        return self._call_head("call", order.task_id, order.token, part, method, arguments, named)

    def _ship(self, root: Path, result: TaskResult, trace: str | None) -> bool:
        task_id, token = result.web_task_id, self._current().token
        named = files_of(root, task_id, trace=trace is None)
        files = {name: self._put((root / name).read_bytes()) for name in named}
        return bool(self._call_head("finish", task_id, token, result.model_dump_json(), trace, str(root), files))

    def _current(self) -> Order:
        if self._order is None:
            raise StoreError("no task runs here")
        return self._order

    def _forget_files(self, root: Path, task_id: str) -> None:
        """Remove the task's files from this node: they are in the store."""
        for directory in ("files", "results"):
            shutil.rmtree(root / directory / task_id, ignore_errors=True)
        (root / "traces" / f"{task_id}.jsonl").unlink(missing_ok=True)


def node_store(settings: Settings, node: str) -> Path:
    """Return the directory of a node's copies: bundles, and the files of runs until these have ended.

    Raises:
        StoreError: Another user has made the directory that ours would be in.
    """
    if settings.node_store is not None:
        return Path(settings.node_store)
    digest = hashlib.sha256(settings.bundles.encode()).hexdigest()[:16]
    ours = Path(tempfile.gettempdir()) / f"webtasks-{os.getuid()}"
    ours.mkdir(mode=0o700, exist_ok=True)
    if ours.lstat().st_uid != os.getuid():
        raise StoreError(f"{ours} belongs to another user; name a directory with node_store")
    return ours / digest / node[:16]
