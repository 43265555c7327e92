"""The pool: reuse of workers, residue of their runs, and their end.

Workers with and without a browser have a pool each, of the same kind. What is the pool's own work is shown with those
without one, which start in a few hundredths of a second.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from sandbox import Automation, Egress, Host, Outcome, PoolOptions, Sandbox, SandboxLimits, WorkerDied
from sandbox.workers.client import WorkerClient
from sandbox.workers.pool import Pool
from sandbox.workers.web_process import ForkedProcess
from tests.support.jailed import _indent
from tests.support.paths import DRIVER_CACHE

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def warm() -> AsyncIterator[Sandbox]:
    """Without blank workers: a second run is in the first one's, or in a new one."""
    async with Sandbox(pool=PoolOptions(spare=0), cache=DRIVER_CACHE) as opened:
        yield opened


async def run(sandbox: Sandbox, body: str, affinity: str | None = "a", kind: str = "page", **options: Any) -> Outcome:
    code = body if "def run" in body else f"async def run({kind}, parameters, task):\n" + _indent(body)
    options = {"limits": SandboxLimits(wall_seconds=30)} | options
    return await sandbox.run(Automation(code), options.pop("parameters", {}), affinity=affinity, **options)


async def runs_of_worker(sandbox: Sandbox, affinity: str | None = "a", **options: Any) -> int:
    """The number, in its worker, of one more run of this identity; no run has a browser unless told otherwise."""
    return (await run(sandbox, "return 1", affinity, **({"kind": "web"} | options))).worker_run


async def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.05)


async def test_next_run_of_the_same_affinity_reuses_the_browser(warm: Sandbox, site: str) -> None:
    body = "return [await page.title(), page.url, len(page.context.pages)]"
    for number in (1, 2, 3):
        outcome = await run(warm, body, "same", start_url=site, egress=Egress(allow=(site,)))
        assert outcome.value == ["Items", site + "/", 1]
        assert outcome.worker_run == number
        assert outcome.evidence.documents == ((site + "/", 200),)
    assert await runs_of_worker(warm, "same", kind="page", secret=True) == 1, "another, for the run's secrets"
    assert (await run(warm, "raise ValueError", "same")).worker_run == 4
    assert await runs_of_worker(warm, "same", kind="page") == 1, "another, after a failed run"


async def test_runs_that_need_no_images_soon_have_a_worker_that_loads_none(warm: Sandbox) -> None:
    body = """
        await page.set_content("<img id=one src='http://127.0.0.1:1/1.png' alt='One' onerror='this.remove()'>")
        shown = page.locator("#one")
        return [await shown.is_visible(), await shown.evaluate("image => image.complete")] if parameters else None
    """
    for number in (1, 2, 3):
        outcome = await run(warm, body, "bare", images=False)
        assert (outcome.worker_run, outcome.images, outcome.evidence.images) == (number, True, 1)
    await until(lambda: not warm._pool._preparing)
    outcome = await run(warm, body, "bare", images=False, parameters={"look": True})
    assert (outcome.worker_run, outcome.images, outcome.evidence.images) == (1, False, 0)
    assert outcome.value == [True, False], "it has its place, and the page is told nothing of it"
    assert (await run(warm, body, "bare")).images
    outcome = await run(warm, body, "bare", images=False)
    assert (outcome.worker_run, outcome.images) == (2, False)


async def test_another_affinity_never_reuses_the_worker(warm: Sandbox) -> None:
    assert await runs_of_worker(warm, "mine") == 1
    assert await runs_of_worker(warm, "yours") == 1
    assert await runs_of_worker(warm, None) == 1
    assert await runs_of_worker(warm, "mine") == 2


async def test_concurrent_runs_have_a_worker_each(warm: Sandbox) -> None:
    both = await asyncio.gather(runs_of_worker(warm, "twice"), runs_of_worker(warm, "twice"))
    assert both == [1, 1]
    assert sorted(await asyncio.gather(runs_of_worker(warm, "twice"), runs_of_worker(warm, "twice"))) == [2, 2]


def waiting(pool: Pool, affinity: str) -> list[WorkerClient]:
    """The workers that wait for the next run of this identity."""
    return [entry.client for entry in pool._waiting if entry.affinity == affinity]


CARELESS = """
import asyncio, csv, decimal, os, random, sys, types
async def run(page, parameters, task):
    seen = {
        "module": hasattr(sys.modules["automation"], "mark"),
        "import": "helper" in sys.modules or hasattr(csv, "mark"),
        "environment": os.environ.get("MARK"),
        "path": "/scratch" in sys.path,
        "directory": os.getcwd(),
        "scratch": [n for n in os.listdir("/scratch") if n != ".browser"],
        "shared memory": os.listdir("/dev/shm"),
        "cookies": len(await page.context.cookies()),
        "storage": await page.evaluate("localStorage.length"),
        "random": random.random() == 0.5714025946899135,
        "precision": decimal.getcontext().prec,
        "log": task.log("one line") and None,
        "resource": task.resource("word").read_text(),
    }
    sys.modules["automation"].mark = csv.mark = True
    sys.modules["helper"] = types.ModuleType("helper")
    os.environ["MARK"] = "x"
    sys.path.append("/scratch")
    open("/scratch/file", "x").close()
    open("/dev/shm/file", "x").close()
    os.mkdir("/scratch/directory")
    os.chdir("/scratch/directory")
    decimal.getcontext().prec = 3
    random.seed(10)
    await page.context.add_cookies([{"name": "a", "value": "b", "url": page.url}])
    await page.evaluate("localStorage.setItem('a', 'b')")
    return seen
"""


