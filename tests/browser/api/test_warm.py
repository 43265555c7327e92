"""Replays of one revision share a worker, and no other run does; a browser that crashes is replaced once."""

from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, Event
from fixtures_sites import FixtureServer, serve
from sandbox import PoolOptions
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

pytestmark = pytest.mark.own_sandbox

# Two workers can start within one tick of the clock: the namespace tells these apart.
STARTED = """\
import os
async def run(page, parameters, task):
    worker = open("/proc/self/stat").read().rpartition(")")[2].split()[19] + os.readlink("/proc/self/ns/pid")
    return [{{"worker": worker, "version": {version}}}]
"""


async def worker(engine: AsyncEngine, site: FixtureServer, key: str = "k", **options: Any) -> str:
    """Return the start time and namespace of the worker that ran the task, which identify it."""
    result = await engine.run(TASK, start_url=site.url, reuse_key=key, **({"ai": "never"} | options))
    assert result.ok, result.error
    return str(result.output[0]["worker"])


async def test_replay_reuses_the_worker_of_its_revision(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", STARTED.format(version=1))
    save(tmp_path, "other", STARTED.format(version=1))
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        first = await worker(engine, site, ai="never")
        other = await worker(engine, site, "other", ai="auto")
        assert other != first
        for ai in ("never", "auto"):
            assert await worker(engine, site, ai=ai) == first
            assert await worker(engine, site, "other", ai=ai) == other
        save(tmp_path, "k", STARTED.format(version=2))
        second = await worker(engine, site, ai="auto")
        assert second not in (first, other)
        assert await worker(engine, site, ai="never") == second


async def test_run_with_secrets_uses_a_worker_of_its_own(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", STARTED.format(version=1), parameters={"password": "x"})
    with_secret = {"parameters": {"password": "hunter22"}, "secrets": ["password"]}
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        assert len({await worker(engine, site, **with_secret) for _ in range(2)}) == 2


CRASHES = """\
import contextlib, os, pathlib, signal
async def run(page, parameters, task):
    {before}
    for process in filter(lambda each: each.name.isdigit(), pathlib.Path("/proc").iterdir()):
        with contextlib.suppress(OSError):  # the browser's processes come and go
            if b"--type=renderer" in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
    await page.wait_for_timeout(20_000)
"""


async def crash(store: Path, before: str, effects: str = "read") -> tuple[Any, list[str]]:
    """The result of code that crashes the browser on the site's first design, and the events of the run."""
    save(store, "k", CRASHES.format(before=before), effects=effects)
    events: list[str] = []
    with serve("directory") as site:

        def on_event(event: Event) -> None:
            events.append(event.type)
            if event.type == "browser.crashed":
                site.version = "v2"

        async with AsyncEngine(store=store, model=NoModel(), pool=PoolOptions(spare=0)) as engine:
            result = await engine.run(TASK, start_url=site.url, reuse_key="k", parameters={}, on_event=on_event)
    return result, events


async def test_browser_crash_is_retried_on_a_fresh_worker(tmp_path: Path) -> None:
    first_time = "if '|' not in await page.title(): return [{'design': 2}]"
    result, events = await crash(tmp_path, first_time)
    assert result.ok, result.error
    assert events.count("browser.crashed") == 1


@pytest.mark.parametrize(
    ("before", "effects", "reason", "again"),
    [
        ("pass", "read", "browser-crashed", 1),
        ("pass", "write", "browser-crashed", 0),
        ("async with task.irreversible('send'): pass", "read", "failed-behind-gate", 0),
    ],
)
async def test_browser_crash_calls_no_model_and_repeats_no_irreversible_action(
    tmp_path: Path, before: str, effects: str, reason: str, again: int
) -> None:
    result, events = await crash(tmp_path, before, effects)
    assert result.error is not None
    assert result.error.reason == reason
    assert events.count("browser.crashed") == again
