"""kill -9 of the embedding program at random moments, after which nothing of its jails is left."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT

EMBEDDER = """
import asyncio, sys
from sandbox import Automation, Sandbox
async def main():
    code = "import os\\nasync def run(page, parameters, task):\\n"
    code += "    open(os.environ['HOME'] + '/file', 'w').close()\\n    await page.title()"
    async with Sandbox(isolation=sys.argv[1]) as sandbox:
        while True:
            await asyncio.gather(*(sandbox.run(Automation(code), {}, affinity=name) for name in ("a", None)))
            print(0, flush=True)
asyncio.run(main())
"""
WEB = EMBEDDER.replace("(page,", "(web,").replace("await page.title()", "web.start_url")
# Its automation stops every process that it can, says so, and does not end.
STOPPER = """
import asyncio, sys
from sandbox import Automation, Host, Sandbox
class Telling(Host):
    async def log(self, message): print(0, flush=True)
async def main():
    code = "import os, signal, time\\nasync def run(page, parameters, task):\\n"
    code += "    for name in set(filter(str.isdigit, os.listdir('/proc'))) - {str(os.getpid())}:\\n"
    code += "        try: os.kill(int(name), signal.SIGSTOP)\\n        except OSError: pass\\n"
    code += "    task.log('stopped')\\n    while True: time.sleep(1)"
    async with Sandbox(isolation=sys.argv[1]) as sandbox:
        await sandbox.run(Automation(code), {}, host=Telling())
