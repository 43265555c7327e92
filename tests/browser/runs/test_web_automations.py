"""First runs on the fixture sites that end without a browser, from their first candidate on, and their replays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, TaskResult
from engine.bundles import BundleStore
from engine.testing import ScriptedModel
from fixtures_sites import serve
from fixtures_sites.scenarios import SCENARIOS
from fixtures_sites.truths import truth
from tests.support.paths import ROOT
from tests.support.stage import NoModel


@pytest.mark.parametrize("name", ["directory", "feed", "ledger", "archive"])
async def test_first_run_needs_no_browser_and_replays_other_parameters(name: str, tmp_path: Path) -> None:
    scenario = SCENARIOS[name]
    code = (ROOT / "tests" / "support" / "web_automations" / f"{name}.txt").read_text()
    others = {k: v for k, v in scenario.other_parameters.items() if k not in scenario.secrets}
    model = ScriptedModel([("write", {"code": code}), ("finish", {"summary": "List", "other_parameters": others})])
    with serve(name) as site:

        async def run(engine: AsyncEngine, parameters: Any, **options: Any) -> TaskResult:
            result = await engine.run(
                scenario.task, start_url=scenario.start_url(site.url), parameters=parameters, reuse_key=name,
                output_schema=scenario.output_schema, secrets=scenario.secrets, **options,
            )  # fmt: skip
            assert result.ok, (result.error, str(model.requests[-1].messages[-1]))
            assert result.reuse is not None
            assert result.reuse.kind == "web"
            return result

        async with AsyncEngine(store=tmp_path, model=model) as engine:
            assert len((await run(engine, scenario.parameters)).output) == len(truth(name, scenario.parameters))
        async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
            replayed = await run(engine, scenario.other_parameters, ai="never")
    wanted = truth(name, scenario.other_parameters)
    assert [_plain(row) for row in replayed.output] == [_plain(row) for row in wanted]
    saved = BundleStore(tmp_path / "default").load(name)
    assert saved is not None
    assert saved.meta.effects == "read"
    assert "provenance" in saved.contract or name == "archive", "its rows are files"
    for secret in scenario.secrets:
        assert str(scenario.parameters[secret]) not in str(saved.to_files())


def _plain(row: dict[str, Any]) -> list[Any]:
    """Return a row's values, files by their digests; the names of fields are the model's choice."""
    return [v["sha256"] if isinstance(v, dict) else v for v in row.values()]
