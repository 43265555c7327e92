"""Programs that do not close their sandbox: they end at once, and leave nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.paths import ROOT

# It is given the orphans of the program, and says which it finds once the program has ended.
PARENT = """
import ctypes, os, subprocess, sys, time
from sandbox.isolation.usage import descendants
assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER
done = subprocess.run([sys.executable, "-c", *sys.argv[1:]], capture_output=True, text=True, timeout=60)
def family():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]: pass
    except ChildProcessError: pass
    return [pid for pid in descendants(os.getpid()) if pid != os.getpid()]
deadline = time.monotonic() + 30
while family() and time.monotonic() < deadline: time.sleep(0.02)
print(done.returncode, done.stdout.strip(), done.stderr.strip(), len(family()))
"""
FORGETFUL = """
import asyncio, os, sys
from sandbox import Automation, Sandbox
from sandbox.isolation.usage import descendants
async def main():
    sandbox = Sandbox()
    code = "async def run(page, parameters, task): return 1"
    outcome = await sandbox.run(Automation(code), {}, affinity="a")
    await asyncio.sleep(float(sys.argv[1]))
    print(outcome.value)
asyncio.run(main())
print(len([pid for pid in descendants(os.getpid()) if pid != os.getpid()]))  # they end with the loop
"""


@pytest.mark.parametrize("seconds", ["0", "0.2", "2"])
def test_program_that_does_not_close_its_sandbox_ends(seconds: str) -> None:
    command = [sys.executable, "-c", PARENT, FORGETFUL, seconds]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90, check=True)
    assert done.stdout.split() == ["0", "1", "0", "0"]
