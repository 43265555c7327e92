"""A study whose outcomes are known, in a scripted sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import sandbox
from engine import AsyncEngine
from engine.studies import Study
from tests.support.studied import KnownSandbox, study

Conducted = Callable[..., Awaitable[Study]]


@pytest.fixture(autouse=True)
def known_sandbox(git: None, fonts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all engines here run nothing."""
    monkeypatch.setattr(sandbox, "Sandbox", lambda **options: KnownSandbox())


@pytest.fixture(scope="session")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let Matplotlib make its list of fonts, for which it starts a process, in a directory of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLCONFIGDIR", str(tmp_path_factory.mktemp("matplotlib")))
        import matplotlib.font_manager

        assert matplotlib.font_manager.fontManager


@pytest.fixture
def conducted(tmp_path: Path) -> Conducted:
    """Run a study: ``await conducted(repeats=2)``."""

    async def run(given: Any = None, **changed: Any) -> Study:
        async with AsyncEngine(store=tmp_path / "store") as engine:
            return await engine.study(given or study(**changed), directory=tmp_path / "known")

    return run


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory, git: None) -> Study:
    """Three tasks, two models, four mutations, once."""
    store = tmp_path_factory.mktemp("known")

    async def run() -> Study:
        async with AsyncEngine(store=store) as engine:
            return await engine.study(study(repeats=1))

    with pytest.MonkeyPatch.context() as patch:  # in the session's first test alone
        patch.setattr(sandbox, "Sandbox", lambda **options: KnownSandbox())
        return asyncio.run(run())


def one_task(**changed: Any) -> dict[str, Any]:
    """Return a study of one task and one model, without changes of the site."""
    one = study(repeats=1, variants=[])
    return one | {"tasks": one["tasks"][:1], "models": one["models"][:1]} | changed
