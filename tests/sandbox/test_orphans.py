"""A jail whose program was killed while it started is ended by the next one."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from sandbox.orphans import OWNER_VARIABLE, owner, sweep


def waiting_jail(named: str) -> subprocess.Popen[bytes]:
    """bubblewrap whose outer process is gone, as a kill at the wrong moment leaves it: here it waits on a pipe."""
    return subprocess.Popen(
        ["bwrap", "--ro-bind", "/", "/", "--block-fd", "0", "true"], stdin=subprocess.PIPE, env={OWNER_VARIABLE: named}
    )


@pytest.fixture
def gone() -> str:
    """A process that was."""
    code = "from sandbox.orphans import owner; print(owner())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def orphan(gone: str) -> Iterator[subprocess.Popen[bytes]]:
    process = waiting_jail(gone)
    yield process
    process.kill()
    process.communicate()


def test_a_jail_without_its_program_is_ended(orphan: subprocess.Popen[bytes]) -> None:
    psutil.Process(orphan.pid).suspend()  # it is there to be found, whatever it was about to do
    assert orphan.pid in sweep()
    assert orphan.wait(timeout=5) == -signal.SIGKILL


def test_a_jail_with_its_program_and_one_of_somebody_else_are_left_alone() -> None:
    ours, other = waiting_jail(owner()), subprocess.Popen(["bwrap", "--ro-bind", "/", "/", "sleep", "9"], env={})
    try:
        assert not {ours.pid, other.pid} & set(sweep())
    finally:
        for process in (ours, other):
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
