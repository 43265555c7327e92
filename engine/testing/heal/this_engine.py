"""This engine as a system of the bench."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from engine.api.async_engine import AsyncEngine
from engine.fixtures_sites.scenarios import SCENARIOS
from engine.models.recorded import RecordedModel
from engine.task.wire import Limits, TaskResult
from engine.testing.drift import Replica, Subject
from engine.testing.drift.replica import is_by_contract, problems_of
from engine.testing.heal.sites import plain
from engine.testing.heal.systems import Answer, System, Task, recorded
from engine.version import installed_version

WARM_UP = 6
_ACTION_SECONDS = 4.0  # loopback answers within that, on a busy machine, too
_REPAIRS = frozenset({"repair", "update", "continue"})


class Webtasks(System):
    """This engine: a model writes code once; replays are free, and held against what was learned of good results.

    Without a model of its own, it learns from recorded answers, may repair where the task has recorded answers, and
    otherwise replays with ``ai="never"``.

    Args:
        model: Name of a live model, which then learns and repairs.
        options: Further arguments of ``AsyncEngine``.
        good_runs: Number of good runs before the changes; from the sixth on, statistical checks apply, too.
    """

    name = "webtasks"
    about = "learned from a model's recorded answers and six good runs; repairs only where answers are recorded"

    def __init__(self, model: str = "", options: Mapping[str, Any] | None = None, *, good_runs: int = WARM_UP) -> None:
        self.version = installed_version()
        self._live = model
        self._good_runs = good_runs
        self._options = {key: value for key, value in (options or {}).items() if key != "store"}
        self._replica: Replica | None = None
        self._refused = False
        if model:
            self.about = f"learned and repaired by {model}, after six good runs"

    async def learn(self, task: Task) -> Answer:
        """Have the model write the automation, and replay it until statistical checks apply, too."""
        store = task.folder / "store"
        limits = Limits(action_timeout=_ACTION_SECONDS)
        async with AsyncEngine(**self._options, store=store, limits=limits, **self._model(task)) as engine:
            paid = self._answer(await self._first(engine, task), self._name(self._model(task)))
        if not paid.error:
            subject = Subject(
                name=task.site, store=store, key=task.site, task=task.text, start_url=task.start_url,
                parameters=task.parameters, output_schema=task.output_schema, secrets=task.secrets,
            )  # fmt: skip
            limits = Limits(action_timeout=_ACTION_SECONDS, timeout=task.seconds)
            self._replica = Replica(subject, task.folder / "replays", limits, self._options)
            last = await self._warm_up(store, task)
            if last is not None:
                paid = replace(paid, output=last.output, error=last.error, says=last.says)
        return paid

    async def _first(self, engine: AsyncEngine, task: Task, **more: Any) -> TaskResult:
        return await engine.run(
            task.text,
            start_url=task.start_url,
            output_schema=task.output_schema,
            reuse_key=task.site,
            secrets=task.secrets,
            **({"parameters": task.parameters} | more),
        )

    async def _warm_up(self, store: Path, task: Task) -> Answer | None:
        """Make the good runs; return the last, or the first that was none."""
        last: Answer | None = None
        async with AsyncEngine(**self._options, store=store) as engine:
            for number in range(self._good_runs):
                parameters = task.parameters if number % 2 else task.other_parameters
                last = self._answer(await self._first(engine, task, parameters=parameters, ai="never"))
                if last.error:
                    break
        return last

    def _model(self, task: Task) -> dict[str, Any]:
        if self._live:
            return {"model": self._live}
        if task.recording is None:
            return {}
        site = urljoin(task.start_url, "/")
        return {"model": RecordedModel(task.recording, substitutions=SCENARIOS[task.site].substitutions(site))}

    def _name(self, model: Mapping[str, Any]) -> str:
        return self._live if self._live or not model else recorded(model["model"].name)

    async def run(self, task: Task) -> Answer:
        """Replay, and repair where there is a model for it."""
        assert self._replica is not None, "it has learned"
        model = self._model(task)
        site = urljoin(task.start_url, "/")
        if model:
            await self._replica.close()
            folder = task.folder / "repair"
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            mender = Replica(self._replica.subject, folder, Limits(), self._options | model)
            try:
                result = await mender.run(site, ai="auto")
            finally:
                await mender.close()
        else:
            result = await self._replica.run(site)
        self._refused = result.error is not None and is_by_contract(result.error) and result.effect == "none"
        return self._answer(result, self._name(model))

    async def run_unchecked(self, task: Task) -> Answer | None:
        """Run the code without its contract, where only the contract refused its output."""
        if not self._refused or self._replica is None or self._model(task):
            return None
        return self._answer(await self._replica.run_without_contract(urljoin(task.start_url, "/")))

    async def restore(self) -> None:
        """Go back to a copy of the store as it was after learning."""
        if self._replica is not None:
            await self._replica.close()

    async def close(self) -> None:
        """End the engine."""
        await self.restore()

    def _answer(self, result: TaskResult, model: str = "") -> Answer:
        paid: dict[str, Any] = {"model": model, "model_calls": result.model_calls, "dollars": result.cost.ai_usd}
        if result.error is not None:
            return Answer(error=result.error.reason, says=problems_of(result.error), **paid)
        repaired = any(attempt.kind in _REPAIRS for attempt in result.attempts)
        return Answer(plain(result.output), repaired=repaired, **paid)
