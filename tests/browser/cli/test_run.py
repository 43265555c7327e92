"""``webtasks run``: results on standard output, progress on standard error, exit codes that mean something."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import time
from pathlib import Path

import pytest

from fixtures_sites import FixtureServer
from tests.support.command import Run, data, read_all, replay, started
from tests.support.saved import TASK, save

NAMES = ["Ashdown Levels", "Bearing & Baseline", "Chainmark Surveyors", "Datum House Surveys", "Everhill Land Survey"]


def test_run_prints_output_on_stdout_and_progress_on_stderr(store: Path, guide: FixtureServer) -> None:
    process = started("--store", str(store), *replay(guide.url))
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert [row["name"] for row in json.loads(output)][:5] == NAMES
    assert "replaying revision" in errors
    assert "log: the list is there" in errors
    assert re.search(r"replayed in [\d.]+ s, 0 model calls, \$0, unchanged as guide", errors)
    assert "\x1b" not in output + errors, "no colors where there is no terminal"


def test_run_on_a_terminal_shows_live_progress_and_clean_output(store: Path, guide: FixtureServer) -> None:
    controller, terminal = pty.openpty()
    process = started("--store", str(store), *replay(guide.url), stderr=terminal)
    os.close(terminal)
    shown = read_all(controller)
    output, _ = process.communicate(timeout=60)
    assert [row["name"] for row in json.loads(output)][:5] == NAMES
    assert "\x1b[2K" in shown, "lines are drawn over"
    assert "replayed in" in shown.rstrip().splitlines()[-1]


def test_run_json_prints_the_whole_task(cli: Run, guide: FixtureServer) -> None:
    result = cli(*replay(guide.url), "--json", "--quiet")
    wire = data(result)
    assert (wire["status"], wire["outcome"], wire["modelCalls"], wire["cost"]["aiUsd"]) == (
        "completed",
        "success",
        0,
        0,
    )
    assert wire["reuse"]["revisionId"]
    assert "revision_id" not in wire["reuse"], "one name for one thing: the second spelling is for HTTP's clients"
    assert [attempt["kind"] for attempt in wire["attempts"]] == ["replay"]
    assert result.stderr == ""


def test_run_accepts_a_request_in_the_wire_form(cli: Run, guide: FixtureServer) -> None:
    request = {"task": TASK, "startUrl": guide.url, "parameters": {"category": "Nothing"}, "reuseKey": "guide"}
    result = cli("run", "--input", "-", "--ai", "never", "-p", "category=Surveying", input=json.dumps(request))
    assert result.exit_code == 0, result.stderr
    assert data(result)[0] == {"name": NAMES[0]}, "options win over the file"


@pytest.mark.parametrize(
    ("path", "code", "reason"),
    [("/500", 1, "http-error"), ("/list", 1, "drift"), ("/hang", 5, "time")],
)
def test_run_failures_have_their_exit_codes(
    cli: Run, store: Path, trouble: str, path: str, code: int, reason: str
) -> None:
    save(
        store,
        "guide",
        "async def run(page, parameters, task):\n    raise KeyError('gone')\n",
        parameters={"category": ""},
    )
    result = cli(*replay(trouble + path, timeout="3" if reason == "time" else "60"))
    assert (result.exit_code, result.stdout) == (code, "")
    assert f"failed ({reason}) after" in result.stderr
    assert "Error: " in result.stderr
    trace = re.search(r"Trace of the run: (.*\.jsonl)", result.stderr)
    assert trace is not None
    assert '"replay.started"' in Path(trace[1]).read_text()


def test_run_rejected_exits_with_3_and_still_prints_json(cli: Run) -> None:
    result = cli("run", TASK, "--ai", "never", "--json")
    assert result.exit_code == 3
    assert data(result)["error"]["details"]["reason"] == "nothing-saved"


def test_run_without_api_key_exits_with_4_and_a_remedy(cli: Run, trouble: str) -> None:
    result = cli("run", TASK, "--start-url", f"{trouble}/list")
    assert result.exit_code == 4
    assert "ANTHROPIC_API_KEY" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "no task is given"),
        (["run", TASK, "-p", "category"], "name=text or name:=JSON"),
        (["run", TASK, "-p", "pages:=three"], "-p pages: the value after := is not valid JSON"),
        (["run", TASK, "--parameters", "[1]"], "--parameters must be a JSON object"),
        (["run", TASK, "--parameters", "@nowhere.json"], "cannot read nowhere.json"),
        (["run", TASK, "--schema", '{"type": "strnig"}'], "strnig"),
        (["run", TASK, "--timeout", "0"], "--timeout must be a positive number of seconds"),
        (["run", TASK, "--start-url", "ftp://example.com"], "--start-url must be an http or https URL"),
        (["run", TASK, "--key", "k" * 2000], "--key must be a string of"),
        (["run", " "], "TASK is empty"),
        (["run", TASK, "--secret", "password"], "--secret password=VARIABLE"),
        (["run", TASK, "--secret", "password=NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE is not set"),
        (["run", "--input", '{"task": "x", "sink": {}}'], "sink is not supported yet"),
        (["run", "--input", '{"task": "x", "startURL": "http://a.test"}'], "unknown fields startURL"),
        (["run", TASK, "--ai", "maybe"], "never"),
        (["--workspace", "../other", "list"], "--workspace must be letters"),
        (["rnu"], "there is no command 'rnu' of webtasks"),
    ],
)
def test_run_bad_request_exits_with_2_and_a_message(cli: Run, store: Path, arguments: list[str], message: str) -> None:
    before = sorted(store.rglob("*"))
    result = cli(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(store.rglob("*")) == before


def test_run_json_prints_a_bad_request_as_json(cli: Run) -> None:
    result = cli("--json", "run", TASK, "--timeout", "0")
    assert result.exit_code == 2
    assert data(result)["error"] | {"message": ""} == {
        "type": "InvalidRequest",
        "message": "",
        "details": {"field": "timeout"},
    }


def test_run_parameters_are_text_unless_given_as_json(cli: Run, store: Path, trouble: str) -> None:
    code = "async def run(page, parameters, task):\n    return [parameters]\n"
    save(store, "echo", code, parameters={"n": "", "m": 0, "whole": True, "city": ""})
    given = ("--parameters", '{"whole": true, "n": 0}', "-p", "n=1", "-p", "m:=1", "-p", "city=a=b")
    result = cli("run", TASK, "--key", "echo", "--ai", "never", "--start-url", f"{trouble}/list", *given)
    assert data(result) == [{"whole": True, "n": "1", "m": 1, "city": "a=b"}], result.stderr


def test_run_secret_is_read_from_the_environment_and_never_shown(
    cli: Run, store: Path, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "async def run(page, parameters, task):\n    task.log(parameters['pin'])\n    return [len(parameters['pin'])]\n"
    )
    save(store, "login", code, parameters={"pin": ""})
    monkeypatch.setenv("LEDGER_PIN", "violet-harbor")
    arguments = ("run", TASK, "--key", "login", "--ai", "never", "--start-url", f"{trouble}/list")
    result = cli(*arguments, "--secret", "pin=LEDGER_PIN")
    assert data(result) == [len("violet-harbor")], result.stderr
    assert "[secret:pin]" in result.stderr
    assert "violet-harbor" not in result.stderr
    visible = cli(*arguments, "-p", "pin=violet-harbor")
    assert "visible in the process list" in visible.stderr


def test_run_repeats_print_one_result_each(cli: Run) -> None:
    result = cli("run", TASK, "--ai", "never", "--key", "k", "--repeats", "2")
    assert (result.exit_code, data(result)) == (3, [None, None])
    wire = data(cli("run", TASK, "--ai", "never", "--repeats", "1", "--json"))
    assert [each["error"]["code"] for each in wire] == ["rejected"]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_run_interrupted_cancels_the_task_and_says_so(
    store: Path, trouble: str, sent: signal.Signals, code: int
) -> None:
    process = started("--store", str(store), *replay(f"{trouble}/hang"))
    assert process.stderr is not None
    line = next(line for line in process.stderr if "replaying" in line)
    assert line
    time.sleep(0.5)  # into the run
    process.send_signal(sent)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (code, "")
    assert "Interrupted: the task was canceled" in errors
    assert "Traceback" not in errors
