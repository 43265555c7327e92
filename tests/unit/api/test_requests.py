"""Malformed requests: refused before anything is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, InvalidRequest
from tests.support.saved import TASK


@pytest.mark.parametrize(
    "bad",
    [
        {"output_schema": {"type": "strnig"}},
        {"start_url": "ftp://example.com/"},
        {"parameters": {"a": object()}},
        {"model": "gpt"},
        {"timeout": -1},
        {"wait_timeout": -1},
        {"poll": "5"},
    ],
    ids=lambda bad: next(iter(bad)),
)
async def test_bad_requests_are_refused_before_anything_is_stored(tmp_path: Path, bad: dict[str, Any]) -> None:
    store = tmp_path / "store"
    async with AsyncEngine(store=store) as engine:
        with pytest.raises(InvalidRequest):
            await engine.run(TASK, **bad)
    assert not store.exists()


async def test_result_warns_of_what_is_unknown_in_the_schema(tmp_path: Path) -> None:
    async with AsyncEngine(store=tmp_path) as engine:
        result = await engine.run(TASK, output_schema={"type": "array", "maxItem": 3}, ai="never")
    assert result.warnings == (
        "output_schema: the keyword 'maxItem' is unknown, and so was ignored; did you mean 'maxItems'?",
    )