asyncio.run(main())
"""
# A child that it forks has its descriptors, and lives on.
FORKER = """
import asyncio, os, sys, time
from sandbox import Automation, Sandbox
async def main():
    async with Sandbox(isolation=sys.argv[1]) as sandbox:
        await sandbox.run(Automation("async def run(page, parameters, task): await page.title()"), {}, affinity="a")
        pid = os.fork()
        if not pid: time.sleep(60)
        print(pid, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""
WEB_FORKER = FORKER.replace("(page,", "(web,").replace("await page.title()", "web.start_url")
# Each of its forks is killed while a jail comes up: then processes that wait for each other can lose one another. They
# are stopped meanwhile, so that none is fast enough to get by. It forks, for it takes longer to import than the rest.
EARLY = """
import asyncio, os, signal, sys, time
from sandbox.browser import find_browser
from sandbox.limits import SandboxLimits
from sandbox.workers.process import WorkerProcess
from sandbox.isolation.usage import descendants
def end():
    time.sleep(milliseconds / 1000)
    for pid in set(descendants(os.getpid())) - {os.getpid()}:
        try: os.kill(pid, signal.SIGSTOP)
        except ProcessLookupError: pass
    os.kill(os.getpid(), signal.SIGKILL)
async def main():
    process = WorkerProcess(sys.argv[1], lambda size: None, None)
    await process.start(find_browser(), SandboxLimits(), chromium_sandbox=False, meanwhile=end)
find_browser()
for milliseconds in map(int, sys.argv[2].split(",")):
    pid = os.fork()
    if not pid:
        asyncio.run(main())
        os._exit(1)  # it was not killed
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    print(os.getpid(), flush=True)
    sys.stdin.readline()
"""
EARLY_WEB = (
    EARLY.replace("from sandbox.workers.process import WorkerProcess", "from sandbox.workers.web_process import *")
    .replace("from sandbox.browser import find_browser", "from sandbox.workers import web_process")
    .partition("    process =")[0]
    + """
    if sys.argv[1] == "bubblewrap":
        await Zygote()._start(web_process._without_scratch, end)
    else:
        await ColdProcess(sys.argv[1], len)._start(partial(worker_command, sys.argv[1], None, SandboxLimits()), end)
for milliseconds in"""
    + EARLY.partition("for milliseconds in")[2]
)
# A process of its own: it is given all orphans of the program, so that none escapes its count.
KILLER = """
import ctypes, json, os, signal, subprocess, sys, time
from pathlib import Path
from sandbox.isolation.usage import descendants
program, isolation, scratch, lines, seconds = sys.argv[1:]
PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
spared = {os.getpid()}
def family():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]: pass
    except ChildProcessError: pass
    return set(descendants(os.getpid())) - spared
def signal_all(pids, number):
    for pid in pids:
        try: os.kill(pid, number)
        except ProcessLookupError: pass
def name_of(pid):
    try: return Path(f"/proc/{pid}/cmdline").read_bytes().decode()[:80]
    except OSError: return "gone since"
def mounts(): return Path("/proc/self/mountinfo").read_text()
before = mounts()
def remains():
    began = time.monotonic()
    while (family() or os.listdir(scratch)) and time.monotonic() - began < 30: time.sleep(0.02)
    return {"processes": [name_of(pid) for pid in family()],
            "scratch": os.listdir(scratch), "mounts": mounts() == before}
environment = os.environ | {"TMPDIR": scratch}
command = [sys.executable, "-c", program, isolation, seconds]
child = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
most, left = 0, []
if lines == "its forks":
    for _ in seconds.split(","):
        spared.add(int(child.stdout.readline()))
        time.sleep(0.05)
        signal_all(family(), signal.SIGCONT)
        left.append(remains())
        child.stdin.write(b"\\n")
        child.stdin.flush()
else:
    spared |= {int(child.stdout.readline()) for _ in range(int(lines))}
    time.sleep(float(seconds))
    most = len(family())
    os.kill(child.pid, signal.SIGKILL)
    left.append(remains())
print(json.dumps({"most": most, "left": left}))
signal_all(set(descendants(os.getpid())) - {os.getpid()}, signal.SIGKILL)
"""
NOTHING = {"processes": [], "scratch": [], "mounts": True}


def kill(program: str, isolation: str, scratch: Path, *, lines: int | str, seconds: float | str) -> dict[str, Any]:
    """Kill a program when it has printed some lines and some seconds have passed, or see its forks kill themselves.

    What is left half a minute after each is told.
    """
    command = [sys.executable, "-c", KILLER, program, isolation, str(scratch), str(lines), str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check(program: str, isolation: str, scratch: Path, seeds: range) -> None:
    most = 0
    for seed in seeds:
        at = random.Random(seed)
        found = kill(program, isolation, scratch, lines=at.choice([0, 0, 1, 2]), seconds=at.uniform(0.05, 2.0))
        assert found["left"] == [NOTHING], (seed, found)
        most = max(most, found["most"])
    least = 10 if program == EMBEDDER else 2
    assert most > least, "there were workers to be left behind"


IN_EACH_WAY = pytest.mark.parametrize("isolation", ["bubblewrap", "landlock"])
OF_EACH_KIND = pytest.mark.parametrize("program", [EMBEDDER, WEB], ids=["page", "web"])


@IN_EACH_WAY
@OF_EACH_KIND
def test_kills_at_random_moments_leave_nothing(program: str, isolation: str, tmp_path: Path) -> None:
    check(program, isolation, tmp_path, range(2))


@pytest.mark.parametrize("program", [EARLY, EARLY_WEB], ids=["page", "web"])
@pytest.mark.parametrize("isolation", ["bubblewrap", "landlock", "none"])
def test_kill_during_the_start_of_a_jail_leaves_nothing(program: str, isolation: str, tmp_path: Path) -> None:
    milliseconds = [0, 5, 10, 20, 40, 80]
    found = kill(program, isolation, tmp_path, lines="its forks", seconds=",".join(map(str, milliseconds)))
    assert dict(zip(milliseconds, found["left"], strict=True)) == dict.fromkeys(milliseconds, NOTHING)


@IN_EACH_WAY
@pytest.mark.parametrize(
    "program",
    [STOPPER, FORKER, WEB_FORKER],
    ids=["stopped by the code", "descriptors held by a fork", "descriptors held by a fork, without a browser"],
)
def test_watchdog_cannot_be_disabled_from_inside(program: str, isolation: str, tmp_path: Path) -> None:
    found = kill(program, isolation, tmp_path, lines=1, seconds=0)
    assert found["most"] > 2
    assert found["left"] == [NOTHING]


@pytest.mark.soak
@IN_EACH_WAY
@OF_EACH_KIND
def test_a_hundred_kills(program: str, isolation: str, tmp_path: Path) -> None:
    check(program, isolation, tmp_path, range(100))
