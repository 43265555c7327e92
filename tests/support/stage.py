"""An engine with a recorded model over a real site: what the main path's tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, Event, Limits, TaskResult
from engine.models.base import Model
from fixtures_sites import FixtureServer, serve
from fixtures_sites.scenarios import Scenario
from tests.apps.scenarios import RECORDED
from tests.apps.sites import Site, open_site


@dataclass
class Stage:
    """A scenario on its site, with one store."""

    scenario: Scenario
    site: Site
    store: Path
    events: list[Event] = field(default_factory=list)

    def model(self, phase: str) -> Model:
        """The recorded model of one phase."""
        from engine.models.recorded import RecordedModel

        return RecordedModel(self.scenario.recording(phase), substitutions=self.scenario.substitutions(self.site.url))

    @asynccontextmanager
    async def engine(self, phase: str | None = None, **options: Any) -> AsyncIterator[AsyncEngine]:
        """An engine whose model answers from the phase's recording; without a phase there is none to answer."""
        model = self.model(phase) if phase else NoModel()
        # The sites are quick: what is not there after some seconds never comes, which only a repair is to see.
        limits = Limits(action_timeout=5 if phase == "repair" else 20)
        async with AsyncEngine(store=self.store, model=model, limits=limits, **options) as engine:
            yield engine

    async def run(self, phase: str | None = None, **changed: Any) -> TaskResult:
        """One run of the scenario in an engine of its own."""
        async with self.engine(phase) as engine:
            return await self.run_on(engine, **changed)

    async def run_on(self, engine: AsyncEngine, **changed: Any) -> TaskResult:
        """One run of the scenario; arguments may be changed."""
        scenario = self.scenario
        arguments: dict[str, Any] = {
            "start_url": scenario.start_url(self.site.url),
            "parameters": scenario.parameters,
            "output_schema": scenario.output_schema,
            "reuse_key": scenario.site,
            "secrets": scenario.secrets,
            "on_event": self.events.append,
        }
        return await engine.run(changed.pop("task", scenario.task), **(arguments | changed))

    @property
    def bundle(self) -> Path:
        """The bundle's directory."""
        return self.store / "default" / "bundles" / self.scenario.site


class NoModel:
    """Fails the test when it is asked: what runs on it must need no model."""

    name = "no-model"

    async def query(self, request: Any) -> Any:
        asked = str(request.messages[-1]["content"])
        pytest.fail(f"the model was asked: {request.purpose}: {asked}")  # no Exception: that would become a result

    def worst_cost(self, request: Any) -> float:
        return 0.0

    async def close(self) -> None: ...


@pytest.fixture
def site() -> Iterator[FixtureServer]:
    """The site with every kind of trouble."""
    with serve("misbehaving") as server:
        yield server


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Callable[[str], Stage]]:
    """Opens a scenario's site: ``s = stage("directory")``."""
    async with AsyncExitStack() as stack:

        def opened(name: str) -> Stage:
            site = stack.enter_context(open_site(RECORDED[name].site))
            return Stage(RECORDED[name], site, tmp_path / "store")

        yield opened


LIST_TITLES = """\
async def run(page, parameters, task):
    return [{"title": await page.title(), "q": parameters["q"]}]
"""


def tree(directory: Path) -> dict[str, bytes]:
    """Every file below a directory, by its relative path."""
    return {str(p.relative_to(directory)): p.read_bytes() for p in sorted(directory.rglob("*")) if p.is_file()}
