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


@pytest.mark.parametrize(
    "secret",
    [
        {"parameters": {"password": "hunter22"}},
        {"parameters": {"pin": "4711"}, "secrets": ["pin"]},
        {"start_url": "https://ann:hunter22@example.com/"},
    ],
)
@pytest.mark.parametrize("by_engine", [True, False])
async def test_trace_beside_a_secret_is_refused(tmp_path: Path, secret: dict[str, Any], by_engine: bool) -> None:
    async with AsyncEngine(store=tmp_path, trace=by_engine) as engine:
        with pytest.raises(InvalidRequest, match="leave it out") as caught:
            await engine.run(TASK, ai="never", **secret, **({} if by_engine else {"trace": True}))
        assert caught.value.details["field"] == "trace"
        assert (await engine.run(TASK, ai="never", trace=False, **secret)).error is not None
    assert "hunter22" not in str(caught.value)


async def test_result_warns_of_what_is_unknown_in_the_schema(tmp_path: Path) -> None:
    async with AsyncEngine(store=tmp_path) as engine:
        result = await engine.run(TASK, output_schema={"type": "array", "maxItem": 3}, ai="never")
    assert result.warnings == (
        "output_schema: the keyword 'maxItem' is unknown, and so was ignored; did you mean 'maxItems'?",
    )
