"""Excessive use in every jail: it ends with the name of the limit, and leaves nothing.

Each attack is also made in a harmless size, under limits that allow it, without a jail: there it works.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any

import pytest

from sandbox import Automation, Egress, Host, Outcome, PoolOptions, Sandbox, SandboxLimitExceeded, SandboxLimits
from tests.support.jails import JAILS
from tests.support.processes import children, none_left
from tests.support.warm import LentSandbox

FORKS = """
import os, time
async def run(page, parameters, task):
    for _ in range(parameters["n"]):
        try:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
        except OSError:
            break
    time.sleep(parameters["then"])
    return "forked"
"""
BOMB = """
import os
async def run(page, parameters, task):
    while True:
        try:
            os.fork()
        except OSError:
            pass
"""
THREADS = """
import threading, time
async def run(page, parameters, task):
    for n in range(parameters["n"]):
        try:
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        except RuntimeError:
            return f"stopped at {n}"
    return "started"
"""
MEMORY = """
import asyncio
async def run(page, parameters, task):
    kept = []
    for _ in range(parameters["n"]):
        kept.append(b"x" * (32 << 20))
        await asyncio.sleep(0.01)
    await asyncio.sleep(parameters["then"])
    return "filled"
"""
SHARED_MEMORY = """
import asyncio, mmap
async def run(page, parameters, task):
    kept = []
    for _ in range(parameters["n"]):
        shared = mmap.mmap(-1, 32 << 20)
        shared.write(b"x" * (32 << 20))
        kept.append(shared)
        await asyncio.sleep(0.01)
    await asyncio.sleep(parameters["then"])
    return "filled"
"""
# Of empty memory that is only read, the kernel keeps one page for all, but a page of its tables for every 2 MiB.
PAGE_TABLES = """
import asyncio, mmap
async def run(page, parameters, task):
    kept = []
    for _ in range(parameters["n"]):
        kept.append(mmap.mmap(-1, 64 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ))
        kept[-1][:: 2 << 20]
        await asyncio.sleep(0.01)
    await asyncio.sleep(parameters["then"])
    return "filled"
"""
HEAP = """
async def run(page, parameters, task):
    await page.evaluate('''async n => {
        const kept = window.kept = [];
        for (let i = 0; i < n; i++) {
            kept.push(Array.from({length: 1 << 19}, (_, j) => ({j})));
            await new Promise(done => setTimeout(done, 10));
        }
    }''', parameters["n"])
    await page.wait_for_timeout(parameters["then"] * 1000)
    return "filled"
"""
BUFFERS = """
async def run(page, parameters, task):
    await page.evaluate('''async n => {
        const kept = window.kept = [];
        for (let i = 0; i < n; i++) {
            kept.push(new Uint8Array(32 << 20).fill(1));
            await new Promise(done => setTimeout(done, 10));
        }
    }''', parameters["n"])
    await page.wait_for_timeout(parameters["then"] * 1000)
    return "filled"
"""
DISK = """
import asyncio, os
async def run(page, parameters, task):
    for n in range(parameters["n"]):
        with open(f"{os.environ['HOME']}/{n}", "wb") as file:
            file.write(bytes(8 << 20))
        await asyncio.sleep(0.01)
    await asyncio.sleep(parameters["then"])
    return "filled"
"""
NAMELESS = DISK.replace("await asyncio.sleep(0.01)", "kept.append(open(file.name)); os.unlink(file.name)").replace(
    "    for n", "    kept = []\n    for n"
)
FILES = """
import asyncio, os
async def run(page, parameters, task):
    for n in range(parameters["n"]):
        os.close(os.open(f"{os.environ['HOME']}/{n}", os.O_CREAT))
        if n % 100 == 0:
            await asyncio.sleep(0.01)
    await asyncio.sleep(parameters["then"])
    return "filled"
"""
DEEP = """
import asyncio, os
async def run(page, parameters, task):
    os.chdir(os.environ["HOME"])
    for n in range(parameters["n"]):
        os.mkdir("d")
        os.chdir("d")
    await asyncio.sleep(parameters["then"])
    return "filled"
