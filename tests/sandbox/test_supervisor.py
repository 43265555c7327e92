"""The Landlock jail's supervisor: what it answers, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sandbox import Automation, PoolOptions, Sandbox

ROOT = Path(__file__).parents[2]
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
from sandbox.supervisor import supervise
worker = os.fork()
if worker == 0:
    time.sleep(60)
ours, theirs = socket.socketpair()
handed = socket.socket()
handed.close()
print(worker, flush=True)
supervise(ours, os.pidfd_open(os.getpid()), worker, handed, 1, 10, sys.argv[1])
"""


async def test_a_connection_of_a_closed_socket_is_refused_as_ever() -> None:
    async with Sandbox(isolation="landlock", pool=PoolOptions(spare=0)) as sandbox:
        assert (await sandbox.run(Automation(CLOSED), {})).value == ["Bad file descriptor", 42]


def test_its_own_failure_is_told_and_ends_the_worker(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BROKEN, str(tmp_path / "directory")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "ValueError: file descriptor cannot be a negative integer" in done.stderr
    assert not Path(f"/proc/{done.stdout.strip()}").exists()
