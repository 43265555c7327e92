from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.storage.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "records.sqlite")
    yield opened
    opened.close()
