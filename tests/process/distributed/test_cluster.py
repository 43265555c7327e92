"""A cluster of several nodes on this machine, whose nodes are killed."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.command import until
from tests.support.paths import ROOT

_MARK = "WEBTASKS_TEST_CLUSTER"


def started_by(mark: str) -> list[psutil.Process]:
    """Return all processes with this mark in their environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(_MARK) == mark:
                found.append(process)
    return found


@pytest.fixture
def mark() -> Iterator[str]:
    """Mark the processes of the test, which are ended with it."""
    mark = uuid.uuid4().hex
    yield mark
    for process in started_by(mark):
        with contextlib.suppress(psutil.Error):
            process.kill()


def story(directory: Path, mark: str, *options: str, seconds: float) -> dict[str, Any]:
    told = subprocess.run(
        [sys.executable, "-m", "tests.support.cluster_story", str(directory), *options],
        cwd=ROOT,
        env={**os.environ, _MARK: mark},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert told.returncode == 0, told.stderr[-3000:]
    return json.loads(told.stdout.splitlines()[-1])  # type: ignore[no-any-return]  # the story prints an object


def check(told: dict[str, Any], tasks: int, kills: int) -> None:
    """Check that each task ended once, and that nothing was done twice or at once."""
    assert told["tasks"] == tasks
    assert told["killed"] == kills
    assert told["failed"] == []
    # One whose node died behind the order, and before its result was recorded, is not run again.
    assert told["succeeded"] + told["acted_and_failed"] == tasks
    assert max(told["orders"].values()) == 1
    # An order may be missing only where its node died between the leave to place it and the order.
    assert tasks - told["unsure"] <= len(told["orders"]) <= tasks
    assert told["overlapping"] == []
    assert told["recorded"] == "completed"
    assert told["studied"] == ["right"]


@pytest.mark.long
def test_no_task_is_lost_or_done_twice_when_a_node_is_killed(tmp_path: Path, mark: str) -> None:
    told = story(tmp_path, mark, "--nodes", "2", "--tasks", "8", "--keys", "2", "--kills", "1", seconds=280)
    check(told, tasks=8, kills=1)
    until(lambda: started_by(mark) == [])


@pytest.mark.soak
def test_the_process_with_the_records_is_killed_while_tasks_run(tmp_path: Path, mark: str) -> None:
    options = ("--nodes", "2", "--tasks", "40", "--keys", "8", "--kills", "1", "--record-kills", "3")
    check(story(tmp_path, mark, *options, seconds=900), tasks=40, kills=4)
    assert started_by(mark) == []


@pytest.mark.soak
def test_many_nodes_are_killed_while_many_tasks_run(tmp_path: Path, mark: str) -> None:
    told = story(tmp_path, mark, "--nodes", "3", "--tasks", "200", "--keys", "40", "--kills", "10", seconds=1500)
    check(told, tasks=200, kills=10)
    until(lambda: started_by(mark) == [])
