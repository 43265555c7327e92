"""A study whose process is killed at any instant, again and again, ends with the same table."""

from __future__ import annotations

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

_MOST_SECONDS = 300.0
KNOWN_ONCE = {
    ("careful", "success"): (3, 3, 0.439, 1.0),
    ("careful", "repaired"): (3, 6, 0.188, 0.812),
    ("careful", "silently wrong"): (3, 24, 0.043, 0.31),
    ("careless", "repaired"): (0, 6, 0.0, 0.39),
}
KNOWN = {
    ("careful", "success"): (15, 15, 0.796, 1.0),
    ("careful", "unaffected"): (15, 60, 0.158, 0.372),
    ("careful", "repaired"): (15, 30, 0.332, 0.668),
    ("careful", "silently wrong"): (15, 120, 0.077, 0.196),
    ("careless", "success"): (9, 15, 0.357, 0.802),
    ("careless", "repaired"): (0, 18, 0.0, 0.176),
    ("careless", "silently wrong"): (12, 78, 0.09, 0.25),
}
"""Of three tasks in five repeats under four changes: the careless model's first runs are right in three of five."""


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


def check(killed: Path, repeats: int, kills: int) -> None:
    chance = random.Random(20)
    trials = 6 * repeats
    for number in range(kills):
        # Kills are spread over the study, each within a trial's time of an end.
        run(killed, repeats, kill_after=number * trials // (kills + 1), wait=chance.uniform(0, 0.45))
    run(killed, repeats, kill_after=None)
    study = Study(killed / "known")
    assert study.usd >= sum(trial.end.usd for trial in study.trials if trial.end), "what was lost is paid, too"


def rates(store: Path) -> dict[tuple[str, str], tuple[int, int, float, float]]:
    found = [row for row in table(store)[0] if row["variant"] is None]
    return {
        (row["model"], row["measure"]): (row["count"], row["of"], round(row["low"], 3), round(row["high"], 3))
        for row in found
    }


def test_a_study_that_was_killed_twice_ends_with_the_known_table(tmp_path: Path) -> None:
    check(tmp_path / "killed", repeats=1, kills=2)
    found = rates(tmp_path / "killed")
    assert {which: found[which] for which in KNOWN_ONCE} == KNOWN_ONCE


@pytest.mark.soak
def test_a_study_that_was_killed_ten_times_ends_with_the_table_of_one_that_was_not(tmp_path: Path) -> None:
    run(tmp_path / "undisturbed", 5, kill_after=None)
    check(tmp_path / "killed", repeats=5, kills=10)
    assert table(tmp_path / "killed") == table(tmp_path / "undisturbed")
    found = rates(tmp_path / "killed")
    assert {which: found[which] for which in KNOWN} == KNOWN
