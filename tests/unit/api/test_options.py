"""The options of an engine and of a task are checked before anything is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, InvalidRequest, TaskRequest
from engine.api.arguments import EngineArguments, RunArguments
from engine.api.options import RunOptions
from tests.support.stage import NoModel


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limits", 1),
        ("allow_hosts", "intranet"),
        ("max_tasks", 0),
        ("max_tasks", 1.5),
        ("max_pending", -1),
        ("usd_per_day", -0.1),
        ("key_usd_per_day", "much"),
        ("isolation", "docker"),
        ("workspace", ""),
        ("workspace", "../other"),
        ("workspace", "größe"),
        ("egress", "private"),
        ("proxy", "not a proxy"),
    ],
)
def test_malformed_option_is_refused_and_named(tmp_path: Path, field: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        AsyncEngine(store=tmp_path / "store", **{field: value})
    assert refused.value.details["field"] == field
    assert not (tmp_path / "store").exists()


async def test_none_stands_for_the_default(tmp_path: Path) -> None:
    request = dict.fromkeys(RunOptions.__annotations__ | RunArguments.__annotations__)
    options = dict.fromkeys(EngineArguments.__annotations__.keys() - {"store", "model"})
    async with AsyncEngine(store=tmp_path, model=NoModel(), **options) as engine:
        assert await engine.list() == []
        with pytest.raises(InvalidRequest) as refused:
            await engine.run("List the entries", **request | {"on_event": 3})
    assert refused.value.details["field"] == "on_event"
    checked, _ = engine._options.request("List the entries", request)
    assert checked.model_copy(update={"reuse_key": "k"}) == TaskRequest(task="List the entries", reuse_key="k")


async def test_untrusted_request_reaches_only_origins_that_the_engine_allows(tmp_path: Path) -> None:
    origin, other = "http://127.0.0.1:9", "http://127.0.0.1:10"
    async with AsyncEngine(store=tmp_path, model=NoModel(), trust_start_urls=False, allow_hosts=[origin]) as engine:
        with pytest.raises(InvalidRequest, match="may name only what this engine allows"):
            await engine.run("List the entries", allow_hosts=[other], ai="never")
        result = await engine.run("List the entries", allow_hosts=[origin], ai="never")
        assert result.error is not None
        assert result.error.reason == "nothing-saved"


def test_the_api_key_is_not_in_the_representation_of_options(tmp_path: Path) -> None:
    engine = AsyncEngine(store=tmp_path, api_key="sk-secret")
    assert "sk-secret" not in repr(engine._options)
