"""A study on a fixture site in the real sandbox: code that reads it, and mutations that change it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine import AsyncEngine
from engine.studies import Trial
from engine.testing import ScriptedModel
from fixtures_sites.scenarios import SCENARIOS
from tests.benchmarks.careless import CARELESS

SCENARIO = SCENARIOS["directory"]


def author(trial: Trial) -> ScriptedModel:
    """A careless author, who submits again where the gate asks."""
    finish = ("finish", {"summary": "Careless", "other_parameters": dict(SCENARIO.other_parameters)})
    return ScriptedModel([("write", {"code": CARELESS["directory"]}), finish], [finish])


async def test_a_study_measures_real_code_on_a_site_that_changes(tmp_path: Path) -> None:
    study: dict[str, Any] = {
        "name": "real",
        "tasks": [{"id": "b", "task": SCENARIO.task, "site": "directory", "parameters": SCENARIO.parameters}],
        "models": {"careless": author},
        "mutations": ["rename-classes", "empty-list"],
        "repair": False,
        "usd": 1.0,
        "options": [{"engine": {"limits": {"action_timeout": 3}}}],
    }
    async with AsyncEngine(store=tmp_path) as engine:
        kept = await engine.study(study)
    assert [(row["phase"], row["variant"], row["verdict"], row["says"][:60]) for row in kept.rows()] == [
        ("first", None, "right", ""),
        ("replay", None, "right", ""),
        ("changed", "rename-classes", "right", ""),
        ("changed", "empty-list", "failed", kept.rows()[-1]["says"][:60]),
    ]
    trial = kept.trials[0]
    assert trial.runs[0].code == CARELESS["directory"]
    assert trial.pictures, "the pages that the model worked on"
    assert all((kept.directory / each.file).stat().st_size for each in trial.pictures)
