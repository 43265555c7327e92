"""Automations for the drift bench, replayed several times: by a recorded model, or by a careless author."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

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

# Loopback answers within four seconds, on a busy machine, too; a run that takes longer than this never ends.
LIMITS = Limits(action_timeout=4, timeout=90)


async def written(
    name: str, server: FixtureServer, store: Path, *, careless: bool = False, replays: int = WARM_UP
) -> Subject:
    """Save the automation that the recorded model writes for this site, and replay it with both sets of parameters.

    Args:
        careless: Use the code of a careless author instead; it passes the same gate.
        replays: Number of replays; from the sixth on, statistical checks apply, too.
    """
    scenario = SCENARIOS[name]
    model: Model = RecordedModel(scenario.recording("explore"), substitutions=scenario.substitutions(server.url))
    if careless:
        finish = ("finish", {"summary": "Careless", "other_parameters": dict(scenario.other_parameters)})
        # The gate may ask where the values are on a page; a careless author submits again.
        model = ScriptedModel([("write", {"code": CARELESS[name]}), finish], [finish])
    async with AsyncEngine(store=store, model=model) as engine:
        await _run(engine, scenario, server, scenario.parameters)
    subject = _subject(scenario, server, store)
    subject = replace(subject, name=f"{name}-") if careless else subject
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
