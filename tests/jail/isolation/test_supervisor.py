"""The Landlock jail's supervisor: its answers and its end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import Automation, PoolOptions, Sandbox, SandboxLimits
from sandbox.browser import find_browser
from sandbox.isolation.command import _START_LANDLOCK, landlock_command
from sandbox.isolation.protections import protections
from tests.support.command import until
from tests.support.paths import ROOT

CLOSED = """
import socket
async def run(page, parameters, task):
    closed = socket.socket()
    closed.close()
    try:
        closed.connect(("127.0.0.1", 80))
    except OSError as error:
        return [error.strerror, await page.evaluate("6 * 7")]
"""
# The supervisor of a worker that sleeps is given a closed socket.
BROKEN = """
import os, socket, sys, time
from sandbox.isolation.supervisor import supervise
worker = os.fork()
if worker == 0:
    time.sleep(60)
ours, theirs = socket.socketpair()
handed = socket.socket()
handed.close()
print(worker, flush=True)
supervise(ours, os.pidfd_open(os.getpid()), worker, handed, 1, 10, sys.argv[1])
"""


async def test_connecting_a_closed_socket_fails_as_usual() -> None:
    async with Sandbox(isolation="landlock", pool=PoolOptions(spare=0)) as sandbox:
        assert (await sandbox.run(Automation(CLOSED), {})).value == ["Bad file descriptor", 42]


def test_failing_supervisor_reports_and_ends_the_worker(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BROKEN, str(tmp_path / "directory")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "ValueError: file descriptor cannot be a negative integer" in done.stderr
    assert until(lambda: not Path(f"/proc/{done.stdout.strip()}").exists())


# Ways to signal the parent, with no signal, or with one that is not sent; then the same for a process of its own.
WAYS = """
import ctypes, fcntl, json, os, signal, socket, time
libc = ctypes.CDLL(None, use_errno=True)
info = (ctypes.c_int * 32)(0, 0, -1)
def call(name, *arguments):
    numbers = {"tkill": (200, 130), "tgkill": (234, 131)}
    numbers |= {"rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240)}
    if libc.syscall(numbers[name][os.uname().machine != "x86_64"], *arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
ways = {
    "kill": lambda pid: os.kill(pid, 0),
    "kill a group": lambda pid: os.kill(-pid, 0),
    "kill all": lambda pid: os.kill(-1, 0),
    "tkill": lambda pid: call("tkill", pid, 0),
    "tgkill": lambda pid: call("tgkill", pid, pid, 0),
    "queue": lambda pid: call("rt_sigqueueinfo", pid, 0, info),
    "queue for a thread": lambda pid: call("rt_tgsigqueueinfo", pid, pid, 0, info),
    "handle": lambda pid: signal.pidfd_send_signal(os.pidfd_open(pid), 0),
    "owner of a descriptor": lambda pid: fcntl.fcntl(0, fcntl.F_SETOWN, pid),
    "owner by ioctl": lambda pid: fcntl.ioctl(socket.socket(), 0x8901, pid.to_bytes(4, "little")),
}
def worked(way, pid):
    try:
        way(pid)
    except PermissionError:
        return False
    return True
leads, tell = os.pipe()
own = os.fork()
if own == 0:
    os.setsid()
    os.write(tell, b"+")
    time.sleep(60)
os.read(leads, 1)
print(json.dumps([[name for name, way in ways.items() if worked(way, pid)] for pid in (os.getppid(), own)]))
"""
OLDER_KERNEL = "from sandbox.isolation import landlock; landlock._SCOPES_SINCE = 1000; landlock.main()"


def test_supervisor_cannot_be_signaled_on_kernels_without_scopes(tmp_path: Path) -> None:
    """Shown by a kernel that may keep them in, but is not told to."""
    command = landlock_command(find_browser(), SandboxLimits(), tmp_path, WAYS)
    arguments = [each.replace(_START_LANDLOCK, OLDER_KERNEL) for each in command.arguments]
    done = subprocess.run(
        arguments, env=command.environment, capture_output=True, text=True, timeout=120, start_new_session=True
    )
    assert done.returncode == 0, done.stderr
    parent, own = json.loads(done.stdout)
    assert parent == []
    assert own == ["kill", "kill a group", "tkill", "tgkill", "queue", "queue for a thread"]


def test_probe_reports_gaps_of_kernels_without_scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.isolation.landlock._SCOPES_SINCE", 1000)
    (end,) = [each for each in protections("landlock") if each.name == "end"]
    assert end.state == "partly"
