"""Processes that outlive the command: how they are started, answer and detach."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.cli import spawn
from tests.support.command import until
from tests.support.paths import ROOT

PROGRAM = """\
import json, os, sys, time
from engine.cli.detached import detach, receive_order, send_answer
order = receive_order()
if order["answer"]:
    facts = {"pid": os.getpid(), "session": os.getsid(0), "order": order, "argv": sys.argv}
    send_answer(facts)
if order["detach"]:
    errors = os.open(order["log"], os.O_WRONLY | os.O_CREAT)
    detach(errors)
    print("lost")
    print("kept", file=sys.stderr, flush=True)
    time.sleep(order["seconds"])
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that does what its order says."""
    (tmp_path / "spawned_by_test.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    return "spawned_by_test"


def order(tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {"answer": True, "detach": False, "log": str(tmp_path / "log"), "seconds": 0, **more}


def test_spawned_process_answers_and_lives_on_in_its_own_session(module: str, tmp_path: Path) -> None:
    answer = spawn.spawn_detached(module, order(tmp_path, detach=True, seconds=600, secret="violet-harbor"))
    process = psutil.Process(answer["pid"])
    try:
        assert answer["order"]["secret"] == "violet-harbor"
        assert "violet-harbor" not in " ".join(process.cmdline())
        assert answer["session"] not in (answer["pid"], psutil.Process().pid), "no session leader, no session of ours"
        assert process.ppid() != psutil.Process().pid, "nobody has to wait for it"
        assert process.cwd() == "/"
        until(lambda: (tmp_path / "log").read_text() == "kept\n")
        assert {file.path for file in process.open_files()} == {str(tmp_path / "log")}
    finally:
        process.kill()
        process.wait(60)


def test_process_that_ends_without_an_answer_gives_none(module: str, tmp_path: Path) -> None:
    assert spawn.spawn_detached(module, order(tmp_path, answer=False)) is None
    assert spawn.spawn_detached("no_such_module", order(tmp_path), errors=subprocess.DEVNULL) is None


def test_process_that_detaches_without_an_answer_gives_none(module: str, tmp_path: Path) -> None:
    assert spawn.spawn_detached(module, order(tmp_path, answer=False, detach=True)) is None


@pytest.mark.parametrize("name", ["engine.cli.background", "engine.cli.pool.server"])
def test_modules_that_are_started_by_name_run_as_programs(name: str, tmp_path: Path) -> None:
    with (tmp_path / "errors").open("wb") as errors:
        assert spawn.spawn_detached(name, {"not": "an order"}, errors=errors) is None
    assert (tmp_path / "errors").read_text().splitlines()[-1] == "KeyError: 'settings'"
