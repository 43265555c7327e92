"""Jails of a program that ignores and blocks signals, and has an odd umask and low soft limits."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.support.jails import JAILS
from tests.support.paths import ROOT

PROGRAM = """
import asyncio, contextlib, json, os, resource, signal, sys, time
from sandbox import Automation, PoolOptions, Sandbox
CODE = '''
import os, resource, signal
async def run(page, parameters, task):
    await page.set_content("<h1>here</h1>")
    open("file", "w").write("x" * 5000)
    mask = os.umask(0)
    os.umask(mask)
    return {
        "page": await page.inner_text("h1"),
        "ignored": [int(each) for each in signal.valid_signals() if signal.getsignal(each) == signal.SIG_IGN],
        "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "umask": oct(mask),
        "address space": resource.getrlimit(resource.RLIMIT_AS)[0],
        "stack": resource.getrlimit(resource.RLIMIT_STACK)[0],
        "niceness": os.getpriority(os.PRIO_PROCESS, 0),
        "ordinary": os.sched_getscheduler(0) == os.SCHED_OTHER,
    }
'''
async def main():
    async with Sandbox(isolation=sys.argv[1], pool=PoolOptions(spare=0)) as sandbox:
        outcome = await sandbox.run(Automation(CODE), {})
        began = time.monotonic()
    return {**(outcome.value or {"error": str(outcome.error)}), "quick": time.monotonic() - began < 15}
for each in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(each, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
os.umask(0o777)
for change in (lambda: os.nice(-5), lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))):
    with contextlib.suppress(PermissionError):  # where it may not, it has nothing to pass on
        change()
for kind, value in ((resource.RLIMIT_AS, 4 << 30), (resource.RLIMIT_STACK, 1 << 20), (resource.RLIMIT_FSIZE, 1000)):
    resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))
found = asyncio.run(main())
children = [pid for pid in os.listdir("/proc") if pid.isdigit() and os.path.exists(f"/proc/{pid}/stat")
    and open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1] == str(os.getpid())]
print(json.dumps({**found, "left": children}))
"""


@pytest.mark.parametrize("jail", JAILS)
def test_jail_starts_from_the_same_state_whatever_its_program_has_set(jail: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, jail], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert json.loads(done.stdout) == {
        "page": "here",
        "ignored": [13, 25],  # SIGPIPE and SIGXFSZ, by Python itself
        "blocked": 0,
        "umask": "0o22",
        "address space": -1,
        "stack": 8 << 20,
        "niceness": max(0, os.getpriority(os.PRIO_PROCESS, 0)),  # a lower priority is kept
        "ordinary": True,
        "quick": True,
        "left": [],
    }
