"""Studies whose outcomes are known: their verdicts, their dollars, and what is kept of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sandbox
from engine import AsyncEngine
from engine.studies import Study
from tests.support.studied import TRUTH, KnownSandbox, study

CAREFUL = [
    ("first", None, "right"),
    ("replay", None, "right"),
    ("changed", "same", "right"),
    ("changed", "mended", "failed"),
    ("repair", "mended", "right"),
    ("changed", "lost", "failed"),
    ("repair", "lost", "failed"),
    ("changed", "meaning", "silently wrong"),
]


@pytest.fixture(autouse=True)
def known_sandbox(git: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "Sandbox", lambda **options: KnownSandbox())


async def conducted(tmp_path: Path, **changed: Any) -> Study:
    async with AsyncEngine(store=tmp_path / "store") as engine:
        return await engine.study(study(**changed), directory=tmp_path / "known")


def one_task(**changed: Any) -> dict[str, Any]:
    case = {"id": "joiners", "task": "List all joiners", "site": "directory", "truth": TRUTH["joiners"]}
    return {"tasks": [case], "models": [{"name": "careful", "make": "tests.support.studied:careful"}]} | changed


async def test_a_trial_goes_through_its_phases(tmp_path: Path) -> None:
    kept = await conducted(tmp_path, **one_task(repeats=1))
    assert [(row["phase"], row["variant"], row["verdict"]) for row in kept.rows()] == CAREFUL
    assert kept.complete
    assert kept.usd == pytest.approx(0.03)
