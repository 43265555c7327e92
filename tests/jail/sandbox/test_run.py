"""Runs of automations: values, errors, logs, evidence."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import Host
from tests.support.jailed import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_run_returns_the_value_of_the_automation(run: Run) -> None:
    outcome = await run(
        "return {'items': await page.locator('li').all_inner_texts(), 'n': parameters['n'] + 1, 'url': task.start_url}",
        parameters={"n": 41},
    )
    assert outcome.ok
    assert outcome.value["items"] == ["one", "two"]
    assert outcome.value["n"] == 42
    assert outcome.value["url"] == outcome.evidence.url
    assert outcome.error is None
    assert outcome.session is None
    assert 0 < outcome.cpu_seconds < 30
    assert 20 < outcome.peak_memory_mb < 3000


def killing(program: str) -> str:
    """Return code that kills a process of the browser or the driver, then waits for the page."""
    return f"""import os, pathlib, signal
def command(process):
    try: return (process / "cmdline").read_bytes()
    except OSError: return b""  # it has just ended
for process in pathlib.Path("/proc").iterdir():
    if process.name.isdigit() and {program}:
        os.kill(int(process.name), signal.SIGKILL)
await page.wait_for_timeout(20_000)"""


COMMAND = "command(process)"
RENDERER = f"b'--type=renderer' in {COMMAND}"
BROWSER = f"b'--remote-debugging-pipe' in {COMMAND} and b'--type=' not in {COMMAND}"
DRIVER = f"b'run-driver' in {COMMAND}"


@pytest.mark.parametrize(
    ("body", "kind", "type_", "line"),
    [
        ("x = 1\nraise ValueError('boo')", "script", "ValueError", 3),
        ("await page.locator('#none').click(timeout=200)", "timeout", "TimeoutError", 2),
        ("await page.goto('http://127.0.0.1:9/')", "navigation", "Error", 2),
        ("import sys\nsys.exit(3)", "script", "SystemExit", 3),
        (killing(RENDERER), "crash", "TargetClosedError", 9),
        (killing(BROWSER), "crash", "TargetClosedError", 9),
        (killing(DRIVER), "crash", "TargetClosedError", 9),
        ("await page.close()\nawait page.title()", "script", "TargetClosedError", 3),
        ("async def run(:", "script", "SyntaxError", 1),
        ("def run(page, parameters, task): return 1", "script", "TypeError", None),
    ],
)
async def test_failing_automation_is_an_outcome(run: Run, body: str, kind: str, type_: str, line: int | None) -> None:
    outcome = await run(body, path=None)
    assert not outcome.ok
    assert outcome.error is not None
    assert (outcome.error.kind, outcome.error.type, outcome.error.line) == (kind, type_, line)
    if line is not None and type_ != "SyntaxError":
        assert f"line {line}, in run" in outcome.error.traceback
        assert "harness.py" not in outcome.error.traceback


async def test_traceback_shows_the_values_of_names_in_the_failing_line(run: Run) -> None:
    """Page text with a non-breaking space looks right in every other message; answers have other keys than before."""
    body = """
at = {"ID": 0, "Assigned\\u00a0To": 1}
row, secret, long = ["7", "x"], "s" * 120, "t" * 121
[at, long, secret, row, parameters, page][row.index(at["Assigned To"])]"""
    outcome = await run(body, parameters={"password": "hunter2"})
    assert outcome.error is not None
    assert outcome.error.traceback.splitlines()[1:] == [
        r"    at: a dict with the keys 'ID', 'Assigned\xa0To'",
        "    long: a text of 121 characters",
        f"    secret: {'s' * 120!r}",
        "    row: a list of 2, first '7'",
    ]


@pytest.mark.parametrize("value", ["float('nan')", "page", "deep"])
async def test_value_that_is_not_json_fails_the_automation(run: Run, value: str) -> None:
    outcome = await run(f"deep = []\nfor _ in range(500): deep = [deep]\nreturn {value}", path=None)
    assert outcome.error is not None
    assert outcome.error.type == "TypeError"
    assert "not JSON" in outcome.error.message


async def test_lone_surrogates_are_replaced(run: Run) -> None:
    assert (await run("return 'a\\ud800b'", path=None)).value == "a?b"


async def test_prints_and_logs_reach_the_host_in_order(run: Run) -> None:
    seen: list[Any] = []

    class Listening(Host):
        async def log(self, message: str) -> None:
            seen.append(message)

        async def progress(self, done: int, total: int | None) -> None:
            seen.append((done, total))

    outcome = await run(
        "task.log('a', 1)\nawait task.log('b')\ntask.progress(1, 2)\nprint('c\\nd')\nprint('e', end='')",
        path=None,
        host=Listening(),
    )
    assert seen == ["a 1", "b", (1, 2), "c", "d", "e"]
    assert outcome.logs == ("a 1", "b", "c", "d", "e")


async def test_resources_are_read_by_name_and_nothing_beside_them(run: Run) -> None:
    body = "return [task.resource('a/b.txt').read_text(), len(task.resource('big').read_bytes())]"
    outcome = await run(body, path=None, resources={"a/b.txt": b"hello", "big": b"x" * 600_000})
    assert outcome.value == ["hello", 600_000]
    refused = await run("return task.resource('../../packages/sandbox/py.typed').read_text()", path=None)
    assert refused.error is not None
    assert refused.error.type == "FileNotFoundError"


async def test_evidence_of_a_list(run: Run) -> None:
    evidence = (await run("return 1")).evidence
    assert evidence.title == "Items"
    assert evidence.status == 200
    assert evidence.documents == ((evidence.url, 200),)
    assert evidence.next_controls == ("Next page",)
    assert [number for _, number in evidence.counts] == [1247]
    assert "Showing 1-2" in evidence.text
    assert not evidence.password_field
    assert evidence.hosts == (evidence.url.split("/")[2],)
    assert evidence.screenshot is None


async def test_evidence_of_a_login(run: Run) -> None:
    before = (await run("return 1", path="/login")).evidence
    assert (before.password_field, before.password_filled, before.state_changing) == (True, False, ())
    after = await run(
        "await page.get_by_placeholder('Your name').fill('bob')\nawait page.locator('[name=secret]').fill('pw')\n"
        "await page.get_by_role('button', name='Go').click()\nawait page.wait_for_url('**/session')",
        path="/login",
    )
    assert after.ok, after.error
    assert (after.evidence.password_field, after.evidence.password_filled) == (False, True)
    assert after.evidence.state_changing == (("POST", after.evidence.url),)
    assert after.evidence.logins == after.evidence.state_changing


async def test_evidence_of_a_failure(run: Run) -> None:
    outcome = await run("raise ValueError", path="/busy")
    assert outcome.evidence.status == 503
    assert outcome.evidence.retry_after == "7"
    assert outcome.evidence.screenshot is not None
    assert outcome.evidence.screenshot.startswith(b"\x89PNG")


async def test_own_requests_are_in_the_evidence(run: Run) -> None:
    outcome = await run("await page.context.request.post(task.start_url + 'api?q=1', data={})")
    assert outcome.ok, outcome.error
    assert outcome.evidence.state_changing == (("POST", outcome.evidence.url + "api"),)


async def test_kept_session_has_the_page_of_the_run(run: Run) -> None:
    outcome = await run("await page.goto(task.start_url + '2')\nraise ValueError", keep_open=True)
    assert outcome.session is not None
    async with outcome.session as session:
        assert (await session.execute("await page.title()")).output == "'Second'"
