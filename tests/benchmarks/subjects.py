"""Automations for the drift bench, replayed several times: by a recorded model, without a browser, or careless."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from engine import AsyncEngine, Limits
from engine.models.base import Model
from engine.models.recorded import RecordedModel
from engine.testing import ScriptedModel
from engine.testing.drift import Subject
from engine.testing.heal.sites import LAYOUTS, plain, right_output
from engine.testing.heal.this_engine import WARM_UP
from fixtures_sites import FixtureServer
from fixtures_sites.scenarios import SCENARIOS, Scenario
from fixtures_sites.truths import truth
from tests.benchmarks.careless import CARELESS
from tests.support.paths import ROOT

# Loopback answers within four seconds, on a busy machine, too; a run that takes longer than this never ends.
LIMITS = Limits(action_timeout=4, timeout=90)
Author = Literal["model", "careless", "web"]
"""The writer of an automation: a recorded model, a careless person, or a model that writes code without a browser."""
WITHOUT_BROWSER = ("archive", "directory", "feed", "ledger")
"""The sites for which there is code without a browser, and its repair."""
_MARKS: Mapping[Author, str] = {"model": "", "careless": "-", "web": " by web"}


def model_of(name: str, author: Author, server: FixtureServer, *, repairs: bool = False) -> Model:
    """Return the model that writes the automation of a site, or repairs it after the site's redesign."""
    scenario = SCENARIOS[name]
    if author == "model":
        recording = scenario.recording("repair" if repairs else "explore")
        return RecordedModel(recording, substitutions=scenario.substitutions(server.url))
    if author == "web":
        version = "v2" if repairs else "v1"
        code = (ROOT / "tests" / "support" / "web_automations" / f"{name}.{version}.txt").read_text()
    else:
        code = CARELESS[name]
    others = {k: v for k, v in scenario.other_parameters.items() if k not in scenario.secrets}
    finish = ("finish", {"summary": "List", "other_parameters": others})
    stays = ("finish", {**finish[1], "why_right": "the page was looked at once more, and says so"})
    # The gate may ask something, and the author stays with the code.
    return ScriptedModel([("write", {"code": code}), finish], [stays], [stays])


async def written(
    name: str, server: FixtureServer, store: Path, *, author: Author = "model", replays: int = WARM_UP
) -> Subject:
    """Save the automation that an author writes for this site, and replay it with both sets of parameters.

    Args:
        author: Who writes it; the code of each passes the same gate.
        replays: Number of replays; from the sixth on, statistical checks apply, too.
    """
    scenario = SCENARIOS[name]
    async with AsyncEngine(store=store, model=model_of(name, author, server)) as engine:
        await _run(engine, scenario, server, scenario.parameters)
    subject = replace(_subject(scenario, server, store), name=f"{name}{_MARKS[author]}")
    await _warm_up(subject, scenario.other_parameters, replays)
    return subject


async def _warm_up(subject: Subject, other_parameters: Mapping[str, Any], replays: int) -> None:
    async with AsyncEngine(store=subject.store) as engine:
        for number in range(replays):
            parameters = other_parameters if number % 2 == 0 else subject.parameters
            result = await replay(engine, subject, parameters=parameters)
            assert result.ok, f"{subject.name}: {result.error}"


async def replay(engine: AsyncEngine, subject: Subject, **changed: Any) -> Any:
    """Replay once on the unchanged site."""
    arguments: dict[str, Any] = {
        "start_url": subject.start_url,
        "parameters": subject.parameters,
        "output_schema": subject.output_schema,
        "reuse_key": subject.key,
        "secrets": subject.secrets,
        "ai": "never",
    }
    return await engine.run(subject.task, **(arguments | changed))


async def _run(engine: AsyncEngine, scenario: Scenario, server: FixtureServer, parameters: Mapping[str, Any]) -> None:
    result = await engine.run(
        scenario.task,
        start_url=scenario.start_url(server.url),
        parameters=parameters,
        output_schema=scenario.output_schema,
        reuse_key=scenario.site,
        secrets=scenario.secrets,
    )
    assert result.ok, f"{scenario.site}: {result.error}"


def _subject(scenario: Scenario, server: FixtureServer, store: Path) -> Subject:
    return Subject(
        name=scenario.site,
        store=store,
        key=scenario.site,
        task=scenario.task,
        start_url=scenario.start_url(server.url),
        parameters=scenario.parameters,
        output_schema=scenario.output_schema,
        secrets=scenario.secrets,
        truth=_truth(scenario, server),
        view=plain,
        layout=LAYOUTS[scenario.site],
    )


def _truth(scenario: Scenario, server: FixtureServer) -> Callable[[], Any]:
    return lambda: right_output(scenario.site, server)


def other(subject: Subject, parameters: Mapping[str, Any], server: FixtureServer) -> Subject:
    """Return the subject with other parameters."""
    return replace(subject, parameters=parameters, truth=lambda: truth(subject.key, parameters, seed=server.seed))
