"""Clusters that cannot be used are told in words that help; nothing here starts Ray, and few tests import it."""

from __future__ import annotations

import builtins
import gc
import shutil
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import engine
from engine import AsyncDistributedEngine, DistributedEngine, EngineError, InvalidRequest


@pytest.fixture
def actors() -> ModuleType:
    """The engine's side of Ray."""
    from engine.distributed import actors

    return actors


def test_too_little_shared_memory_is_told(actors: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=32 << 20))
    with pytest.raises(EngineError, match="/dev/shm, which has 32 MiB left, and needs 64; give it more"):
        actors.connected("local")


@pytest.mark.parametrize(
    "error", [ConnectionError("nobody answers"), RuntimeError("the raylet ended"), ValueError("x")]
)
def test_a_cluster_that_is_not_there_is_told(
    error: Exception, actors: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**options: Any) -> None:
        raise error

    monkeypatch.setattr("ray.init", fail)
    with pytest.raises(EngineError, match=f"the Ray cluster at ray://far:1 cannot be reached: {error}"):
        actors.connected("ray://far:1")


def test_a_cluster_without_slots_is_told_and_left(actors: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[bool] = []
    monkeypatch.setattr("ray.init", lambda **options: None)
    monkeypatch.setattr("ray.shutdown", lambda: left.append(True))
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 8.0})
    with pytest.raises(EngineError, match="no node of the cluster at auto has the resource webtask_slot"):
        actors.connected("auto")
    assert left == [True]


async def test_ray_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_ray(name: str, *arguments: Any, **named: Any) -> Any:
        if name == "engine.distributed.actors":
            raise ImportError("No module named 'ray'")
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without_ray)
    cluster = AsyncDistributedEngine(bundles=tmp_path, store=tmp_path)
    with pytest.raises(EngineError, match=r'pip install "webtasks-engine\[ray\]"'):
        await cluster.run("List the entries")
    await cluster.close()


def test_arguments_are_checked_before_anything_is_started(tmp_path: Path) -> None:
    for wrong, field in (
        ({"bundles": "nowhere"}, "bundles"),
        ({"bundles": tmp_path, "memory_mb": 0}, "memory_mb"),
        ({"bundles": tmp_path, "usd_per_day": -1}, "usd_per_day"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            AsyncDistributedEngine(**wrong)  # type: ignore[arg-type]  # wrong on purpose
        assert refused.value.details["field"] == field


async def test_large_requests_with_secrets_and_unknown_arguments_are_refused(tmp_path: Path) -> None:
    cluster = AsyncDistributedEngine(bundles=tmp_path, store=tmp_path)
    large = {"password": "hunter2hunter2", "text": "x" * (70 << 10)}
    with pytest.raises(InvalidRequest, match="at most 64 KiB"):
        await cluster.run("List the entries", parameters=large)
    with pytest.raises(TypeError, match="run\\(\\) has no argument 'on_event'"):
        await cluster.run("List the entries", on_event=print)


def test_the_package_is_called_to_make_an_engine(tmp_path: Path) -> None:
    with engine.distributed(address="auto", bundles=tmp_path) as made:  # type: ignore[operator]  # a module that can be called
        assert isinstance(made, DistributedEngine)
    with pytest.raises(EngineError, match="the engine is closed"):
        made.run("List the entries")


def test_an_engine_that_nobody_closed_ends_its_thread_when_it_is_dropped(tmp_path: Path) -> None:
    unclosed = DistributedEngine(bundles=tmp_path, store=tmp_path)
    thread = unclosed._thread
    del unclosed
    gc.collect()
    thread.join(30)
    assert thread.loop.is_closed()