"""
DEAF = """
import signal
async def run(page, parameters, task):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        pass
"""
DAEMON = """
import ctypes, os, time
async def run(page, parameters, task):
    named, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(15, parameters["name"].encode(), 0, 0, 0)  # PR_SET_NAME
            os.write(tell, b"+")
            time.sleep(60)
        os._exit(0)
    os.wait()
    return os.read(named, 1).decode() + " left behind"
"""
# Each is an orphan at once, and ends before anybody looks at it.
BURNERS = """
import asyncio, os, time
async def run(page, parameters, task):
    for _ in range(100):
        if os.fork() == 0:
            if os.fork() == 0:
                while time.process_time() < 0.05:
                    pass
            os._exit(0)
        os.wait()
        await asyncio.sleep(0.05)
"""
SIGNALS = """
import asyncio, os
async def run(page, parameters, task):
    for number in range(1, 65):
        try:
            os.kill(1, number)
        except OSError:
            pass
        await asyncio.sleep(0.01)
    return await page.evaluate("6 * 7")
"""
FLOOD = """
async def run(page, parameters, task):
    await page.evaluate("n => { for (let i = 0; i < n; i++) console.log('x'.repeat(1000)); }", parameters["n"])
    return "logged"
"""

# name: code, how much of it is too much, how much is harmless, the limits under which it is too much
EXCESSES: dict[str, tuple[str, int, int, SandboxLimits]] = {
    "forks": (FORKS, 300, 100, SandboxLimits(processes=60)),
    "threads": (THREADS, 100_000, 200, SandboxLimits(processes=60, wall_seconds=20)),
    "memory": (MEMORY, 40, 4, SandboxLimits(memory_mb=600)),
    "shared memory": (SHARED_MEMORY, 40, 4, SandboxLimits(memory_mb=600)),
    "page tables": (PAGE_TABLES, 16, 1, SandboxLimits(memory_mb=600)),
    "V8 heap": (HEAP, 60, 1, SandboxLimits(memory_mb=600)),
    "array buffers": (BUFFERS, 40, 4, SandboxLimits(memory_mb=600)),
    "disk": (DISK, 20, 4, SandboxLimits(scratch_mb=64)),
    "files without a name": (NAMELESS, 20, 4, SandboxLimits(scratch_mb=64)),
    "number of files": (FILES, 6000, 1000, SandboxLimits(scratch_files=3000)),
}


# Those of one process, which a worker without a browser may be as well; it starts in a tenth of the time.
WITHOUT_A_BROWSER = {
    *((jail, name) for jail in JAILS for name in ("threads", "disk")),
    ("bubblewrap", "files without a name"),
    ("landlock", "number of files"),
}
NEED_A_BROWSER = {"page tables", "V8 heap", "array buffers"}  # the first: others may not map that much


def without_a_browser(code: str) -> str:
    return code.replace("run(page,", "run(web,")


async def run(mechanism: Any, code: str, limits: SandboxLimits, **parameters: Any) -> Outcome:
    async with Sandbox(isolation=mechanism, pool=PoolOptions(spare=0)) as sandbox:
        return await sandbox.run(
            Automation(code), parameters, start_url=None, egress=Egress(), host=Host(), limits=limits
        )


# All kinds of memory are measured in the same way in every jail; tasks and files are not.
@pytest.mark.parametrize(
    ("jail", "name"),
    [(jail, name) for jail in JAILS for name in EXCESSES if jail == JAILS[0] or name not in NEED_A_BROWSER],
)
async def test_excessive_use_ends_the_worker(jail: str, name: str) -> None:
    code, too_much, _, limits = EXCESSES[name]
    if (jail, name) in WITHOUT_A_BROWSER:
        code = without_a_browser(code)
    before = children()
    if name == "threads":  # refused one by one, which the code may survive
        outcome = await run(jail, code, limits, n=too_much)
        assert str(outcome.value).startswith("stopped at ")
    else:
        with pytest.raises(SandboxLimitExceeded) as caught:
            await run(jail, code, limits, n=too_much, then=30)
        assert caught.value.limit in {"processes", "memory_mb", "scratch_mb", "scratch_files"}
        assert caught.value.value == getattr(limits, caught.value.limit) != getattr(SandboxLimits(), caught.value.limit)
    assert not await none_left(lambda: children() - before)


async def test_the_same_use_works_without_a_jail_and_limits() -> None:
    async with Sandbox(isolation="none", pool=PoolOptions(spare=0)) as sandbox:
        for name, (code, _, harmless, _) in EXCESSES.items():
            automation = Automation(code if name in NEED_A_BROWSER else without_a_browser(code))
            outcome = await sandbox.run(automation, {"n": harmless, "then": 0}, affinity="one")
            assert outcome.value in ("forked", "started", "filled"), outcome.error


@pytest.mark.parametrize("jail", JAILS)
async def test_fork_bomb_is_contained_and_ended(jail: str) -> None:
    """Only in jails: there the kernel, or the supervisor, counts every task before it starts."""
    before = children()
    with pytest.raises(SandboxLimitExceeded) as caught:
        await run(jail, BOMB, SandboxLimits(processes=60))
    assert caught.value.limit == "processes"
    assert not await none_left(lambda: children() - before)


@pytest.mark.parametrize("jail", JAILS)
async def test_very_deep_directories_are_counted_and_removed(jail: str) -> None:
    code = DEEP if jail == "landlock" else without_a_browser(DEEP)
    with pytest.raises(SandboxLimitExceeded):
        await run(jail, code, SandboxLimits(scratch_files=1000), n=5000, then=30)


@pytest.mark.parametrize("jail", JAILS)
async def test_code_that_ignores_signals_is_ended(jail: str) -> None:
    before = children()
    with pytest.raises(SandboxLimitExceeded):
        await run(jail, without_a_browser(DEAF), SandboxLimits(cpu_seconds=1))
    assert not await none_left(lambda: children() - before)


@pytest.mark.parametrize("jail", JAILS)
async def test_cpu_time_of_orphans_counts(jail: str) -> None:
    before = children()
    with pytest.raises(SandboxLimitExceeded) as caught:
        await run(jail, BURNERS, SandboxLimits(cpu_seconds=2))
    assert caught.value.limit == "cpu_seconds"
    assert not await none_left(lambda: children() - before)


async def test_first_process_of_a_jail_ignores_signals_from_inside() -> None:
    assert (await run("bubblewrap", SIGNALS, SandboxLimits())).value == 42


@pytest.mark.parametrize("jail", JAILS)
async def test_daemon_ends_with_the_run(jail: str) -> None:
    before, name = children(), secrets.token_hex(7)
    assert (await run(jail, DAEMON, SandboxLimits(), name=name)).value == "+ left behind"
    assert not await none_left(lambda: children() - before)
    assert await none_left(lambda: _named(name)) == []


async def test_daemon_survives_without_a_jail() -> None:
    """A process that the jails end: seen while it runs, then ended by its number."""
    name = secrets.token_hex(7)
    outcome = await run("none", DAEMON, SandboxLimits(), name=name)
    assert outcome.value == "+ left behind"
    stayed = _named(name)
    assert stayed
    for pid in stayed:
        os.kill(pid, 9)


def _named(name: str) -> list[int]:
    """Return the processes of this name: those of tests that run beside this one have others."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text() == f"{name}\n":
                found.append(int(pid))
    return found


