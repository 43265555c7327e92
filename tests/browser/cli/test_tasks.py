"""Tasks that outlive the command: started, asked about, watched, canceled, and taken over when their process dies."""

from __future__ import annotations

import json
import os
import pty
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

from engine.bundles import BundleStore
from engine.cli.main import webtasks
from tests.support.command import Run, data, read_all, started
from tests.support.processes import outliving
from tests.support.saved import TASK, save

NAP = """\
import asyncio
async def run(page, parameters, task):
    task.progress(1, 2)
    await asyncio.sleep(parameters["seconds"])
    return [{"slept": parameters["seconds"]}]
"""
Start = Callable[..., str]


@pytest.fixture
def naps(store: Path) -> Path:
    """A store with an automation that sleeps for as long as it is told."""
    save(store, "nap", NAP, parameters={"seconds": 1})
    save(store, "other", NAP, parameters={"seconds": 1})
    return store


@pytest.fixture
def start(cli: Run, naps: Path) -> Iterator[Start]:
    """Starts a nap and gives its id; ends what is left of all of them."""

    def begin(seconds: float, key: str = "nap", *more: str) -> str:
        result = cli("start", TASK, "--key", key, "--ai", "never", "-p", f"seconds:={seconds}", *more)
        assert result.exit_code == 0, result.stderr
        return result.stdout.strip()

    yield begin
    for process in processes(naps):
        process.kill()


@contextmanager
def held(store: Path, key: str) -> Iterator[None]:
    """Tasks of this key wait, inside the block."""
    lock = BundleStore(store / "default").try_lock(key)
    assert lock is not None
    with lock:
        yield


def processes(store: Path) -> list[psutil.Process]:
    """The processes that ``start`` left behind on this store: they hold its files open."""
    found = {}
    for process in psutil.process_iter():
        try:
            if "engine.cli.background" in process.cmdline() and any(
                Path(link).is_relative_to(store) for link in open_files(process.pid)
            ):
                found[process.pid] = process, process.ppid()
        except (psutil.Error, OSError):
            continue
    # A child that is only just being started still has its parent's name
    return [process for process, parent in found.values() if parent not in found]


def open_files(pid: int) -> list[str]:
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed since
            found.append(str(entry.readlink()))
    return found


def until(what: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)
    return found


def status(cli: Run, task_id: str) -> str:
    return str(data(cli("result", task_id, "--json"))["status"])


def test_a_started_task_is_seen_through_from_elsewhere_and_leaves_nothing(cli: Run, start: Start, naps: Path) -> None:
    with held(naps, "nap"):
        task_id = start(5)
        assert task_id.startswith("wt_")
        early = cli("result", task_id)
        assert (early.exit_code, early.stdout) == (6, ""), "the command ended before the task did"
        assert "--wait waits" in early.stderr
        (process,) = processes(naps)
    below = until(lambda: process.children(recursive=True))
    watched = cli("watch", task_id)
    assert watched.exit_code == 0, watched.stderr
    for told in ("replaying revision", "progress 1 of 2", "replayed in"):
        assert told in watched.stderr
    assert data(cli("result", task_id)) == [{"slept": 5}]
    assert data(cli("get", task_id, "--json"))["outcome"] == "success"
    alive = outliving([process, *below], 60)
    assert not alive
    assert not list((naps / "default" / "logs").iterdir()), "nothing went wrong, so nothing is kept"


def test_events_are_json_lines(cli: Run, start: Start) -> None:
    shown = cli("watch", start(0.1), "--json")
    types = [json.loads(line)["type"] for line in shown.stdout.splitlines()]
    assert (types[0], types[-1], shown.exit_code) == ("task.pending", "task.completed", 0)


