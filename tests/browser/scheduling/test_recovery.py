"""Processes that run tasks are killed: every task ends, and none runs twice at once."""

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from engine import AsyncEngine, Engine
from engine.bundles import BundleStore
from fixtures_sites import FixtureServer
from tests.support.overlaps import Overlaps
from tests.support.paths import ROOT
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

# Those without a browser start faster; saved as writing ones, they take turns as with a browser.
HANGS = "async def run(web, parameters, task):\n    await web.get(task.start_url + 'hang')\n"
QUICK = "async def run(web, parameters, task):\n    return [{'n': parameters.get('n', 0)}]\n"

# Arguments: store, requests as JSON. It starts them all, says so, and stays until they have ended.
STARTS = """
    import asyncio, json, sys
    from engine import AsyncEngine
    from sandbox import PoolOptions
    store, requests = sys.argv[1], json.loads(sys.argv[2])
    async def main():
        async with AsyncEngine(store=store, max_tasks=4, pool=PoolOptions(spare=0)) as engine:
            ids = [await engine.start(ai="never", **request) for request in requests]
            print(json.dumps(ids), flush=True)
            await engine.wait(ids, poll=0.2)
    asyncio.run(main())
"""


def starter(store: Path, *requests: dict[str, Any]) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ANTHROPIC_")} | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(STARTS), str(store), json.dumps(requests)],
        stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def ids_of(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    ids: list[str] = json.loads(process.stdout.readline())
    return ids


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def killed_while_running(store: Path, *requests: dict[str, Any]) -> list[str]:
    """Starts the tasks in another process, which dies when the first of them runs, or has just ended."""
    process = starter(store, *requests)
    ids = ids_of(process)
    with Engine(store=store, model=NoModel()) as engine:
        end = time.monotonic() + 120
        while engine.result(ids[0]).status == "pending":
            assert time.monotonic() < end
            time.sleep(0.05)
    kill(process)
    return ids


async def test_task_whose_process_died_ends_as_interrupted(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", HANGS, effects="write")
    (task_id,) = killed_while_running(tmp_path, {"task": TASK, "start_url": site.url, "reuse_key": "k"})
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        result = await engine.result(task_id)
        assert result.error is not None
        assert (result.status, result.outcome, result.error.code) == ("completed", "failed", "internal-error")
        assert (result.error.reason, result.effect) == ("interrupted", "none")
        assert 'if_interrupted="rerun"' in result.error.message
        assert result.started_at is not None
    assert not list((tmp_path / "default" / "engines").iterdir()), "nothing is left of either engine"


async def test_orphans_are_taken_over_and_interrupted_runs_rerun_where_allowed(
    tmp_path: Path, site: FixtureServer
) -> None:
    save(tmp_path, "k", HANGS.replace("hang", "slow?ms=3000"), effects="write")
    save(tmp_path, "q", QUICK, parameters={"n": 1}, effects="write")
    again = {"task": TASK, "start_url": site.url, "reuse_key": "k", "if_interrupted": "rerun"}
    waits = {"task": TASK, "start_url": site.url, "reuse_key": "k"}
    secret = {"task": TASK, "reuse_key": "q", "parameters": {"n": 1, "password": "x"}, "secrets": ["password"]}
    ids = killed_while_running(tmp_path, again, waits, secret)
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        first, second, third = await engine.wait(ids, poll=0.1, timeout=120)
    assert [first.outcome, second.outcome] == ["success", "success"]
    if not third.ok:  # it may have ended before the kill
        assert third.error is not None
        assert third.error.reason in ("interrupted", "parameters", "not-covered")


async def test_task_that_passed_an_irreversible_gate_is_never_rerun(tmp_path: Path, site: FixtureServer) -> None:
    code = "async def run(page, parameters, task):\n    async with task.irreversible('send'):\n"
    code += "        await page.goto(task.start_url + 'hang')\n"
    save(tmp_path, "k", code, effects="write")
    request = {"task": TASK, "start_url": site.url, "reuse_key": "k", "if_interrupted": "rerun"}
    process = starter(tmp_path, request)
    (task_id,) = ids_of(process)
    database = tmp_path / "default" / "records.sqlite3"
    end = time.monotonic() + 120
    with contextlib.closing(sqlite3.connect(database)) as records:
        while not (passed := records.execute("SELECT count(*) FROM gates").fetchone()[0]):
            assert time.monotonic() < end
            time.sleep(0.05)
    assert passed == 1
    kill(process)
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        (result,) = await engine.wait([task_id], poll=0.1, timeout=120)
    assert result.error is not None
    assert (result.error.reason, result.effect, result.error.details["actions"]) == ("interrupted", "unknown", ["send"])
    assert "check on the site" in result.error.message


class Witness(ThreadingHTTPServer):
    """A site that sees which keys run, and whether one runs twice at one time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.overlaps = Overlaps()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Page(BaseHTTPRequestHandler):
    server: Witness

    def do_GET(self) -> None:
        key = parse_qs(urlsplit(self.path).query).get("key", [""])[0]
        if key:
            self.server.overlaps.work(key, self.connection, 0.3)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<title>seen</title>")

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@pytest.fixture
def witness() -> Iterator[Witness]:
    with Witness() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


VISIT = """\
async def run(page, parameters, task):
    await page.goto(task.start_url + "?key=" + parameters["key"])
    return {"n": parameters["n"], "title": await page.title()}
"""


WITHOUT_BROWSER = """\
async def run(web, parameters, task):
    page = await web.get(task.start_url + "?key=" + parameters["key"])
    return {"n": parameters["n"], "title": page.title}
"""


def kill_again_and_again(
    store: Path,
    witness: Witness,
    *,
    kills: int,
    tasks: int = 60,
    keys: int = 20,
    code: str = VISIT,
    longest: float = 4.0,
) -> None:
    """Kill one of two processes, again and again, each time after at most ``longest`` seconds."""
    chance = random.Random(kills)
    for key in range(keys):
        save(store, f"k{key}", code, parameters={"key": "k", "n": 1}, effects="write")
    requests = [
        {
            "task": TASK, "start_url": witness.url, "reuse_key": f"k{n % keys}", "if_interrupted": "rerun",
            "parameters": {"key": f"k{n % keys}", "n": n}, "idempotency_key": str(n),
        }
        for n in range(tasks)
    ]  # fmt: skip
    halves = requests[::2], requests[1::2]
    workers = [starter(store, *half) for half in halves]
    for _ in range(kills):
        time.sleep(chance.uniform(0.2, longest))
        which = chance.randrange(2)
        kill(workers[which])
        workers[which] = starter(store, *halves[which])
    for worker in workers:
        assert worker.wait(timeout=300) == 0
        worker.communicate()
    with Engine(store=store, model=NoModel()) as engine:
        found = engine.list(limit=1000)
    assert len(found) == tasks
    for task in found:
        if not task.ok:  # killed more than three times while it ran: it ended, and says so
            assert task.error is not None
            assert task.error.reason == "interrupted"
    numbers = sorted(task.output["n"] for task in found if task.ok)
    assert len(set(numbers)) == len(numbers) >= tasks - kills, "four tasks run at once, and four kills end one"
    assert not witness.overlaps.keys, "a key ran twice at one time"
    with contextlib.closing(sqlite3.connect(store / "default" / "records.sqlite3")) as database, database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()
    bundles = BundleStore(store / "default")
    assert all(bundles.verify(f"k{key}") == () for key in range(keys))


def test_random_kills_of_two_processes_lose_no_task(tmp_path: Path, witness: Witness) -> None:
    kill_again_and_again(tmp_path, witness, kills=3, tasks=20, keys=6, code=WITHOUT_BROWSER, longest=2.0)


@pytest.mark.soak
def test_a_hundred_kills_lose_no_task(tmp_path: Path, witness: Witness) -> None:
    for seed in range(5):
        kill_again_and_again(tmp_path / str(seed), witness, kills=20)
