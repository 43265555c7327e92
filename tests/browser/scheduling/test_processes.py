"""Two processes on one key, kills at any instant, no process left running; the blocking engine in threads and loops."""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine import AsyncEngine, Engine
from engine.bundles import BundleStore
from fixtures_sites import FixtureServer
from sandbox import PoolOptions
from tests.support.nostart import recorded, request
from tests.support.own_site import Answer, Asked, own_site
from tests.support.paths import ROOT
from tests.support.processes import outliving
from tests.support.saved import TASK, save
from tests.support.stage import LIST_TITLES, NoModel

SECONDS = 120
# Without a browser, which would take each process a second; saved as writing ones, they take turns as with a browser.
SLOW = """\
import time
async def run(web, parameters, task):
    began = time.time()
    await web.get(task.start_url + "slow?ms=2500")
    return {"began": began, "ended": time.time()}
"""
TITLE = "async def run(web, parameters, task):\n    return {'title': (await web.get(task.start_url)).title}\n"


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ANTHROPIC_")} | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


REPLAY = """
    import json, sys
    from engine import Engine
    from sandbox import PoolOptions
    store, url, key = sys.argv[1:]
    with Engine(store=store, pool=PoolOptions(spare=0)) as engine:
        result = engine.run("Take down what the page says", start_url=url, reuse_key=key, ai="never")
    assert result.ok, result.error
    assert "anthropic" not in sys.modules
    print(json.dumps(result.output))
"""


def outputs(processes: list[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    found = []
    for process in processes:
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        found.append(json.loads(out))
    return found


def test_two_processes_on_one_key_are_serialized_and_on_two_keys_parallel(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "a", SLOW, effects="write")
    found = outputs([python(REPLAY, str(tmp_path), site.url, "a") for _ in range(2)])
    (_, end), (begin, _) = sorted((output["began"], output["ended"]) for output in found)
    assert begin >= end
    here = threading.Barrier(2)

    def both(asked: Asked) -> Answer:
        here.wait(50)
        return Answer("<title>Both are here</title>")

    with own_site(both) as meeting:  # its page comes when two runs ask for it: different keys do not wait
        for key in ("c", "d"):
            save(tmp_path, key, TITLE, effects="write")
        processes = [python(REPLAY, str(tmp_path), meeting.url, key) for key in ("c", "d")]
        assert outputs(processes) == [{"title": "Both are here"}] * 2


async def test_wait_for_a_key_is_announced_once_and_can_be_canceled(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", SLOW, effects="write")
    lock = BundleStore(tmp_path / "default").try_lock("k")
    assert lock is not None
    events: list[str] = []
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        run = engine.run(TASK, start_url=site.url, reuse_key="k", ai="never", on_event=lambda e: events.append(e.type))
        waiting = asyncio.create_task(run)
        async with asyncio.timeout(SECONDS):
            while "task.waiting" not in events:
                await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        assert events.count("task.waiting") == 1
        assert "task.started" not in events
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    lock.release()


@pytest.mark.own_sandbox
async def test_canceled_run_ends_its_worker_and_releases_the_key(
    tmp_path: Path, site: FixtureServer, earlier: set[psutil.Process]
) -> None:
    save(tmp_path, "k", "async def run(page, parameters, task):\n    await page.goto(task.start_url + 'hang')\n")
    async with AsyncEngine(store=tmp_path, model=NoModel(), pool=PoolOptions(spare=0)) as engine:
        run = asyncio.create_task(engine.run(TASK, start_url=site.url, reuse_key="k", ai="never"))
        await asyncio.sleep(2)
        began = time.monotonic()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        while started_since(earlier) and time.monotonic() - began < 60:
            await asyncio.sleep(0.02)
        assert not started_since(earlier)
        lock = BundleStore(tmp_path / "default").try_lock("k")
        assert lock is not None
        lock.release()


@pytest.fixture(autouse=True)
def earlier() -> set[psutil.Process]:
    """This process's children from before the test, such as the workers of the session's warm sandbox."""
    return set(psutil.Process().children())


def started_since(earlier: set[psutil.Process]) -> list[str]:
    """Sandbox processes below this one, but for those below earlier children; zombies do not count."""
    names = []
    for child in set(psutil.Process().children()) - earlier:
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended between the listing and the look
            for process in (child, *child.children(recursive=True)):
                if process.status() != psutil.STATUS_ZOMBIE:
                    names.append(process.name())
    return [name for name in names if name in ("bwrap", "node", "chromium-headless-shell", "chrome")]


@pytest.mark.own_sandbox
def test_blocking_engine_works_in_a_thread_and_leaves_no_process(
    tmp_path: Path, site: FixtureServer, earlier: set[psutil.Process]
) -> None:
    save(tmp_path, "k", LIST_TITLES, parameters={"q": 1})
    with Engine(store=tmp_path, model=NoModel()) as engine:
        result = engine.run(TASK, start_url=site.url, reuse_key="k", parameters={"q": 1}, ai="never")
        assert result.output[0]["q"] == 1
    assert not started_since(earlier)


async def test_blocking_engine_works_inside_a_running_event_loop(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", LIST_TITLES, parameters={"q": 1})
    with Engine(store=tmp_path, model=NoModel()) as engine:
        result = engine.run(TASK, start_url=site.url, reuse_key="k", parameters={"q": 1}, ai="never")
    assert result.ok, result.error


KILLED = """
    import asyncio, sys
    from engine import AsyncEngine
    from tests.support.nostart import recorded, request
    store, url = sys.argv[1:]
    async def main():
        async with AsyncEngine(store=store, model=recorded(url)) as engine:
            print("ready", flush=True)
            await engine.run(reuse_key="k", **request(url))
    asyncio.run(main())
"""


def kill_at_random_delays(store: Path, site: FixtureServer, times: int) -> None:
    """A first run is killed again and again; the store holds nothing or the whole first revision, and works."""
    chance = random.Random(7)
    jails: list[psutil.Process] = []
    for n in range(times):
        process = python(KILLED, str(store / str(n)), site.url)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()
        # The whole run takes a few seconds; any instant of it is as likely as any other.
        time.sleep(chance.uniform(0.05, 4.0))
        jails += psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kept = BundleStore(store / str(n) / "default")
        if (found := kept.load("k")) is not None:
            assert found.revision is not None
            assert [r.id for r in kept.history("k")] == [found.revision.id]
        with Engine(store=store / str(n), model=recorded(site.url) if found is None else NoModel()) as engine:
            result = engine.run(reuse_key="k", **request(site.url))
        assert result.ok, result.error
        assert (result.model_calls == 0) == (found is not None)
        assert kept.verify("k") == () or found is None
    assert not outliving(jails, 30), "a worker outlived its engine"


def test_kill_at_any_instant_leaves_the_old_or_the_new_revision(tmp_path: Path, site: FixtureServer) -> None:
    kill_at_random_delays(tmp_path, site, 2)


@pytest.mark.soak
def test_a_hundred_kills(tmp_path: Path, site: FixtureServer) -> None:
    kill_at_random_delays(tmp_path, site, 100)
