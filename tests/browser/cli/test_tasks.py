"""Tasks that outlive the command: started, watched, canceled, and taken over when their process dies."""

from __future__ import annotations

import json
import os
import pty
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from engine.bundles import BundleStore
from engine.cli.main import webtasks
from tests.support.command import Run, data, read_all, started, until
from tests.support.processes import outliving
from tests.support.saved import TASK, save

NAP = """\
import asyncio
async def run(web, parameters, task):
    task.progress(1, 2)
    await asyncio.sleep(parameters["seconds"])
    return [{"slept": parameters["seconds"]}]
"""
BROWSED = NAP.replace("run(web", "run(page")
Start = Callable[..., str]


@pytest.fixture
def naps(store: Path) -> Path:
    """A store with automations that sleep for a given number of seconds, one of them with a browser.

    Those without are saved as writing ones: these take their turn as one with a browser does.
    """
    for key, code in (("nap", NAP), ("other", NAP), ("browsed", BROWSED)):
        save(store, key, code, parameters={"seconds": 1}, effects="write")
    return store


@pytest.fixture
def start(cli: Run, naps: Path) -> Iterator[Start]:
    """A function that starts a nap and returns its id; the processes of all naps are killed after the test."""

    def begin(seconds: float, key: str = "nap", *more: str) -> str:
        result = cli("start", TASK, "--key", key, "--ai", "never", "-p", f"seconds:={seconds}", *more)
        assert result.exit_code == 0, result.stderr
        return result.stdout.strip()

    yield begin
    for process in processes(naps):
        process.kill()


@contextmanager
def held(store: Path, key: str) -> Iterator[None]:
    """Hold the key's lock inside the block, so that its tasks stay pending."""
    lock = BundleStore(store / "default").try_lock(key)
    assert lock is not None
    with lock:
        yield


def processes(store: Path) -> list[psutil.Process]:
    """Return the background processes on this store, recognized by its files that they hold open."""
    found = {}
    for process in psutil.process_iter():
        try:
            if "engine.cli.background" in process.cmdline() and any(
                Path(link).is_relative_to(store) for link in open_files(process.pid)
            ):
                found[process.pid] = process, process.ppid()
        except (psutil.Error, OSError):
            continue
    # A child that was forked but has not called exec yet still has its parent's command line.
    return [process for process, parent in found.values() if parent not in found]


def open_files(pid: int) -> list[str]:
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed since
            found.append(str(entry.readlink()))
    return found


def status(cli: Run, task_id: str) -> str:
    return str(data(cli("result", task_id, "--json"))["status"])


def test_started_task_runs_in_background_and_leaves_no_process(cli: Run, start: Start, naps: Path) -> None:
    with held(naps, "browsed"):
        task_id = start(5, "browsed")
        assert task_id.startswith("wt_")
        early = cli("result", task_id)
        assert (early.exit_code, early.stdout) == (6, ""), "the command ended before the task did"
        assert "use --wait to wait for its end" in early.stderr
        (process,) = processes(naps)
    below = until(lambda: process.children(recursive=True))
    watched = cli("watch", task_id)
    assert watched.exit_code == 0, watched.stderr
    for text in ("replaying revision", "progress 1 of 2", "replayed in"):
        assert text in watched.stderr
    assert data(cli("result", task_id)) == [{"slept": 5}]
    assert data(cli("get", task_id, "--json"))["outcome"] == "success"
    alive = outliving([process, *below], 60)
    assert not alive
    assert not list((naps / "default" / "logs").iterdir()), "nothing went wrong, so nothing is kept"


def test_watch_json_prints_events_as_json_lines(cli: Run, start: Start) -> None:
    shown = cli("watch", start(0.1), "--json")
    types = [json.loads(line)["type"] for line in shown.stdout.splitlines()]
    assert (types[0], types[-1], shown.exit_code) == ("task.pending", "task.completed", 0)