async def test_state_of_a_run_is_gone_in_the_next(warm: Sandbox, site: str) -> None:
    automation = Automation(CARELESS, resources={"word": b"hello"})
    for number in (1, 2, 3):
        outcome = await warm.run(
            automation, {}, start_url=site, egress=Egress(allow=(site,)), host=Host(), affinity="careless"
        )
        assert outcome.ok, outcome.error
        assert outcome.worker_run == number
        assert outcome.logs == ("one line",)
        assert outcome.value == {
            "module": False, "import": False, "environment": None, "path": False, "directory": "/scratch",
            "scratch": ["resources"], "shared memory": [], "cookies": 0, "storage": 0, "random": False,
            "precision": 28, "log": None, "resource": "hello",
        }  # fmt: skip


async def left_by(sandbox: Sandbox, body: str, caplog: pytest.LogCaptureFixture) -> str:
    """Return the residue for which the worker is not used again after this run."""
    caplog.set_level(logging.INFO, "sandbox.workers.pool")
    outcome = await run(sandbox, body, "untidy")
    assert outcome.ok, outcome.error
    await until(lambda: "left residue" in caplog.text)
    assert not waiting(sandbox._pool, "untidy")
    return caplog.text.partition("left residue: ")[2]


# Each in its own words. Where contexts are left, a worker is not asked what else there is.
RESIDUE = {
    "task Task-": "task.kept = asyncio.create_task(asyncio.sleep(60))",
    "thread ": "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "a patched socket.create_connection": "socket.create_connection = None",
    "a patched Event.set": "asyncio.Event.set = lambda self: None",
    "a changed socket timeout": "socket.setdefaulttimeout(3)",
    "descriptor ": "os.open('/etc/localtime', os.O_RDONLY)",
}
MORE_RESIDUE = {
    "1 browser contexts": "task.context = await page.context.browser.new_context()",
    "process ": "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(60)\n    os._exit(0)",
}


