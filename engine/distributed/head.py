"""The head of a cluster's store: its queue, its records and its one journal, in one process with a synced database."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.bundles import BundleStore
from engine.bundles.lock import try_lock
from engine.distributed.files import files_of, moved, write_files
from engine.distributed.orders import Settings
from engine.distributed.placement import ClusterSlots, Placement, Start
from engine.distributed.records import PARTS
from engine.distributed.remote_run import RemoteRun, Services, Tokens
from engine.errors import StoreError, TaskNotFound
from engine.scheduling.recovery import Recovery
from engine.scheduling.scheduler import Scheduler
from engine.storage import result_files
from engine.storage.tasks import TaskRecords
from engine.task.kept_requests import kept_request, redactor_of
from engine.task.outputs import FileResult
from engine.task.wire import Limits, TaskRequest, TaskResult

_SETTINGS = "cluster.json"


class Head:
    """Queues the tasks of a store, has nodes run them, and keeps their records.

    Args:
        root: The workspace's directory, on the machine of this process.
        start: Starts the process of a key.
        count: Returns the slots of the nodes that live.
        max_tasks: Most tasks that run at once; None for as many as there are slots.
        max_pending: Most tasks that wait.
        get: Returns the bytes of what a node put into the object store.
    """

    def __init__(
        self,
        root: Path,
        start: Start,
        count: Callable[[], int],
        get: Callable[[Any], bytes],
        *,
        max_tasks: int | None = None,
        max_pending: int = 10_000,
    ) -> None:
        self._root = root
        self._get = get
        self._max_pending = max_pending
        self._records = TaskRecords(root / "records.sqlite3")
        self._placement = Placement(start, count)
        self._tokens = Tokens()
        self._services = Services(
            root, self._records, Recovery(self._records, root / "engines", try_lock), self._placement, self._tokens
        )
        slots = ClusterSlots.of(max_tasks, count)
        self._scheduler = Scheduler(self._records, root, BundleStore(root), slots, self._adopt)

    async def open(self) -> str:
        """Start running tasks, those left by a head that died among them, and return a file that shows this machine."""
        await self._scheduler.open()
        return str(self._services.recovery.lock_file(self._scheduler.owner))

    # Callers

    def configure(self, settings: Settings) -> None:
        """Keep the settings, for tasks that outlive their callers and this process."""
        self._root.mkdir(parents=True, exist_ok=True)
        aside = self._root / f"{_SETTINGS}.partial"
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({**vars(settings), "options": _in_file(settings.options)}, file)
        aside.replace(self._root / _SETTINGS)

    async def submit(self, task_id: str, request: TaskRequest, settings: Settings) -> str:
        """Put a task into the queue, once, and return its id: that of an earlier one with the same idempotency key.

        Raises:
            InvalidRequest: The idempotency key stands for another request.
        """
        if await asyncio.to_thread(self._records.task, task_id) is not None:
            return task_id  # its caller asks again, having lost the answer
        run = RemoteRun(task_id, request, settings, self._services)
        kept = kept_request(request, redactor_of(request))
        room = self._max_pending
        enqueued = await self._scheduler.enqueue(run, kept, run.created, room=room, durable=True)
        return enqueued.task_id

    async def result(self, task_id: str) -> TaskResult:
        """Return a task as it is now.

        Raises:
            TaskNotFound: There is no such task.
        """
        found = await asyncio.to_thread(self._records.task, task_id)
        if found is None:
            raise TaskNotFound(task_id)
        return found

    async def ended(self, task_id: str) -> TaskResult:
        """Return a task's result when it has ended.

        Raises:
            TaskNotFound: There is no such task.
        """
        completion = self._scheduler.completion(task_id)
        if completion is not None:
            return await asyncio.shield(completion)
        while not (found := await self.result(task_id)).final:  # noqa: ASYNC110  it is of a head before this one
            await asyncio.sleep(0.1)
        return found

    async def cancel(self, task_id: str) -> TaskResult:
        """Cancel a task, and return its end.

        Raises:
            TaskNotFound: There is no such task.
        """
        found = await self._scheduler.cancel(task_id)
        if found is None:
            raise TaskNotFound(task_id)
        return found

    async def costs(self, key: str | None) -> Any:
        """Return the costs of each key."""
        return await asyncio.to_thread(self._records.spending.costs, key)

    async def files(self, task_id: str, put: Callable[[bytes], Any]) -> tuple[str, dict[str, Any]]:
        """Return the workspace's directory, and the files of a task for a caller on another machine."""

        def packed() -> dict[str, Any]:
            return {name: put((self._root / name).read_bytes()) for name in files_of(self._root, task_id)}

        return str(self._root), await asyncio.to_thread(packed)

    async def close(self) -> bool:
        """End all processes and close the records, unless a task waits or runs; return True where that was done."""
        numbers = await asyncio.to_thread(self._records.numbers)
        if numbers["pending"] or numbers["started"]:
            return False
        await self.stop()
        return True

    async def stop(self) -> None:
        """Stop what runs, end all processes and close the records."""
        await self._scheduler.close()
        self._placement.close()
        await asyncio.to_thread(self._records.close)

    # Nodes

    async def call(
        self, task_id: str, token: str, part: str, method: str, arguments: tuple[Any, ...], named: Mapping[str, Any]
    ) -> Any:
        """Call a method of the records for the execution of a task that counts.

        Raises:
            StoreError: This execution was given up.
            EngineError: As the method raises it.
        """
        self._check(task_id, token)
        if part not in PARTS or method.startswith("_"):
            raise StoreError(f"the records have no {part}.{method} for a run")
        return await asyncio.to_thread(getattr(PARTS[part](self._records), method), *arguments, **named)

    async def finish(
        self, task_id: str, token: str, result: str, trace: str | None, root: str, files: Mapping[str, Any]
    ) -> bool:
        """Take a task's files, and then record its end; return False where it had ended before."""
        self._check(task_id, token)
        return await asyncio.to_thread(self._finish, task_id, result, trace, Path(root), files)

    def _finish(self, task_id: str, text: str, trace: str | None, root: Path, files: Mapping[str, Any]) -> bool:
        write_files(self._root, task_id, {name: _reader(self._get, file) for name, file in files.items()})
        result = TaskResult.model_validate(moved(json.loads(text), root, self._root))
        if isinstance(result.result, FileResult):
            output = moved(result.result.data, root, self._root)
            stored = result_files.keep(self._root, task_id, output, datetime.now(UTC))
            result = result.model_copy(update={"result": stored})
        return self._records.finish(result, trace)

    def _check(self, task_id: str, token: str) -> None:
        if not self._tokens.holds(task_id, token):
            raise StoreError(
                f"this execution of task {task_id} was given up, for its node was taken for dead: nothing of it counts,"
                " and nothing irreversible is let through"
            )

    # The queue

    async def _adopt(self, task_id: str, request: TaskRequest) -> RemoteRun:
        """Make a task that an earlier head left runnable."""
        recorded = await self.result(task_id)
        return RemoteRun(task_id, request, self._settings(), self._services, recorded.created_at)

    def _settings(self) -> Settings:
        try:
            known = json.loads((self._root / _SETTINGS).read_text())
        except (OSError, ValueError) as error:
            raise StoreError(f"the settings of the store cannot be read: {error}; connect to it again") from error
        if "limits" in known["options"]:
            known["options"]["limits"] = Limits(**known["options"]["limits"])
        return Settings(**known)


def _reader(get: Callable[[Any], bytes], file: Any) -> Callable[[], bytes]:
    return lambda: get(file)


def _in_file(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a file can hold; a model that is no name is known to its callers alone."""
    plain = (str, int, float, list, tuple)
    found: dict[str, Any] = {name: value for name, value in options.items() if isinstance(value, plain)}
    if isinstance(limits := options.get("limits"), Limits):
        found["limits"] = limits.model_dump()
    return found
