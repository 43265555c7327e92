"""A study whose process is killed at any instant, again and again, ends with the same table."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from engine.studies import Study
from tests.support.paths import ROOT

_MOST_SECONDS = 120.0


def run(store: Path, repeats: int, *, kill_after: int | None, wait: float = 0.0) -> None:
    """Run the study; kill it when so many trials have ended, and some more time has passed."""
    command = [sys.executable, "-m", "tests.support.studied_run", str(store), str(repeats)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, cwd=store.parent, start_new_session=True)
    until = time.monotonic() + _MOST_SECONDS
    try:
        while process.poll() is None:
            assert time.monotonic() < until, "the study does not end"
            if kill_after is not None and ended(store) >= kill_after:
                time.sleep(wait)
                break
            time.sleep(0.01)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert kill_after is not None or process.returncode == 0


def ended(store: Path) -> int:
    return len(list((store / "known" / "trials").glob("*.jsonl")))


def table(store: Path) -> tuple[list[dict[str, Any]], list[tuple[Any, ...]]]:
    study = Study(store / "known")
    assert study.complete
    rows = [
        tuple(row[name] for name in ("trial", "seed", "phase", "variant", "verdict", "usd")) for row in study.rows()
    ]
    return study.table(), [(*row[:-1], round(row[-1], 6)) for row in rows]


def check(tmp_path: Path, repeats: int, kills: int) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    run(undisturbed, repeats, kill_after=None)
    chance = random.Random(20)
    trials = 6 * repeats
    for number in range(kills):
        # Kills are spread over the study, each within a trial's time of an end.
        run(killed, repeats, kill_after=number * trials // (kills + 1), wait=chance.uniform(0, 0.45))
    run(killed, repeats, kill_after=None)
    assert table(killed) == table(undisturbed)
    study = Study(killed / "known")
    assert study.usd >= sum(trial.end.usd for trial in study.trials if trial.end), "what was lost is paid, too"
    for file in (killed / "known" / "trials").glob("*.jsonl"):
        assert json.loads(file.read_bytes().splitlines()[-1])["type"] == "end"


def test_a_study_that_was_killed_twice_ends_with_the_same_table(tmp_path: Path) -> None:
    check(tmp_path, repeats=1, kills=2)


@pytest.mark.soak
def test_a_study_that_was_killed_ten_times_ends_with_the_same_table(tmp_path: Path) -> None:
    check(tmp_path, repeats=5, kills=10)
