"""``webtasks pool``: commands find warm browsers, and everything else is as without it."""

from __future__ import annotations

import os
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.cli.pool import endpoint
from engine.cli.settings import Settings
from fixtures_sites import FixtureServer
from tests.browser.cli.test_tasks import status, until
from tests.support.command import Run, data, replay, started
from tests.support.processes import outliving
from tests.support.saved import TASK, save

# Tells which worker ran it: when that was started, in ticks since the machine was.
WORKER = """
import asyncio
async def run(page, parameters, task):
    await asyncio.sleep(parameters["seconds"])
    return {"worker": open("/proc/self/stat").read().rpartition(")")[2].split()[19]}
"""


@pytest.fixture
def pooled(cli: Run, store: Path) -> Iterator[psutil.Process]:
    """The pool of the store, as a process."""
    save(store, "worker", WORKER, parameters={"seconds": 0})
    assert cli("pool", "start", "--idle", "60").exit_code == 0
    process = psutil.Process(data(cli("pool", "status", "--json"))["pid"])
    yield process
    if process.is_running():
        process.kill()
        process.wait(10)


def worker(cli: Run, *more: str, seconds: float = 0) -> str:
    ran = cli("run", TASK, "--key", "worker", "--ai", "never", "-p", f"seconds:={seconds}", *more)
    assert ran.exit_code == 0, ran.output
    return str(data(ran)["worker"])


def test_one_worker_serves_several_commands(
    cli: Run, pooled: psutil.Process, guide: FixtureServer, store: Path
) -> None:
    first = worker(cli)
    until(lambda: data(cli("pool", "status", "--json"))["runs"] == 1)
    assert worker(cli, "-q") == first
    shown = cli(*replay(guide.url))
    assert (shown.exit_code, len(data(shown)) > 1) == (0, True), shown.output
    assert "the list is there" in shown.stderr, "progress is told as without it"
    assert "does not run it" not in shown.stderr
    told = data(cli("pool", "status", "--json"))
    assert (told["running"], told["runs"], told["pid"]) == (0, 3, pooled.pid)
    mode = (store / "default" / "pool.sock").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_errors_and_exit_codes_are_the_same(cli: Run, pooled: psutil.Process, trouble: str) -> None:
    assert cli("run", TASK, "--key", "nobody", "--ai", "never").exit_code == 3
    refused = cli("run", TASK, "--key", "worker", "--timeout", "-1")
    assert refused.exit_code == 2
    assert "timeout must be" in refused.stderr
    assert cli(*replay(f"{trouble}/500")).exit_code == 1


def test_other_settings_are_not_the_pools(cli: Run, pooled: psutil.Process, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = cli("run", TASK, "--key", "worker", "--ai", "never", "-p", "seconds:=0", "--egress", "example.com")
    assert ran.exit_code == 0
    assert "other settings: egress" in ran.stderr
    monkeypatch.setenv("ANTHROPIC_API_KEY", "another")
    assert "other environment" in cli("run", TASK, "--key", "worker", "--ai", "never", "-p", "seconds:=0").stderr
    assert data(cli("pool", "status", "--json"))["runs"] == 0


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_who_stops_waiting_cancels_the_task(
    cli: Run, pooled: psutil.Process, store: Path, sent: signal.Signals, code: int
) -> None:
    arguments = ("run", TASK, "--key", "worker", "--ai", "never", "-p", "seconds:=600")
    process = started("--store", str(store), *arguments)
    until(lambda: data(cli("pool", "status", "--json"))["running"] == 1)
    (task,) = until(lambda: [each for each in data(cli("list", "--json")) if each["status"] == "started"])
    process.send_signal(sent)
    _, told = process.communicate(timeout=60)
    assert process.returncode == code, told
    until(lambda: status(cli, task["webTaskId"]) == "canceled", 10)
    if sent != signal.SIGKILL:
        assert "the task was canceled" in told
    assert until(lambda: data(cli("pool", "status", "--json"))["running"] == 0, 10)


def test_a_pool_that_was_killed_is_no_hindrance(cli: Run, pooled: psutil.Process) -> None:
    processes = [pooled, *pooled.children(recursive=True)]
    pooled.kill()
    assert not outliving(processes, 10), "its browsers end with it"
    assert worker(cli)
    assert data(cli("pool", "status", "--json")) == {"running": False}
    assert cli("pool", "start").exit_code == 0
    assert cli("pool", "stop").exit_code == 0


def test_a_pool_that_dies_under_a_task_is_told(cli: Run, pooled: psutil.Process, store: Path) -> None:
    process = started("--store", str(store), "run", TASK, "--key", "worker", "--ai", "never", "-p", "seconds:=600")
    until(lambda: data(cli("pool", "status", "--json"))["running"] == 1)
    until(lambda: [each for each in data(cli("list", "--json")) if each["status"] == "started"])
    pooled.kill()
    _, told = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "the pool ended while it ran the task" in told
    (task,) = data(cli("list", "--json", "--key", "worker"))
    assert (
        until(lambda: data(cli("result", task["webTaskId"], "--json"))["error"])["details"]["reason"] == "interrupted"
    )


def test_there_is_one_and_it_ends_when_told_or_idle(cli: Run, pooled: psutil.Process, store: Path) -> None:
    again = cli("pool", "start")
    assert again.exit_code == 2
    assert "runs here already" in again.stderr
    assert "A pool runs here" in cli("pool", "status").stdout
    assert cli("pool", "stop").stdout == "The pool ends.\n"
    pooled.wait(20)
    assert not (store / "default" / "pool.sock").exists()
    assert "No pool runs here" in cli("pool", "stop").stderr
    began = time.monotonic()
    started_again = data(cli("pool", "start", "--idle", "1", "--json"))
    psutil.Process(started_again["pid"]).wait(20)
    assert time.monotonic() - began < 20


def test_a_deep_store_and_a_stranger(tmp_path: Path) -> None:
    """Sockets have short names; and the mode keeps others out where the store's directory does not."""
    root = tmp_path / ("d" * 120)
    root.mkdir()
    with endpoint.listen(root) as listening:
        connection = endpoint.connect(root)
        assert connection is not None
        connection.close()
        accepted, _ = listening.accept()
        accepted.close()
        if os.geteuid() == 0:
            (root / "pool.sock").chmod(0o600)
            assert not _may_connect(root, user=65534)
    endpoint.close(root)
    assert endpoint.connect(root) is None


def _may_connect(root: Path, user: int) -> bool:
    child = os.fork()
    if child == 0:
        try:
            os.chdir(root)
            os.setuid(user)
            socket.socket(socket.AF_UNIX).connect("pool.sock")
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_identities_differ_in_what_makes_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    one = endpoint.identity(Settings())
    assert endpoint.difference(one, one) is None
    assert endpoint.difference(one, endpoint.identity(Settings(isolation="none"))) == "other settings: isolation"
    assert endpoint.difference(one, None) == "other user"
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    assert endpoint.difference(one, endpoint.identity(Settings())) == "other environment variables"
