"""Results of runs: instances of the user's class, attempts for a study, and failures of the model."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from engine import AsyncEngine
from engine.task.schema import OutputSchema
from fixtures_sites import FixtureServer
from tests.support import endpoint
from tests.support.saved import TASK, save
from tests.support.stage import LIST_TITLES, NoModel


class Titled(BaseModel):
    title: str
    q: int


async def test_output_is_an_instance_of_the_schema_class(tmp_path: Path, site: FixtureServer) -> None:
    schema = OutputSchema(list[Titled]).json_schema
    save(tmp_path, "k", LIST_TITLES, parameters={"q": 1}, schema=schema)
    asked: dict[str, Any] = {"start_url": site.url, "parameters": {"q": 7}, "reuse_key": "k", "ai": "never"}
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        typed = await engine.run(TASK, output_schema=list[Titled], **asked)
        plain = await engine.run(TASK, **asked)
    assert typed.output == [Titled(title="Site map - Brightwell Tools", q=7)]
    assert plain.output == [{"title": "Site map - Brightwell Tools", "q": 7}]
    assert typed.to_wire()["result"] == {"type": "inline", "data": plain.output}


async def test_output_that_violates_the_schema_is_drift_with_its_path(tmp_path: Path, site: FixtureServer) -> None:
    schema = OutputSchema(list[Titled]).json_schema
    save(tmp_path, "k", LIST_TITLES.replace('parameters["q"]', '"seven"'), schema=schema)
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        result = await engine.run(TASK, start_url=site.url, reuse_key="k", ai="never")
    assert result.error is not None
    assert "output $[0].q: 'seven' is not of type 'integer'" in result.error.details["problems"]


async def test_repeat_runs_a_request_on_fresh_keys_and_records_every_attempt(
    tmp_path: Path, site: FixtureServer
) -> None:
    for n in (1, 2):
        save(tmp_path, f"k-{n}", LIST_TITLES, parameters={"q": 1})
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        results = await engine.repeat(
            TASK, repeats=2, reuse_key="k", start_url=site.url, parameters={"q": 1}, ai="never"
        )
        rows = await engine.attempts()
    assert [r.reuse.key for r in results if r.reuse] == ["k-1", "k-2"]
    assert [(row["key"], row["kind"], row["outcome"]) for row in rows] == [
        ("k-1", "replay", "success"),
        ("k-2", "replay", "success"),
    ]
    assert {"task_id", "key", "revision", "outcome", "reason", "tokens", "usd", "seconds", "model"} <= rows[0].keys()


@pytest.mark.parametrize(
    ("answer", "code", "reason", "remedy"),
    [
        (
            endpoint.error(401, "authentication_error", "invalid x-api-key"),
            "unauthenticated", "model-key", "ANTHROPIC_API_KEY",
        ),
        (
            endpoint.error(400, "invalid_request_error", "Your credit balance is too low to access the API."),
            "no-ai-credits-left", "credit", "credit",
        ),
        (
            endpoint.error(400, "invalid_request_error", "max_tokens: too large"),
            "internal-error", "model-error", "max_tokens",
        ),
    ],
    ids=["wrong key", "empty credit", "malformed"],
)  # fmt: skip
async def test_unavailable_model_is_a_failed_task_with_a_remedy(
    tmp_path: Path, site: FixtureServer, answer: endpoint.Answer, code: str, reason: str, remedy: str
) -> None:
    with endpoint.serve(answer) as api:
        async with AsyncEngine(store=tmp_path, base_url=api.url, api_key="wrong-key") as engine:
            result = await engine.run(TASK, start_url=site.url.rstrip("/") + "/list", reuse_key="k")
    assert result.error is not None
    assert (result.error.code, result.error.reason) == (code, reason)
    assert remedy in result.error.message
    assert "Traceback" not in result.error.message
    assert not (tmp_path / "default" / "bundles").exists()
