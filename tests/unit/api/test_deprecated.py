"""Former public names work for one more release, and say which name to use."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import AsyncEngine, Engine
from tests.support.stage import NoModel


async def test_former_method_names_warn_and_work(tmp_path: Path) -> None:
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        with pytest.deprecated_call(match="use orphaned"):
            assert await engine.unowned() == []
        with pytest.deprecated_call(match="use run_until_idle"):
            await engine.run_out()


def test_former_method_names_of_the_blocking_engine_warn_and_work(tmp_path: Path) -> None:
    with Engine(store=tmp_path, model=NoModel()) as engine:
        with pytest.deprecated_call(match="use orphaned"):
            assert engine.unowned() == []
        with pytest.deprecated_call(match="use run_until_idle"):
            engine.run_out()
