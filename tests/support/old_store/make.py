"""Makes ``store-057d663.tar.xz``: a store as the engine's version 057d663 wrote it, for the tests of compatibility.

Run it with that version's code, in a checkout of that commit in which ``make setup`` was done::

    PYTHONPATH=. .venv/bin/python PATH/OF/make.py store-057d663.tar.xz

The archive holds the workspace ``default`` of a store that was at ``/tmp/webtasks-057d663``, with

- ``directory``: explored, replayed five times, trusted;
- ``feed``: explored, and repaired after the redesign, so there are two revisions;
- ``ledger``: explored with a secret parameter, then pinned;
- ``numbers``: saved by hand, with a task whose result is large enough to be a file;
- a task on ``directory`` that no engine has begun.

The model's work comes from the recordings of the fixture sites. The ports of the sites are fixed, for the records and
the bundles name them.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine import AsyncEngine, TaskResult
from engine.bundles import Bundle, BundleMeta, BundleStore
from engine.models.recorded import RecordedModel
from fixtures_sites import serve
from fixtures_sites.scenarios import SCENARIOS

STORE = Path("/tmp/webtasks-057d663")  # the records name it, so it is no place of one machine
PORTS = {"directory": 18471, "feed": 18472, "ledger": 18473}
CATEGORIES = ("Electrical Work", "Surveying", "Stonemasonry", "Electrical Work", "Surveying")
NUMBERS = """\
async def run(page, parameters, task):
    return [{"n": n, "text": "0123456789 " * 6} for n in range(1000)]
"""


def _address(site: str) -> str:
    return f"http://127.0.0.1:{PORTS[site]}/"


async def _run(site: str, phase: str | None = None, **changed: Any) -> TaskResult:
    scenario = SCENARIOS[site]
    model: Any = "haiku"
    if phase is not None:
        model = RecordedModel(scenario.recording(phase), substitutions=scenario.substitutions(_address(site)))
    request: dict[str, Any] = {
        "start_url": scenario.start_url(_address(site)),
        "parameters": scenario.parameters,
        "output_schema": scenario.output_schema,
        "reuse_key": site,
        "secrets": scenario.secrets,
        "ai": "auto" if phase is not None else "never",
    }
    async with AsyncEngine(store=STORE, model=model) as engine:
        result = await engine.run(scenario.task, **(request | changed))
    if not result.ok:
        sys.exit(f"{site} {phase or 'replay'} failed: {result.error}")
    return result


async def _make() -> None:
    with serve("directory", port=PORTS["directory"]):
        await _run("directory", "explore")
        for category in CATEGORIES:
            result = await _run("directory", parameters={"category": category})
        assert result.reuse is not None
        assert result.reuse.trust == "trusted", result.reuse
    with serve("feed", port=PORTS["feed"]) as site:
        await _run("feed", "explore")
        await _run("feed", parameters=SCENARIOS["feed"].other_parameters)
        site.version = "v2"
        await _run("feed", "repair")
    with serve("ledger", port=PORTS["ledger"]):
        await _run("ledger", "explore")
    bundles = BundleStore(STORE / "default")
    bundles.pin("ledger")
    meta = BundleMeta(
        reuse_key="numbers", tasks=("List the numbers",), parameters={}, output_schema=None, schema_inferred=True,
        start_url=None, allowed_hosts=(), effects="read", created_at=datetime.now(UTC),
    )  # fmt: skip
    saved = Bundle(meta=meta, automation=NUMBERS, contract={}, notes="", resources={}, revision=None)
    bundles.commit("numbers", saved, subject="Saved by hand")
    async with AsyncEngine(store=STORE) as engine:
        large = await engine.run("List the numbers", reuse_key="numbers", ai="never")
        assert large.ok, large.error
    with bundles.lock("directory"):  # so the task is not begun before the engine is closed
        async with AsyncEngine(store=STORE) as engine:
            await engine.start(
                SCENARIOS["directory"].task, start_url=_address("directory"), parameters={"category": "Surveying"},
                reuse_key="directory", ai="never",
            )  # fmt: skip


def main() -> None:
    """Make the store and pack it."""
    shutil.rmtree(STORE, ignore_errors=True)
    asyncio.run(_make())
    with contextlib.closing(sqlite3.connect(STORE / "default" / "records.sqlite3")) as db, db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()

    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    with tarfile.open(sys.argv[1], "w:xz") as archive:
        archive.add(STORE / "default", "default", filter=anonymous)
    shutil.rmtree(STORE)


if __name__ == "__main__":
    main()