async def test_console_messages_do_not_count_as_output(warm: LentSandbox) -> None:
    outcome = await warm.run(Automation(FLOOD), {"n": 5_000}, limits=SandboxLimits())
    assert outcome.value == "logged"


CRASH = """
async def run(page, parameters, task):
    assert await page.evaluate("6 * 7") == 42
    session = await page.context.new_cdp_session(page)
    await session.send(parameters["method"])
    await page.title()
"""


@pytest.mark.parametrize(
    ("jail", "first", "second"),
    [
        ("bubblewrap", "Page.crash", "Browser.crash"),
        ("landlock", "Browser.crash", "Page.crash"),
        ("none", "Page.crash", "Browser.crash"),
    ],
)
async def test_browser_crash_is_reported_and_does_not_affect_later_runs(jail: Any, first: str, second: str) -> None:
    """The second run, on another worker, finds a page that works before it crashes in turn."""
    before = children()
    async with Sandbox(isolation=jail, pool=PoolOptions(spare=0)) as sandbox:
        for method in (first, second):
            crashed = await sandbox.run(
                Automation(CRASH), {"method": method}, limits=SandboxLimits(wall_seconds=60), affinity="one"
            )
            assert crashed.error is not None
            assert (crashed.error.kind, crashed.worker_run) == ("crash", 1), method
    assert not await none_left(lambda: children() - before)
