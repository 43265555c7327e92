"""Engines on one store share its browsers, and one that nothing refers to any more closes by itself."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engine import Engine
from fixtures_sites import FixtureServer
from sandbox import PoolOptions
from tests.support.processes import children
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

pytestmark = pytest.mark.own_sandbox
TITLE = "async def run(page, parameters, task):\n    return await page.title()\n"


def until(holds: Callable[[], bool]) -> bool:
    give_up = time.monotonic() + 60
    while not holds() and time.monotonic() < give_up:
        time.sleep(0.05)
    return holds()


def command(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.NoSuchProcess:
        return ""


def test_engines_of_a_cell_that_is_run_again_share_their_browsers_and_leave_none(
    tmp_path: Path, site: FixtureServer
) -> None:
    save(tmp_path, "k", TITLE)
    before = children()
    threads = threading.active_count()

    def cell() -> Engine:
        engine = Engine(store=tmp_path, model=NoModel(), pool=PoolOptions(spare=0))
        assert engine.run(TASK, start_url=site.url, reuse_key="k", ai="never").ok
        return engine

    def jails() -> set[int]:
        return {pid for pid in children() - before if command(pid) == "bwrap"}  # the engine runs git, too

    def locks() -> int:
        return len(list((tmp_path / "default" / "engines").iterdir()))

    engine = cell()
    kept = jails()
    assert kept
    for _ in range(3):
        engine = cell()
        assert until(lambda: locks() == 1), "the one before is closed"
        assert until(lambda: jails() == kept)
    del engine
    gc.collect()
    assert until(lambda: not jails())
    assert until(lambda: threading.active_count() <= threads)
    assert until(lambda: locks() == 0)
