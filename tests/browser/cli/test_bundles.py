"""The export of attempts."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from engine.bundles import BundleStore
from tests.support.command import KEY, Run, data
from tests.support.saved import TASK


def revisions(store: Path) -> list[str]:
    return [revision.id for revision in BundleStore(store / "default").history(KEY)]


def exported(cli: Run, *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in cli("export", *arguments).stdout.splitlines()]


def test_export_and_list_count_the_runs(cli: Run, store: Path, trouble: str, tmp_path: Path) -> None:
    assert exported(cli) == []
    for _ in range(2):
        cli("run", TASK, "--key", KEY, "--ai", "never", "--start-url", f"{trouble}/404", "-p", "category=x")
    cli("run", "Another", "--ai", "never")
    rows = exported(cli)
    assert [(row["key"], row["kind"], row["outcome"], row["reason"]) for row in rows] == [
        (KEY, "replay", "failed", "http-error")
    ] * 2
    assert rows[0] | {"task": TASK, "revision": revisions(store)[0], "usd": 0.0, "input_tokens": 0} == rows[0]
    assert exported(cli, "--key", "nobody") == []
    file = tmp_path / "attempts.csv"
    assert cli("export", "--format", "csv", "-o", str(file)).stdout == ""
    with file.open(newline="") as stream:
        assert [row["task_id"] for row in csv.DictReader(stream)] == [row["task_id"] for row in rows]
    (listed,) = data(cli("bundles", "list", "--json"))
    assert (listed["runs"], listed["usd"]) == (2, 0)
    assert cli("export", "-o", str(tmp_path / "no" / "such" / "file")).exit_code != 0
