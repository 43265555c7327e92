"""The actors that Ray runs: the head of a store, and the process of each key. No other module knows Ray's calls."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from engine.bundles import directory_name
from engine.distributed.head import Head
from engine.distributed.key_runner import KeyRunner
from engine.distributed.placement import RunnerLost
from engine.errors import EngineError, StoreError
from engine.studies.places import TrialLost

NAMESPACE = "webtasks"
SLOT = "webtask_slot"
_SLOTS_HERE = 10
_ANSWER_SECONDS = 60.0  # for which a node waits for the head
_FILES_SECONDS = 600.0  # the same where it sends files
_COUNT_SECONDS = 1.0  # for which the number of slots is believed
_FOR_CALLERS = frozenset({"open", "configure", "submit", "result", "ended", "cancel", "costs", "files", "close"})
_FOR_NODES = frozenset({"call", "finish"})
_LEAST_SHARED_MB = 64

Answer = tuple[bool, Any]
"""True and the value, or False and the error: an exception that Ray carries would be in its logs."""


class HeadActor:
    """The actor of a store's head; an async one.

    Args:
        root: The workspace's directory.
        memory_mb: Memory that each process of a key asks Ray for.
    """

    def __init__(self, root: str, max_tasks: int | None, max_pending: int, memory_mb: int) -> None:
        self._name = store_name(root)
        self._memory = memory_mb << 20
        self._itself = ray.get_runtime_context().current_actor
        self._counted: tuple[float, int] | None = None
        self._head = Head(
            Path(root), self._start, self._slots, ray.get, max_tasks=max_tasks, max_pending=max_pending
        )  # fmt: skip
        self._itself.ask.remote("open")  # one that Ray started again goes on without a caller

    async def ask(self, method: str, *arguments: Any) -> Answer:
        """Call a method of the head."""
        if method not in _FOR_CALLERS | _FOR_NODES:
            return False, EngineError(f"the head has no method {method!r}")
        if method == "files":
            arguments = (*arguments, ray.put)
        answer = await _answered(getattr(self._head, method), *arguments)
        if method == "close" and answer == (True, True):
            asyncio.get_running_loop().call_later(0.1, ray.kill, self._itself)
        return answer

    def _start(self, key: str, node: str | None) -> RayRunner:
        near = NodeAffinitySchedulingStrategy(node, soft=True, _spill_on_unavailable=True) if node else "SPREAD"
        made = ray.remote(KeyActor).options(
            name=f"{self._name}/{directory_name(key)}",
            namespace=NAMESPACE,
            get_if_exists=True,
            num_cpus=0,
            memory=self._memory,
            resources={SLOT: 1},
            scheduling_strategy=near,
            max_concurrency=8,
        )
        return RayRunner(made.remote(self._itself))

    def _slots(self) -> int:
        if self._counted is None or time.monotonic() - self._counted[0] > _COUNT_SECONDS:
            self._counted = time.monotonic(), slots()
        return self._counted[1]


class KeyActor:
    """The actor of one key, with threads for its calls.

    Args:
        head: The actor of the store's head.
    """

    def __init__(self, head: Any) -> None:
        node = ray.get_runtime_context().get_node_id()
        self._runner = KeyRunner(node, partial(_ask_head, head), ray.put)

    def ask(self, method: str, *arguments: Any) -> Answer:
        """Call a method of the process."""
        return _answer(getattr(self._runner, method), *arguments)


class RayRunner:
    """A key's process as the head sees it.

    Args:
        actor: Its handle.
    """

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    async def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the process.

        Raises:
            RunnerLost: It has ended, or cannot be reached.
        """
        try:
            ok, value = await self._actor.ask.remote(method, *arguments)
        except RayError as error:
            raise RunnerLost(f"{type(error).__name__}") from error
        if not ok:
            raise value
        return value

    def kill(self) -> None:
        """End the process."""
        ray.kill(self._actor)


