"""``webtasks pool``: commands find warm browsers, and everything else is as without a pool."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.cli.pool import endpoint
from engine.cli.settings import Settings
from fixtures_sites import FixtureServer
from tests.browser.cli.test_tasks import status
from tests.support.command import Run, data, ended, is_handed_over, replay, started, until
from tests.support.processes import outliving
from tests.support.saved import TASK, save

# Returns the start time, in ticks since boot, and the namespace of its worker, which identify the worker.
WORKER = """
import asyncio, os
async def run(page, parameters, task):
    await asyncio.sleep(parameters["seconds"])
    return {"worker": open("/proc/self/stat").read().rpartition(")")[2].split()[19] + os.readlink("/proc/self/ns/pid")}
"""
NAP = """
import asyncio
async def run(web, parameters, task):
    await asyncio.sleep(parameters["seconds"])
"""


@pytest.fixture
def pooled(cli: Run, store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[psutil.Process]:
    """The pool of the store, as a process; commands are handed over to it that are `started`."""
    monkeypatch.setenv("PYTHONWARNINGS", "error")  # as these have it
    save(store, "worker", WORKER, parameters={"seconds": 0})
    save(store, "nap", NAP, parameters={"seconds": 0})
    assert cli("pool", "start", "--idle", "60").exit_code == 0
    process = psutil.Process(data(cli("pool", "status", "--json"))["pid"])
    yield process
    if process.is_running():
        process.kill()
        outliving([process], 60)


def worker(cli: Run, *more: str, seconds: float = 0) -> str:
    ran = cli("run", TASK, "--key", "worker", "--ai", "never", "-p", f"seconds:={seconds}", *more)
    assert ran.exit_code == 0, ran.output
    return str(data(ran)["worker"])


def test_pool_reuses_one_worker_for_several_commands(
    cli: Run, pooled: psutil.Process, guide: FixtureServer, store: Path
) -> None:
    first = worker(cli)
    until(lambda: data(cli("pool", "status", "--json"))["running"] == 0)
    assert worker(cli, "-q") == first
    shown = cli(*replay(guide.url))
    assert (shown.exit_code, len(data(shown)) > 1) == (0, True), shown.output
    assert "the list is there" in shown.stderr, "progress is shown as without a pool"
    assert "declined" not in shown.stderr
    state = until(lambda: (state := data(cli("pool", "status", "--json")))["running"] == 0 and state)
    assert (state["runs"], state["pid"]) == (3, pooled.pid)
    mode = (store / "default" / "pool.sock").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_command_that_is_handed_over_prints_what_it_prints_without_a_pool(
    cli: Run, pooled: psutil.Process, store: Path
) -> None:
    nap = ("--store", str(store), "run", TASK, "--key", "nap", "--ai", "never", "-p", "seconds:=0")
    handed, by_itself = (ended(started(*nap, env_more=more)) for more in ({}, {"PYTHONHASHSEED": "1"}))
    assert handed == by_itself
    assert handed[:2] == (0, "null\n")
    assert "replayed in …" in handed[2]
    assert until(lambda: data(cli("pool", "status", "--json"))["runs"] == 2), "the pool ran both"
    as_json = started(*nap, "--json", "-q")
    output, errors = as_json.communicate(timeout=60)
    assert (as_json.returncode, json.loads(output)["outcome"], errors) == (0, "success", "")


def test_pool_that_hangs_does_not_hold_up_a_command(
    cli: Run, pooled: psutil.Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "_ANSWER_SECONDS", 0.3)
    pooled.suspend()
    assert cli("run", TASK, "--key", "nap", "--ai", "never", "-p", "seconds:=0").exit_code == 0
    assert "does not answer" in cli("pool", "status").stderr
    pooled.resume()
    until(lambda: data(cli("pool", "status", "--json")))
    assert data(cli("pool", "status", "--json"))["runs"] == 0, "it did not run what nobody waits for"


def test_pool_declines_commands_with_other_settings_and_keeps_errors_and_exit_codes(
    cli: Run, pooled: psutil.Process, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nap = ("run", TASK, "--key", "nap", "--ai", "never", "-p", "seconds:=0")
    ran = cli(*nap, "--egress", "example.com")
    assert ran.exit_code == 0
    assert "declined the task (other settings: egress)" in ran.stderr
    with monkeypatch.context() as patch:
        patch.setenv("ANTHROPIC_API_KEY", "another")
        assert "other environment" in cli(*nap).stderr
    assert data(cli("pool", "status", "--json"))["runs"] == 0

    assert cli("run", TASK, "--key", "nobody", "--ai", "never").exit_code == 3
    refused = cli("run", TASK, "--key", "worker", "--timeout", "-1")
    assert refused.exit_code == 2
    assert "--timeout must be" in refused.stderr
    as_json = data(cli("run", TASK, "--key", "worker", "--timeout", "-1", "--json"))
    assert as_json["error"]["type"] == "InvalidRequest"
    assert cli(*replay(f"{trouble}/404")).exit_code == 1


def test_pool_cancels_the_task_of_an_interrupted_command(cli: Run, pooled: psutil.Process, store: Path) -> None:
    interrupt(cli, store, signal.SIGINT, 130)
    interrupt(cli, store, signal.SIGTERM, 143)
    interrupt(cli, store, signal.SIGKILL, -9)


def interrupt(cli: Run, store: Path, sent: signal.Signals, code: int) -> None:
    """Check what becomes of a task when its command gets a signal."""
    arguments = ("run", TASK, "--key", "nap", "--ai", "never", "-p", "seconds:=600")
    process = started("--store", str(store), *arguments)
    until(lambda: data(cli("pool", "status", "--json"))["running"] == 1)
    (task,) = until(lambda: [each for each in data(cli("list", "--json")) if each["status"] == "started"])
    assert is_handed_over(process)
    process.send_signal(sent)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    until(lambda: status(cli, task["webTaskId"]) == "canceled")
    if sent != signal.SIGKILL:
        assert "the task was canceled" in errors
    assert until(lambda: data(cli("pool", "status", "--json"))["running"] == 0)


def test_killed_pool_is_replaced_without_a_trace(cli: Run, pooled: psutil.Process) -> None:
    processes = [pooled, *pooled.children(recursive=True)]
    pooled.kill()
    assert not outliving(processes, 60), "the pool's browsers end with it"
    assert worker(cli)
    assert data(cli("pool", "status", "--json")) == {"running": False}
    assert cli("pool", "start").exit_code == 0
    assert cli("pool", "stop").exit_code == 0


def test_pool_that_dies_during_a_task_is_reported(cli: Run, pooled: psutil.Process, store: Path) -> None:
    process = started("--store", str(store), "run", TASK, "--key", "nap", "--ai", "never", "-p", "seconds:=600")
    until(lambda: data(cli("pool", "status", "--json"))["running"] == 1)
    until(lambda: [each for each in data(cli("list", "--json")) if each["status"] == "started"])
    pooled.kill()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "the pool ended while it ran the task" in errors
    (task,) = data(cli("list", "--json", "--key", "nap"))
    assert (
        until(lambda: data(cli("result", task["webTaskId"], "--json"))["error"])["details"]["reason"] == "interrupted"
    )


def test_pool_runs_once_and_ends_on_stop_or_idle(cli: Run, pooled: psutil.Process, store: Path) -> None:
    again = cli("pool", "start")
    assert again.exit_code == 2
    assert "a pool is running here already" in again.stderr
    assert "A pool is running here" in cli("pool", "status").stdout
    assert cli("pool", "stop").stdout == "The pool stops.\n"
    assert not outliving([pooled], 60)
    assert not (store / "default" / "pool.sock").exists()
    assert "No pool is running here" in cli("pool", "stop").stderr
    started_again = data(cli("pool", "start", "--idle", "1", "--json"))
    until(lambda: not psutil.pid_exists(started_again["pid"]))


def test_pool_socket_works_in_a_deep_store_and_refuses_other_users(tmp_path: Path) -> None:
    """Check a path longer than the 100 bytes that a socket's path may have, and the socket's mode."""
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


def test_pool_identity_covers_settings_user_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    one = endpoint.identity(Settings())
    assert endpoint.difference(one, one) is None
    assert endpoint.difference(one, endpoint.identity(Settings(isolation="none"))) == "other settings: isolation"
    assert endpoint.difference(one, None) == "other user"
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    assert endpoint.difference(one, endpoint.identity(Settings())) == "other environment variables"
