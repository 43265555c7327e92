"""The script of the demo: one task in four runs, each timed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine import Event, Limits, TaskResult
from engine.cli.interrupt import run_interruptible
from engine.cli.progress import show_progress
from engine.cli.settings import Settings

if TYPE_CHECKING:
    from engine.fixtures_sites import FixtureServer
    from engine.fixtures_sites.scenarios import Scenario


@dataclass(frozen=True)
class DemoStep:
    """One run that the demo makes.

    Args:
        title: A sentence for the user.
        design: The version of the site.
        parameters: Inputs of the run.
        recording: The recording of the model's answers; None where no model may be called.
    """

    title: str
    design: str
    parameters: dict[str, Any]
    recording: str | None


@dataclass
class DemoRun:
    """The result and the figures of one run.

    Args:
        seconds: Duration of the run.
        model_seconds: Time that the model took to answer, at the time of the recording if ``recorded``.
        recorded: The model's answers came from a recording.
    """

    step: DemoStep
    result: TaskResult
    seconds: float
    model_seconds: float
    recorded: bool

    def to_json(self) -> dict[str, Any]:
        """Return the run as JSON data."""
        return {
            "title": self.step.title,
            "design": self.step.design,
            "parameters": self.step.parameters,
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
class DemoScript:
    """The steps of the demo, and the runs made so far.

    Args:
        key: The reuse key of the runs.
        model: Name of the live model; None for the default.
        live: Call a live model instead of playing back the recording.
    """

    settings: Settings
    scenario: Scenario
    site: FixtureServer
    key: str
    model: str | None
    live: bool
    runs: list[DemoRun] = field(default_factory=list)

    def steps(self) -> Iterator[DemoStep]:
        """Yield the four steps in order."""
        first, other = dict(self.scenario.parameters), dict(self.scenario.other_parameters)
        yield DemoStep("Nothing is saved yet: the model explores the site and writes Python.", "v1", first, "explore")
        yield DemoStep("Other parameters, the saved Python, no model.", "v1", other, None)
        yield DemoStep("The site was redesigned: the model repairs the Python.", "v2", first, "repair")
        yield DemoStep("The repaired Python, no model.", "v2", other, None)

    def run(self, step: DemoStep) -> DemoRun:
        """Make one run, in an engine of its own, as ``webtasks run`` does."""
        self.site.version = step.design
        model_seconds, recorded = 0.0, False

        def add_model_time(event: Event) -> None:
            nonlocal model_seconds, recorded
            if event.type == "agent.step":
                model_seconds += float(event.data["seconds"])
                recorded = recorded or bool(event.data.get("recorded"))

        def on_event(event: Event) -> None:
            add_model_time(event)
            show(event)

        async def work() -> TaskResult:
            # The site is local: an element that is missing after four seconds will not appear later.
            limits = Limits(action_timeout=4)
            async with self.settings.engine(limits=limits, **self._model(step)) as engine:
                return await engine.run(
                    self.scenario.task,
                    start_url=self.scenario.start_url(self.site.url),
                    parameters=step.parameters,
                    output_schema=self.scenario.output_schema,
                    reuse_key=self.key,
                    secrets=self.scenario.secrets,
                    ai="never" if step.recording is None else "auto",
                    on_event=on_event,
                )

        started = time.monotonic()
        with show_progress() as show:
            result = run_interruptible(work())
        return DemoRun(step, result, time.monotonic() - started, model_seconds, recorded)

    def _model(self, step: DemoStep) -> dict[str, Any]:
        if self.live or step.recording is None:
            return {"model": self.model} if self.model else {}
        from engine.models.recorded import RecordedModel

        path = self.scenario.recording(step.recording)
        return {"model": RecordedModel(path, substitutions=self.scenario.substitutions(self.site.url))}
