"""Automations without a browser on the fixture sites: first runs, replays, and what a redesign does to them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, TaskResult
from engine.bundles import Bundle, BundleStore
from engine.models.base import Model
from engine.testing import ScriptedModel
from fixtures_sites import FixtureServer, serve
from fixtures_sites.scenarios import SCENARIOS
from fixtures_sites.truths import truth
from tests.support.paths import ROOT
from tests.support.stage import NoModel


class Store:
    """A store with one automation, which starts without a browser."""

    def __init__(self, name: str, root: Path, site: FixtureServer) -> None:
        self.name, self.root, self.site = name, root, site
        self.scenario = SCENARIOS[name]

    @property
    def saved(self) -> Bundle:
        bundle = BundleStore(self.root / "default").load(self.name)
        assert bundle is not None
        return bundle

    async def run(self, model: Model, parameters: Any, **options: Any) -> TaskResult:
        scenario = self.scenario
        async with AsyncEngine(store=self.root, model=model) as engine:
            return await engine.run(
                scenario.task, start_url=scenario.start_url(self.site.url), parameters=parameters,
                reuse_key=self.name, output_schema=scenario.output_schema, secrets=scenario.secrets, **options,
            )  # fmt: skip

    async def has_rows(self, model: Model, parameters: Any, **options: Any) -> TaskResult:
        """Run, and hold the rows against what the site has."""
        result = await self.run(model, parameters, **options)
        assert result.ok, (result.error, model.requests[-1].messages[-1] if isinstance(model, ScriptedModel) else "")
        assert _plain(result.output) == _plain(truth(self.name, parameters))
        return result

    def model(self, version: str) -> ScriptedModel:
        """Return a model that writes the automation for a version of the site."""
        code = (ROOT / "tests" / "support" / "web_automations" / f"{self.name}.{version}.txt").read_text()
        others = {k: v for k, v in self.scenario.other_parameters.items() if k not in self.scenario.secrets}
        return ScriptedModel([("write", {"code": code}), ("finish", {"summary": "List", "other_parameters": others})])


@pytest.mark.parametrize(
    ("name", "repaired_as"), [("directory", "page"), ("feed", "web"), ("ledger", "web"), ("archive", "web")]
)
async def test_first_run_and_replays_need_no_browser_until_a_redesign_does(
    name: str, repaired_as: str, tmp_path: Path
) -> None:
    with serve(name) as site:
        store = Store(name, tmp_path, site)
        scenario = store.scenario
        first = await store.has_rows(store.model("v1"), scenario.parameters)
        replayed = await store.has_rows(NoModel(), scenario.other_parameters, ai="never")
        assert [result.reuse and result.reuse.kind for result in (first, replayed)] == ["web", "web"]
        saved = store.saved
        assert (saved.kind, saved.meta.effects) == ("web", "read")
        assert "provenance" in saved.contract or name == "archive", "its rows are files"
        for secret in scenario.secrets:
            assert str(scenario.parameters[secret]) not in str(saved.to_files())

        site.version = "v2"
        noticed = await store.run(NoModel(), scenario.parameters, ai="never")
        assert noticed.error is not None
        assert (noticed.error.reason, store.saved.committed) == ("drift", saved.committed)
        repaired = await store.has_rows(store.model("v2"), scenario.parameters)
        again = await store.has_rows(NoModel(), scenario.other_parameters, ai="never")
    assert [result.reuse and result.reuse.kind for result in (repaired, again)] == [repaired_as] * 2
    log = store.saved.committed
    assert log.trailers["Reason"] == "repair"
    assert ("browser" in log.body) == (repaired_as == "page")


async def test_form_is_filled_in_and_sent_once_without_a_browser(tmp_path: Path) -> None:
    with serve("form") as site:
        store = Store("form", tmp_path, site)
        results = [
            await store.run(store.model("v1"), store.scenario.parameters),
            await store.run(NoModel(), store.scenario.other_parameters, ai="never"),
        ]
        assert all(result.ok for result in results), [result.error for result in results]
        sent = site.state.submissions
    assert [result.reuse and result.reuse.kind for result in results] == ["web", "web"]
    assert [result.output for result in results] == [{"reference": each["reference"]} for each in sent]
    names = "full_name", "email", "street", "postcode", "registration", "make", "start_date", "months"
    for given, each in zip((store.scenario.parameters, store.scenario.other_parameters), sent, strict=True):
        assert [each[name] for name in names] == [str(given[name]) for name in names]
    assert (store.saved.kind, store.saved.meta.effects) == ("web", "write")


def _plain(rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Return the rows' values, files by their digests; the names of fields are the model's choice."""
    return [[v["sha256"] if isinstance(v, dict) else v for v in row.values()] for row in rows]