def test_a_request_is_json_a_file_or_standard_input(cli: Run, naps: Path, tmp_path: Path) -> None:
    request = {"task": TASK, "reuseKey": "nap", "ai": "never", "parameters": {"seconds": 0}, "idempotencyKey": "one"}
    file = tmp_path / "request.json"
    file.write_text(json.dumps(request))
    ids = {
        data(cli("start", "--json", *arguments, input=given))["webTaskId"]
        for arguments, given in (
            ([str(file)], None),
            ([json.dumps(request)], None),
            (["-"], json.dumps(request)),
            (["--input", f"@{file}"], None),
            ([TASK, "--key", "nap", "--ai", "never", "-p", "seconds:=0", "--idempotency-key", "one"], None),
        )
    }
    assert len(ids) == 1, "the idempotency key makes them one task"
    assert data(cli("result", ids.pop(), "--wait")) == [{"slept": 0}]
    assert data(cli("run", str(file))) == [{"slept": 0}]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["start"], "say what is to be done"),
        (["start", "nowhere.json"], "cannot read nowhere.json"),
        (["start", "{}", "--input", "{}"], "given twice"),
        (["start", TASK, "--timeout", "0"], "positive number of seconds"),
        (["start", TASK, "--start-url", "ftp://example.com"], "http or https"),
        (["result", "wt_none"], "no task 'wt_none'"),
        (["cancel", "wt_none"], "no task 'wt_none'"),
        (["watch", "wt_none"], "no task 'wt_none'"),
        (["run", TASK, "--repeats", "2", "--wait-timeout", "1"], "exclude each other"),
    ],
)
def test_what_cannot_be_done_is_two_and_stores_nothing(tmp_path: Path, arguments: list[str], told: str) -> None:
    store = tmp_path / "new"
    result = CliRunner().invoke(webtasks, ["--store", str(store), *arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    assert not store.exists()


def test_a_task_whose_process_was_killed_has_failed(cli: Run, start: Start, naps: Path) -> None:
    task_id = start(600)
    until(lambda: status(cli, task_id) == "started")
    (process,) = processes(naps)
    below = process.children(recursive=True)
    process.kill()
    outliving([process], 30)
    # A child that it was just starting may hold its lock until it is another program.
    until(lambda: status(cli, task_id) == "completed", seconds=5)
    result = cli("result", task_id, "--json")
    assert result.exit_code == 1
    assert data(result)["error"]["details"]["reason"] == "interrupted"
    alive = outliving(below, 30)
    assert not alive, "its browser ended with it"


def test_a_waiting_task_of_a_killed_process_is_taken_over(cli: Run, start: Start, naps: Path) -> None:
    with held(naps, "nap"):
        task_id = start(0)
        (process,) = processes(naps)
        process.kill()
        outliving([process], 30)
    assert status(cli, task_id) == "pending"
    assert data(cli("result", task_id, "--wait")) == [{"slept": 0}], "by a process that the wait started"
    until(lambda: not processes(naps))


def test_tasks_are_listed_and_canceled_from_elsewhere(cli: Run, start: Start) -> None:
    first = start(600)
    until(lambda: status(cli, first) == "started")
    second = start(600)
    listed = cli("list").stdout.splitlines()
    assert listed[0].split() == ["Task", "State", "Age", "Cost", "Key"]
    assert [line.split()[0] for line in listed[1:]] == [second, first]
    assert "pending, place 1" in listed[1]
    for wanted, arguments in (
        ([second], ("--status", "pending")),
        ([first], ("-l", "1", "-o", "1")),
        ([], ("--key", "guide")),
    ):
        assert [task["webTaskId"] for task in data(cli("list", "--json", *arguments))] == wanted
    canceled = cli("cancel", second, first)
    assert (canceled.exit_code, canceled.stdout) == (0, f"{second} canceled\n{first} canceled\n")
    result = cli("result", first)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "was canceled" in result.stderr
    done = data(cli("start", TASK, "--key", "nap", "--ai", "never", "-p", "seconds:=0", "--json"))["webTaskId"]
    cli("result", done, "--wait")
    again = cli("cancel", done)
    assert (again.exit_code, again.stdout) == (1, f"{done} had ended before: success\n")


def test_a_wait_that_runs_out_is_six_and_the_task_goes_on(cli: Run, naps: Path) -> None:
    arguments = ("run", TASK, "--key", "nap", "--ai", "never", "-p", "seconds:=600", "--wait-timeout", "1")
    result = cli(*arguments, "--json", "-q")
    assert result.exit_code == 6
    task_id = data(result)["webTaskId"]
    assert f"{task_id} goes on" in result.stderr
    assert status(cli, task_id) in ("pending", "started")
    assert cli("cancel", task_id).exit_code == 0


def test_an_interruption_tells_what_still_runs(cli: Run, start: Start, naps: Path) -> None:
    other = start(600, "other")
    arguments = ("run", TASK, "--key", "nap", "--ai", "never", "-p", "seconds:=600")
    process = started("--store", str(naps), *arguments)
    assert process.stderr is not None
    assert next(line for line in process.stderr if "replaying" in line)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted: the task was canceled" in told
    assert f"Still there: 1 task of other processes, {other}" in told
    assert status(cli, other) in ("pending", "started")
    cli("cancel", other)


def test_changes_are_told_line_by_line_until_nothing_runs(cli: Run, start: Start, naps: Path) -> None:
    task_id = start(600)
    process = started("--store", str(naps), "watch")
    assert process.stdout is not None
    first = process.stdout.readline()
    assert task_id in first
    assert first.endswith("nap\n")
    cli("cancel", task_id)
    output, told = process.communicate(timeout=60)
    assert (process.returncode, "canceled" in output.splitlines()[-1]) == (0, True), told
    assert cli("watch").stdout == ""


def test_on_a_terminal_all_tasks_are_a_live_table(cli: Run, start: Start, naps: Path) -> None:
    task_id = start(600)
    controller, terminal = pty.openpty()
    process = started("--store", str(naps), "watch", stdout=terminal, env_more={"TERM": "xterm", "COLUMNS": "80"})
    os.close(terminal)
    shown = ""
    while "progress 1 of 2" not in shown:
        shown += os.read(controller, 65536).decode(errors="replace")
    cli("cancel", task_id)
    shown += read_all(controller)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert "\x1b[2K" in shown, "lines are drawn over"
    assert task_id in shown
    assert "started" in shown


def test_a_secret_reaches_the_process_by_its_pipe_alone(cli: Run, start: Start, naps: Path) -> None:
    code = "import asyncio\nasync def run(page, parameters, task):\n    await asyncio.sleep(parameters['seconds'])\n"
    save(naps, "login", code + "    return [len(parameters['password'])]\n", parameters={"seconds": 1, "password": ""})
    with held(naps, "login"):
        task_id = start(0, "login", "-p", "password=violet-harbor")
        (process,) = processes(naps)
        assert "violet-harbor" not in " ".join([*process.cmdline(), *process.environ().values()])
    assert data(cli("result", task_id, "--wait")) == [len("violet-harbor")]
    kept = [path for path in naps.rglob("*") if path.is_file() and b"violet-harbor" in path.read_bytes()]
    assert not kept


def test_costs_are_told_for_all_keys_and_for_one(cli: Run, store: Path) -> None:
    assert cli("costs").stdout == ""
    assert data(cli("costs", "--json")) == []
    fill(store)
    table = cli("costs").stdout.splitlines()
    assert [cell.strip() for cell in table[1].split("  ") if cell.strip()] == [
        "guide", "3", "$0.0400", "2", "0", "$0.0400", "$0.0800", "run 2",
    ]  # fmt: skip
    whole = cli("costs", "guide").stdout
    assert "asking the model each time would have cost $0.1200" in whole
    (costs,) = data(cli("costs", "guide", "--json"))
    assert (costs["paid_after"], costs["model_calls"]) == (2, 4)


def fill(store: Path) -> None:
    """Records of a first run for four cents, and of two replays."""
    from datetime import UTC, datetime

    from engine.storage.tasks import TaskRecords
    from engine.task.ids import new_id
    from engine.task.validation import build
    from engine.task.wire import Attempt, Cost, Limits, TaskResult

    records = TaskRecords(store / "default" / "records.sqlite3")
    for kind, usd, calls in (("explore", 0.04, 4), ("replay", 0.0, 0), ("replay", 0.0, 0)):
        request = build(
            TASK, start_url=None, parameters=None, output_schema=None, reuse_key="guide", model=None, ai="auto",
            timeout=None, budget_usd=None, secrets=(), allow_hosts=(), limits=Limits(),
        )  # fmt: skip
        task_id, now = new_id("wt_"), datetime.now(UTC)
        records.enqueue(task_id, request, now)
        attempt = Attempt(kind=kind, outcome="success", usd=usd, model_calls=calls, seconds=1)
        records.finish(
            TaskResult(
                web_task_id=task_id,
                status="completed",
                outcome="success",
                created_at=now,
                started_at=now,
                completed_at=now,
                attempts=(attempt,),
                cost=Cost(ai_usd=usd),
            )
        )
    records.close()


@pytest.mark.parametrize("told", [True, False])
def test_no_color_is_respected(store: Path, told: bool) -> None:
    environment = {"NO_COLOR": "1" if told else ""}
    shown = CliRunner(env=environment).invoke(webtasks, ["--store", str(store), "diff", "guide"], color=True)
    assert ("\x1b[" in shown.stdout) is not told
