"""`webtasks why` and `webtasks accept`, on what a task's run read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine import TaskRequest, TaskResult
from engine.bundles import BundleStore
from engine.contract import Observed, learn
from engine.storage import kept_reads
from engine.storage.kept_reads import KeptRead
from engine.storage.tasks import TaskRecords
from sandbox import Evidence
from tests.support.command import KEY, Run, data
from tests.support.maps import Sheet
from tests.support.saved import save

ROWS = [{"name": "Amber lamp", "price": 4.5}, {"name": "Birch lamp", "price": 7.25}]
STRUCK = "\u0001{}\u0002"


def read(price: str) -> Any:
    return (
        Sheet().heading("Lamps").table(["Name", "Price"], [[r["name"], price.format(r["price"])] for r in ROWS]).map()
    )


@pytest.fixture
def refused(store: Path) -> str:
    """A task of the key whose result was refused."""
    contract = learn([Observed(ROWS, Evidence(maps=(read("£{:.2f}"),)))])
    revision = save(store, KEY, "async def run(page, parameters, task): ...", contract=contract)
    records = TaskRecords(store / "default" / "records.sqlite3")
    now = datetime.now(UTC)
    records.enqueue("wt_1", TaskRequest(task="List", reuse_key=KEY), now)
    ended = TaskResult(web_task_id="wt_1", status="completed", outcome="failed", created_at=now, completed_at=now)
    records.finish(ended)
    records.close()
    kept = KeptRead(KEY, revision.id, ROWS, maps=[read(STRUCK.format("€{:.2f}"))], problems=["price in euros"])
    kept_reads.keep(store / "default", "wt_1", kept)
    return "wt_1"


def test_why_shows_where_a_value_stood(cli: Run, refused: str) -> None:
    shown = cli("why", refused, "$[1].price").stdout
    assert shown.startswith("7.25 (struck through)\n")
    for fact in ("€7.25", "Price", "Lamps", "https://shop.example/list"):
        assert fact in shown
    (origin,) = data(cli("why", refused, "$[1].price", "--json"))
    assert (origin["value"], origin["label"], origin["struck"], origin["box"]) == (7.25, "Price", True, None)
    assert len(data(cli("why", refused, "--json"))) == 4


def test_why_fails_clearly_where_there_is_nothing_to_show(cli: Run, refused: str) -> None:
    for arguments, words in (
        (("wt_none",), "wt_none"),
        ((refused, "$[7].price"), "nothing at $[7].price"),
        ((refused, "price"), "is no path"),
    ):
        result = cli("why", *arguments)
        assert result.exit_code == 2
        assert words in result.stderr


def test_accept_commits_what_was_found_right(cli: Run, refused: str, store: Path) -> None:
    accepted = cli("accept", KEY)
    saved = BundleStore(store / "default").history(KEY)[0]
    assert accepted.stdout.strip() == saved.id
    assert "price in euros" in accepted.stderr
    assert saved.trailers["Task-Id"] == refused
    again = cli("accept", KEY, refused, "--json")
    assert again.exit_code == 2
    assert "nothing waits" in data(again)["error"]["message"]
