"""A store that version 057d663 wrote; ``make.py`` says what is in it, and makes it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tarfile
from pathlib import Path

import pytest

from engine import AsyncEngine
from tests.support.old_store.make import STORE
from tests.support.stage import NoModel

_ARCHIVE = Path(__file__).parent / "store-057d663.tar.xz"


@pytest.fixture
def old_store(tmp_path: Path) -> Path:
    """The store, where the ``stage`` has its own; the place and the date that its records name are corrected."""
    store = tmp_path / "store"
    with tarfile.open(_ARCHIVE) as archive:
        archive.extractall(store, filter="data")
    for trace in (store / "default" / "traces").iterdir():
        os.utime(trace)  # files that are old are swept
    with contextlib.closing(sqlite3.connect(store / "default" / "records.sqlite3")) as db, db:
        db.execute("UPDATE tasks SET result = replace(result, ?, ?)", (STORE.as_uri(), store.as_uri()))
        db.execute("UPDATE tasks SET expires_at = '9999-01-01' WHERE expires_at IS NOT NULL")
    db.close()
    return store


def old_engine(store: Path) -> AsyncEngine:
    """An engine that needs no model, and leaves the pending task alone."""
    return AsyncEngine(store=store, model=NoModel(), take_over=False)
