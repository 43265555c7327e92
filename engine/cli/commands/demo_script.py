"""The story that the demo plays: one task, four runs, each measured."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine import Event, Limits, TaskResult
from engine.cli.interrupt import run_to_end
from engine.cli.progress import watch
from engine.cli.settings import Settings

if TYPE_CHECKING:
    from fixtures_sites import FixtureServer
    from fixtures_sites.scenarios import Scenario


@dataclass(frozen=True)
class Phase:
    """One run of the story."""

    title: str
    design: str
    parameters: dict[str, Any]
    recording: str | None  # None: the model may not be asked


@dataclass
class Measured:
    """What one run gave and took; the model's waiting times are those of its recording where it was one."""

    phase: Phase
    result: TaskResult
    seconds: float
    model_seconds: float
    recorded: bool

    def to_json(self) -> dict[str, Any]:
        """The figures, JSON-able."""
        return {
            "title": self.phase.title,
            "design": self.phase.design,
            "parameters": self.phase.parameters,
            "attempts": [attempt.kind for attempt in self.result.attempts],
            "seconds": round(self.seconds, 3),
            "modelSeconds": round(self.model_seconds, 3),
            "modelCalls": self.result.model_calls,
            "usd": self.result.cost.ai_usd,
            "recorded": self.recorded,
            "revision": self.result.reuse.revision_id if self.result.reuse else None,
            "output": self.result.output if self.result.ok else None,
        }


@dataclass
class Story:
    """The demo while it runs."""

    settings: Settings
    scenario: Scenario
    site: FixtureServer
    key: str
    model: str | None
    live: bool
    told: list[Measured] = field(default_factory=list)

    def phases(self) -> Iterator[Phase]:
        """The four runs."""
        first, other = dict(self.scenario.parameters), dict(self.scenario.other_parameters)
        yield Phase("Nothing is saved yet: the model explores the site and writes Python.", "v1", first, "explore")
        yield Phase("Other parameters, the saved Python, no model.", "v1", other, None)
        yield Phase("The site was redesigned: the model repairs the Python.", "v2", first, "repair")
        yield Phase("The repaired Python, no model.", "v2", other, None)

    def play(self, phase: Phase) -> Measured:
        """One run, in an engine of its own, as one call of ``webtasks run`` would be."""
        self.site.version = phase.design
        model_seconds, recorded = 0.0, False

        def count_waiting(event: Event) -> None:
            nonlocal model_seconds, recorded
            if event.type == "agent.step":
                model_seconds += float(event.data["seconds"])
                recorded = recorded or bool(event.data.get("recorded"))

        def take(event: Event) -> None:
            count_waiting(event)
            show(event)

        async def run() -> TaskResult:
            # The site is quick: what is not there after four seconds never comes.
            quick = Limits(action_timeout=4)
            async with self.settings.engine(limits=quick, **self._model(phase)) as engine:
                return await engine.run(
                    self.scenario.task,
                    start_url=self.scenario.start_url(self.site.url),
                    parameters=phase.parameters,
                    output_schema=self.scenario.output_schema,
                    reuse_key=self.key,
                    secrets=self.scenario.secrets,
                    ai="never" if phase.recording is None else "auto",
                    on_event=take,
                )

        started = time.monotonic()
        with watch() as show:
            result = run_to_end(run())
        return Measured(phase, result, time.monotonic() - started, model_seconds, recorded)

    def _model(self, phase: Phase) -> dict[str, Any]:
        if self.live or phase.recording is None:
            return {"model": self.model} if self.model else {}
        from engine.models.recorded import RecordedModel

        path = self.scenario.recording(phase.recording)
        return {"model": RecordedModel(path, substitutions=self.scenario.substitutions(self.site.url))}