def test_start_reads_request_from_argument_file_or_stdin(cli: Run, naps: Path, tmp_path: Path) -> None:
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
    ("arguments", "message"),
    [
        (["start"], "no task is given"),
        (["start", "nowhere.json"], "cannot read nowhere.json"),
        (["start", "{}", "--input", "{}"], "given twice"),
        (["start", TASK, "--timeout", "0"], "positive number of seconds"),
        (["start", TASK, "--start-url", "ftp://example.com"], "http or https"),
        (["result", "wt_none"], "no task 'wt_none'"),
        (["cancel", "wt_none"], "no task 'wt_none'"),
        (["watch", "wt_none"], "no task 'wt_none'"),
        (["run", TASK, "--repeats", "2", "--wait-timeout", "1"], "cannot be used together"),
    ],
)
def test_impossible_commands_exit_with_2_and_store_nothing(tmp_path: Path, arguments: list[str], message: str) -> None:
    store = tmp_path / "new"
    result = CliRunner().invoke(webtasks, ["--store", str(store), *arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert not store.exists()


def test_task_fails_when_its_process_is_killed(cli: Run, start: Start, naps: Path) -> None:
    task_id = start(600, "browsed")
    until(lambda: status(cli, task_id) == "started")
    (process,) = processes(naps)
    below = process.children(recursive=True)
    process.kill()
    outliving([process], 60)
    # A child that it had forked may hold its lock until it calls exec.
    until(lambda: status(cli, task_id) == "completed")
    result = cli("result", task_id, "--json")
    assert result.exit_code == 1
    assert data(result)["error"]["details"]["reason"] == "interrupted"
    alive = outliving(below, 60)
    assert not alive, "the browser ends with its process"


def test_pending_task_of_a_killed_process_is_taken_over(cli: Run, start: Start, naps: Path) -> None:
    with held(naps, "nap"):
        task_id = start(0)
        (process,) = processes(naps)
        process.kill()
        outliving([process], 60)
    assert status(cli, task_id) == "pending"
    assert data(cli("result", task_id, "--wait")) == [{"slept": 0}], "in a process that --wait started"
    until(lambda: not processes(naps))


def test_list_and_cancel_reach_tasks_of_other_processes(cli: Run, start: Start) -> None:
    first = start(600)
    until(lambda: status(cli, first) == "started")
    second = start(600)
    listed = cli("list").stdout.splitlines()
    assert listed[0].split() == ["Task", "State", "Age", "Cost", "Key"]
    assert [line.split()[0] for line in listed[1:]] == [second, first]
    assert "pending, position 1" in listed[1]
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
    assert (again.exit_code, again.stdout) == (1, f"{done} had already ended: success\n")


def test_wait_timeout_exits_with_6_and_the_task_continues(cli: Run, naps: Path) -> None:
    arguments = ("run", TASK, "--key", "nap", "--ai", "never", "-p", "seconds:=600", "--wait-timeout", "1")
    result = cli(*arguments, "--json", "-q")
    assert result.exit_code == 6
    task_id = data(result)["webTaskId"]
    assert f"{task_id} continues" in result.stderr
    assert status(cli, task_id) in ("pending", "started")
    assert cli("cancel", task_id).exit_code == 0


def test_interrupted_run_names_other_tasks(cli: Run, start: Start, naps: Path) -> None:
    other = start(600, "other")
    arguments = ("run", TASK, "--key", "nap", "--ai", "never", "-p", "seconds:=600")
    process = started("--store", str(naps), *arguments)
    assert process.stderr is not None
    assert next(line for line in process.stderr if "replaying" in line)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted: the task was canceled" in errors
    assert f"1 task of other processes not ended: {other}" in errors
    assert status(cli, other) in ("pending", "started")
    cli("cancel", other)


def test_watch_prints_a_line_per_change_until_nothing_runs(cli: Run, start: Start, naps: Path) -> None:
    task_id = start(600)
    process = started("--store", str(naps), "watch")
    assert process.stdout is not None
    first = process.stdout.readline()
    assert task_id in first
    assert first.endswith("nap\n")
    cli("cancel", task_id)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, "canceled" in output.splitlines()[-1]) == (0, True), errors
    assert cli("watch").stdout == ""


def test_watch_on_a_terminal_draws_a_live_table(cli: Run, start: Start, naps: Path) -> None:
    task_id = start(600)
    controller, terminal = pty.openpty()
    process = started("--store", str(naps), "watch", stdout=terminal, env_more={"TERM": "xterm", "COLUMNS": "80"})
    os.close(terminal)
    shown = ""
    while "progress 1 of 2" not in shown:
        shown += os.read(controller, 65536).decode(errors="replace")
    cli("cancel", task_id)
    shown += read_all(controller)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "\x1b[2K" in shown, "the table is redrawn in place"
    assert task_id in shown
    assert "started" in shown


def test_secret_reaches_the_background_process_only_through_its_pipe(cli: Run, start: Start, naps: Path) -> None:
    code = "import asyncio\nasync def run(web, parameters, task):\n    await asyncio.sleep(parameters['seconds'])\n"
    save(naps, "login", code + "    return [len(parameters['password'])]\n", parameters={"seconds": 1, "password": ""})
    with held(naps, "login"):
        task_id = start(0, "login", "-p", "password=violet-harbor")
        (process,) = processes(naps)
        assert "violet-harbor" not in " ".join([*process.cmdline(), *process.environ().values()])
    assert data(cli("result", task_id, "--wait")) == [len("violet-harbor")]
    kept = [path for path in naps.rglob("*") if path.is_file() and b"violet-harbor" in path.read_bytes()]
    assert not kept


def test_costs_for_all_keys_and_for_one(cli: Run, store: Path) -> None:
    assert cli("costs").stdout == ""
    assert data(cli("costs", "--json")) == []
    fill(store)
    table = cli("costs").stdout.splitlines()
    assert [cell.strip() for cell in table[1].split("  ") if cell.strip()] == [
        "guide", "3", "$0.0400", "2", "0", "$0.0400", "$0.0800", "run 2",
    ]  # fmt: skip
    whole = cli("costs", "guide").stdout
    assert "the model in every run would have cost $0.1200" in whole
    (costs,) = data(cli("costs", "guide", "--json"))
    assert (costs["paid_after"], costs["model_calls"]) == (2, 4)


def fill(store: Path) -> None:
    """Record a first run that cost four cents, and two replays."""
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


@pytest.mark.parametrize("no_color", [True, False])
def test_no_color_disables_colors(store: Path, no_color: bool) -> None:
    environment = {"NO_COLOR": "1" if no_color else ""}
    shown = CliRunner(env=environment).invoke(webtasks, ["--store", str(store), "diff", "guide"], color=True)
    assert ("\x1b[" in shown.stdout) is not no_color