@pytest.mark.parametrize("residue", [RESIDUE, MORE_RESIDUE], ids=["in the process", "beside it"])
async def test_residue_found_by_the_worker_ends_it(
    warm: Sandbox, residue: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    found = await left_by(warm, "\n".join(["import asyncio, os, socket, threading, time", *residue.values()]), caplog)
    parts = found.split("; ")
    assert [what for what in residue if not any(part.startswith(what) for part in parts)] == [], found


async def test_message_after_the_end_of_its_run_ends_the_worker(
    warm: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    body = """
    import asyncio
    async def later():
        while True:
            task.log('here')
            await asyncio.sleep(0)
    task.kept = asyncio.create_task(later())
    await asyncio.sleep(0)
    """
    assert (await left_by(warm, body, caplog)).startswith("worker protocol violation: 'log'")


HIDING = """
import os, threading, time, sandbox.inside.process_reset
async def nothing(self): return ()
async def run(page, parameters, task):
    sandbox.inside.process_reset.ProcessBaseline.restore = nothing
"""


HIDDEN = """
    if os.fork() == 0: time.sleep(60)
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    for directory in ('/scratch', '/dev/shm'): open(directory + '/mark', 'x').close()
    for _ in range(4): await (await page.context.browser.new_context()).new_page()
    type(page.context.browser).contexts = property(lambda browser: [page.context])
"""


async def test_residue_hidden_by_hostile_code_is_found_by_the_host(
    warm: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    found = await left_by(warm, HIDING + HIDDEN.lstrip("\n"), caplog)
    process, threads, pages, *files = found.strip().split("; ")
    assert (process.split()[0], pages) == ("process", "pages")
    assert threads.startswith("threads in process")
    assert files == ["file /scratch/mark", "file /dev/shm/mark"]


async def test_failed_run_ends_its_worker(warm: Sandbox) -> None:
    assert await runs_of_worker(warm, "failing") == 1
    assert not (await run(warm, "raise ValueError", "failing", kind="web")).ok
    assert await runs_of_worker(warm, "failing") == 1


async def test_run_with_secrets_has_a_worker_of_its_own(warm: Sandbox) -> None:
    assert await runs_of_worker(warm, "secret") == 1
    assert await runs_of_worker(warm, "secret", secret=True) == 1
    assert await runs_of_worker(warm, "secret") == 2


async def test_kept_session_is_released_or_closed(warm: Sandbox) -> None:
    async def kept() -> Outcome:
        outcome = await run(warm, "return 1", "kept", keep_open=True)
        assert outcome.session is not None
        return outcome

    first = await kept()
    assert first.session is not None
    first.session.release()
    second = await kept()
    assert second.session is not None
    assert second.worker_run == 2
    await second.session.execute("1")
    second.session.release()
    third = await kept()
    assert third.session is not None
    assert third.worker_run == 1
    await third.session.close()
    assert not waiting(warm._pool, "kept")


async def test_different_start_limits_need_another_worker(warm: Sandbox) -> None:
    assert await runs_of_worker(warm, "limits") == 1
    assert await runs_of_worker(warm, "limits", limits=SandboxLimits(scratch_mb=64)) == 1
    assert await runs_of_worker(warm, "limits", limits=SandboxLimits(wall_seconds=60)) == 2


async def test_worker_is_ended_after_its_number_of_runs() -> None:
    async with Sandbox(pool=PoolOptions(runs=2)) as sandbox:
        assert [await runs_of_worker(sandbox) for _ in range(3)] == [1, 2, 1]


async def test_pool_keeps_at_most_the_set_number() -> None:
    async with Sandbox(pool=PoolOptions(web_kept=1)) as sandbox:
        assert await runs_of_worker(sandbox, "old") == 1
        assert await runs_of_worker(sandbox, "new") == 1
        assert await runs_of_worker(sandbox, "new") == 2
        assert await runs_of_worker(sandbox, "old") == 1
    async with Sandbox(pool=PoolOptions(web_kept=0)) as sandbox:
        assert [await runs_of_worker(sandbox) for _ in range(2)] == [1, 1]
    async with Sandbox(pool=PoolOptions(spare=0, kept=0)) as sandbox:
        assert await runs_of_worker(sandbox, kind="page") == 1
        assert not sandbox._pool._waiting, "browsers have a number of their own"


async def started_spare(sandbox: Sandbox) -> int:
    """Start a spare worker; return the number of workers once it is ready, or was given up."""
    await sandbox.warm()
    assert sandbox._pool._refilling is not None
    await sandbox._pool._refilling
    return len(sandbox._pool._all)


async def test_pool_stays_below_its_memory_ceiling() -> None:
    async with Sandbox(pool=PoolOptions(memory_mb=1)) as sandbox:
        assert await runs_of_worker(sandbox) == 1
        await until(lambda: not sandbox._web_pool._all)
        assert await started_spare(sandbox) == 1
        assert not sandbox._pool._spares, "it is being ended"
        await until(lambda: not sandbox._pool._all)


async def test_idle_workers_are_ended_and_the_pool_shrinks() -> None:
    async with Sandbox(pool=PoolOptions(idle_seconds=1.0)) as sandbox:
        assert await runs_of_worker(sandbox) == 1
        await until(lambda: not sandbox._web_pool._all)
        assert await runs_of_worker(sandbox) == 1
        await sandbox.warm()
        assert sandbox._pool._refilling is not None
        await asyncio.wait({sandbox._pool._refilling})  # on a busy machine its time comes before it is ready
        await until(lambda: not sandbox._pool._all)
        assert not sandbox._pool._spares


async def test_spare_worker_serves_any_affinity_and_is_replaced() -> None:
    async with Sandbox() as sandbox:
        assert await started_spare(sandbox) == 1
        (spare,) = sandbox._pool._spares
        assert (await run(sandbox, "return 1", "any", keep_open=True)).worker_run == 1
        assert spare.runs == 1
        await until(lambda: len(sandbox._pool._spares) == 1)
        assert sandbox._pool._all == {spare, *sandbox._pool._spares}


async def waits_for_its_next_run(sandbox: Sandbox, affinity: str) -> WorkerClient:
    """Return a worker that has run once and was renewed."""
    assert await runs_of_worker(sandbox, affinity) == 1
    entry = next(each for each in sandbox._web_pool._waiting if each.affinity == affinity)
    await entry.renewing
    return entry.client


async def test_dead_waiting_worker_is_not_used(warm: Sandbox) -> None:
    client = await waits_for_its_next_run(warm, "dying")
    assert isinstance(client._process, ForkedProcess)
    os.kill(*client._process.meter.pids(), 9)
    await until(lambda: not client.usable)
    assert await runs_of_worker(warm, "dying") == 1


async def test_waiting_worker_that_just_died_is_cleaned_up(warm: Sandbox) -> None:
    """Its end was not noticed yet when the next run takes it."""
    client = await waits_for_its_next_run(warm, "just died")
    client.end(WorkerDied("just now"))
    assert await runs_of_worker(warm, "just died") == 1
    await until(lambda: client not in warm._web_pool._all)


async def test_worker_that_cannot_be_renewed_is_not_kept(warm: Sandbox) -> None:
    """The cause here: this program may open no more files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert await runs_of_worker(warm, "no files", kind="page") == 1
    entry = next(each for each in warm._pool._waiting if each.affinity == "no files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        await asyncio.wait({entry.renewing})
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not waiting(warm._pool, "no files")
    await until(lambda: entry.client not in warm._pool._all)


@pytest.mark.parametrize("option", ["spare", "kept", "memory_mb", "idle_seconds", "runs"])
async def test_negative_options_are_refused(option: str) -> None:
    with pytest.raises(ValueError, match=option):
        PoolOptions(**{option: -1})
