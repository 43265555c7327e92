"""Repairs that failed are not paid for again at once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.storage.database import Database
from engine.storage.failed_repairs import FailedRepair, FailedRepairs


def test_failures_of_a_revision_are_counted(tmp_path: Path) -> None:
    repairs = FailedRepairs(Database(tmp_path / "records.sqlite3"))
    assert repairs.of("r1") is None
    repairs.add("r1", "turns")
    repairs.add("r1", "stuck")
    failed = repairs.of("r1")
    assert failed is not None
    assert (failed.count, failed.reason) == (2, "stuck")
    assert repairs.of("r2") is None


@pytest.mark.parametrize(("count", "minutes"), [(1, 10), (2, 30), (3, 90), (20, 24 * 60)])
def test_each_failure_makes_the_pause_longer_up_to_a_day(count: int, minutes: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert FailedRepair(count, "turns", at).next - at == timedelta(minutes=minutes)