class Cluster:
    """A connection to a cluster, and to the head of one store there.

    Args:
        address: As ``ray.init`` takes it; ``local`` starts a cluster of this machine alone.
        root: The workspace's directory on the machine of the cluster's head node.

    Raises:
        EngineError: The cluster cannot be reached or started, or no node of it has a slot.
    """

    def __init__(self, address: str, root: str, max_tasks: int | None, max_pending: int, memory_mb: int) -> None:
        self._arguments = root, max_tasks, max_pending, memory_mb
        self.disconnect = connected(address)
        self._actor: Any = None

    def ask(self, method: str, *arguments: Any) -> asyncio.Future[Answer]:
        """Call a method of the head, which is started where there is none; the answer is a value or an error.

        Raises:
            RayError: When awaited: the head, or the cluster, cannot be reached.
        """
        if self._actor is None:
            self._actor = self._head()
        return asyncio.wrap_future(self._actor.ask.remote(method, *arguments).future())

    def forget_head(self) -> None:
        """Look for the head anew: it has died."""
        self._actor = None

    def get(self, reference: Any) -> bytes:
        """Return the bytes of what the head put into the object store."""
        data: bytes = ray.get(reference)
        return data

    def _head(self) -> Any:
        return (
            ray.remote(HeadActor)
            .options(
                name=store_name(self._arguments[0]),
                namespace=NAMESPACE,
                get_if_exists=True,
                lifetime="detached",
                num_cpus=0,
                resources={"node:__internal_head__": 0.001},
                max_restarts=-1,
                max_concurrency=20_000,
            )
            .remote(*self._arguments)
        )


def connected(address: str) -> Callable[[], None]:
    """Connect this process to a cluster, unless it is, and return what ends the connection again.

    Raises:
        EngineError: The cluster cannot be reached or started, or no node of it has a slot.
    """
    ours = not ray.is_initialized()
    if ours:
        _connect(address)
    disconnect: Callable[[], None] = ray.shutdown if ours else lambda: None
    if not slots():
        disconnect()
        raise EngineError(
            f"no node of the cluster at {address} has the resource {SLOT}: start each with"
            f""" --resources='{{"{SLOT}": {_SLOTS_HERE}}}'"""
        )
    return disconnect


async def run_on_a_slot(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function on some node, on one slot, once, and return what it returns.

    Raises:
        TrialLost: The node died.
        EngineError: The function raised it, or something else.
    """
    # All that may be secret is an argument: Ray's control service keeps functions with what they refer to.
    remote = ray.remote(_answer).options(num_cpus=0, resources={SLOT: 1}, max_retries=0)
    try:
        ok, value = await asyncio.wrap_future(remote.remote(function, *arguments).future())
    except RayError as error:
        raise TrialLost(f"no node of the cluster finished it: {type(error).__name__}") from error
    if not ok:
        raise value
    return value


def slots() -> int:
    """Return the slots of the nodes that live."""
    return int(ray.cluster_resources().get(SLOT, 0))  # type: ignore[no-untyped-call]  # Ray's own


def store_name(root: str) -> str:
    """Return the name of a store's head; those of its keys begin with it."""
    return f"store-{hashlib.sha256(root.encode()).hexdigest()[:16]}"


def _connect(address: str) -> None:
    own: dict[str, Any] = {"resources": {SLOT: _SLOTS_HERE}, "include_dashboard": False} if address == "local" else {}
    shared = Path("/dev/shm")  # noqa: S108  the kernel's shared memory, where Ray keeps objects
    if own and shared.is_dir() and (free := shutil.disk_usage(shared).free >> 20) < _LEAST_SHARED_MB:
        raise EngineError(
            f"Ray keeps its objects in /dev/shm, which has {free} MiB left, and needs {_LEAST_SHARED_MB}; give it more"
            " (in Docker: --shm-size=1g)"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of what changes about its graphics cards
            ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (RayError, OSError, RuntimeError, ValueError, TimeoutError) as error:
        raise EngineError(
            f"the Ray cluster at {address} cannot be {'started' if own else 'reached'}: {error}; see that"
            " `ray status` works there, that all machines have the same Python and Ray, and that /dev/shm and /tmp have"
            " room",
            address=address,
        ) from error


def _ask_head(head: Any, method: str, *arguments: Any) -> Any:
    try:
        seconds = _FILES_SECONDS if method == "finish" else _ANSWER_SECONDS
        ok, value = ray.get(head.ask.remote(method, *arguments), timeout=seconds)
    except (RayError, GetTimeoutError) as error:
        raise StoreError(
            f"the cluster's records cannot be reached ({type(error).__name__}): nothing irreversible is let through,"
            " and no model is paid, until they are"
        ) from error
    if not ok:
        raise value
    return value


def _answer(method: Callable[..., Any], *arguments: Any) -> Answer:
    try:
        return True, method(*arguments)
    except Exception as error:  # noqa: BLE001  whoever asked gets it
        return False, _as_ours(error)


async def _answered(method: Callable[..., Any], *arguments: Any) -> Answer:
    ok, value = _answer(method, *arguments)
    try:
        return ok, await value if asyncio.iscoroutine(value) else value
    except Exception as error:  # noqa: BLE001  whoever asked gets it
        return False, _as_ours(error)


def _as_ours(error: Exception) -> EngineError:
    """Return an error that any machine can read."""
    return error if isinstance(error, EngineError) else EngineError(f"{type(error).__name__}: {error}")
