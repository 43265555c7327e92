"""kill -9 of the embedding program, at random moments: nothing of its jails is left."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EMBEDDER = """
import asyncio, sys
from sandbox import Automation, Sandbox
async def main():
    code = "import os\\nasync def run(page, parameters, task):\\n"
    code += "    open(os.environ['HOME'] + '/file', 'w').close()\\n    await page.title()"
    async with Sandbox(isolation=sys.argv[1]) as sandbox:
        while True:
            await asyncio.gather(*(sandbox.run(Automation(code), {}, affinity=name) for name in ("a", "b", None)))
            print("round", flush=True)
asyncio.run(main())
"""
# A process of its own: it is given all orphans of the program, so that none escapes its count.
KILLER = """
import ctypes, json, os, random, signal, subprocess, sys, time
from pathlib import Path
from sandbox.usage import descendants
program, isolation, scratch, seed = sys.argv[1:]
PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
def family():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]: pass
    except ChildProcessError: pass
    return [pid for pid in descendants(os.getpid()) if pid != os.getpid()]
def mounts(): return Path("/proc/self/mountinfo").read_text()
before = mounts()
environment = os.environ | {"TMPDIR": scratch}
child = subprocess.Popen([sys.executable, "-c", program, isolation], env=environment, stdout=subprocess.PIPE)
rounds = random.Random(seed).choice([0, 0, 1, 2])
for _ in range(rounds): child.stdout.readline()
time.sleep(random.Random(seed).uniform(0.05, 2.0))
most = len(family())
os.kill(child.pid, signal.SIGKILL)
began = time.monotonic()
while (family() or os.listdir(scratch)) and time.monotonic() - began < float(5): time.sleep(0.02)
left = {"processes": [Path(f"/proc/{pid}/cmdline").read_bytes().decode()[:80] for pid in family()],
        "scratch": os.listdir(scratch), "mounts": mounts() == before}
print(json.dumps({"most": most, "left": left, "seconds": time.monotonic() - began}))
"""


def kill(isolation: str, scratch: Path, seed: int) -> dict[str, Any]:
    """What is left five seconds after the kill."""
    command = [sys.executable, "-c", KILLER, EMBEDDER, isolation, str(scratch), str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check(isolation: str, scratch: Path, seeds: range) -> None:
    most = 0
    for seed in seeds:
        found = kill(isolation, scratch, seed)
        assert found["left"] == {"processes": [], "scratch": [], "mounts": True}, (seed, found)
        most = max(most, found["most"])
    assert most > 10, "there were workers to be left behind"


@pytest.mark.parametrize("isolation", ["bubblewrap", "landlock"])
def test_kills(isolation: str, tmp_path: Path) -> None:
    check(isolation, tmp_path, range(10))


@pytest.mark.soak
@pytest.mark.parametrize("isolation", ["bubblewrap", "landlock"])
def test_a_hundred_kills(isolation: str, tmp_path: Path) -> None:
    check(isolation, tmp_path, range(100))
