"""The bench: each system does each site's task under each change, and every output is held against the right one."""

from __future__ import annotations

import asyncio
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from engine.errors import EngineError
from engine.fixtures_sites.scenarios import SCENARIOS
from engine.testing.drift import DriftProxy, Verdict, difference
from engine.testing.heal.changes import CHANGES, Change
from engine.testing.heal.sites import LAYOUTS, SITES, WITHOUT_DAYS, output_schema, right_output, site
from engine.testing.heal.systems import Answer, System, Task

RUN_SECONDS = 90.0
"""Time after which a run is given up; a repair by a model may take `REPAIR_SECONDS`."""
REPAIR_SECONDS = 600.0


@dataclass(frozen=True)
class Row:
    """One run: a system under one change of a site.

    Args:
        system: Name of the system.
        site: Name of the site.
        seed: The day whose data the unchanged site has.
        change: Name of the change.
        verdict: ``unaffected``: success with the right output; ``noticed``: a failure; ``repaired``: noticed, then
            success with the right output by something that it changed; ``silently wrong``: success with any other one.
        model: The model that it could ask in this run; empty if none.
        false_alarm: It failed only for its own checks of the output, which was right.
        reason: The reason of the failure, in a few words.
        says: The failure in full, or the fault of the output.
        empty: The wrong output was an empty list.
        model_calls: Calls of the model.
        dollars: Their price.
        seconds: Wall time of the run.
    """

    system: str
    site: str
    seed: int
    change: str
    verdict: Verdict
    model: str = ""
    false_alarm: bool = False
    reason: str = ""
    says: str = ""
    empty: bool = False
    model_calls: int = 0
    dollars: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Lesson:
    """The first run of a system on a site; where ``fault`` is not empty, the site was not measured for it.

    Args:
        unmoved: Names of the changes that found nothing to change in what the system asked of the site.
    """

    system: str
    version: str
    about: str
    site: str
    seed: int
    fault: str = ""
    model: str = ""
    model_calls: int = 0
    dollars: float = 0.0
    seconds: float = 0.0
    unmoved: tuple[str, ...] = ()


@dataclass(frozen=True)
class Findings:
    """All that was measured so far."""

    lessons: tuple[Lesson, ...] = ()
    rows: tuple[Row, ...] = ()

    def with_lesson(self, lesson: Lesson) -> Findings:
        """Return these findings with a lesson in the place of the one on the same system, site and seed."""
        others = tuple(each for each in self.lessons if _cell(each) != _cell(lesson))
        return Findings((*others, lesson), self.rows)


Listener = Callable[[Findings, int, int], None]
"""Called with what is known, the number of runs that are done, and the number of all."""


async def measure(
    systems: Iterable[Callable[[], System]],
    *,
    sites: Sequence[str] = SITES,
    changes: Sequence[Change] = CHANGES,
    seeds: Sequence[int] = (0,),
    before: Findings | None = None,
    on_finding: Listener | None = None,
) -> Findings:
    """Measure systems on fixture sites under changes, one run after another.

    Args:
        systems: Classes of systems, or functions that make one; called for each site and seed.
        sites: Names of the sites.
        changes: The changes.
        seeds: For each, the sites have the data of another day.
        before: What an earlier, interrupted call found; its runs are not made again.
        on_finding: Called after each run.
    """
    makers = list(systems)
    total = len(makers) * len(sites) * len(seeds) * len(changes)
    progress = _Progress(before or Findings(), 0, total, on_finding)
    for make in makers:
        for name in sites:
            for seed in seeds:
                end = progress.done + len(changes)
                system = make()
                try:
                    left = _left(progress.found, system, name, seed, changes)
                    progress.done = end - len(left)
                    if left:
                        await _on_site(system, name, seed, left, progress)
                finally:
                    await system.close()
                progress.done = end
    return progress.found


@dataclass
class _Progress:
    found: Findings
    done: int
    total: int
    tell: Listener | None

    def one_more(self, found: Findings) -> None:
        self.found, self.done = found, self.done + 1
        if self.tell is not None:
            self.tell(found, self.done, self.total)


def _cell(of: Row | Lesson) -> tuple[str, str, int]:
    return of.system, of.site, of.seed


def _lesson(found: Findings, cell: tuple[str, str, int]) -> Lesson | None:
    return next((each for each in found.lessons if _cell(each) == cell), None)


def _left(found: Findings, system: System, name: str, seed: int, changes: Sequence[Change]) -> list[Change]:
    """Return the changes that are still to be measured."""
    cell = system.name, name, seed
    lesson = _lesson(found, cell)
    if name not in system.sites:
        return []
    known = {row.change for row in found.rows if _cell(row) == cell} | set(lesson.unmoved if lesson else ())
    return [each for each in changes if each.name not in known and not (each.days and name in WITHOUT_DAYS)]


async def _on_site(system: System, name: str, seed: int, changes: Sequence[Change], progress: _Progress) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="heal-") as folder,
        site(name, seed=seed) as server,
        DriftProxy(server.url, LAYOUTS[name]) as proxy,
    ):
        task = _task(name, proxy.url, Path(folder))
        before = _lesson(progress.found, (system.name, name, seed))
        lesson = await _learned(system, task, server, seed)
        lesson = replace(lesson, unmoved=before.unmoved if before is not None else ())
        progress.found = progress.found.with_lesson(lesson)
        for change in () if lesson.fault else changes:
            server.version, server.seed, proxy.mutation = change.version, seed + change.days, change.mutation
            row = await _judged(system, task, change, server, proxy, seed)
            server.version, server.seed, proxy.mutation = "v1", seed, None
            if row is None:
                lesson = replace(lesson, unmoved=(*lesson.unmoved, change.name))
                progress.one_more(progress.found.with_lesson(lesson))
            else:
                progress.one_more(replace(progress.found, rows=(*progress.found.rows, row)))
            if row is None or row.verdict != "unaffected" or change.effect != "same":
                await system.restore()


def _task(name: str, url: str, folder: Path) -> Task:
    scenario = SCENARIOS[name]
    return Task(
        site=name,
        text=scenario.task,
        start_url=urljoin(url, scenario.start_path),
        parameters=scenario.parameters,
        other_parameters=scenario.other_parameters,
        output_schema=output_schema(name),
        secrets=scenario.secrets,
        folder=folder,
        seconds=RUN_SECONDS,
    )


async def _learned(system: System, task: Task, server: Any, seed: int) -> Lesson:
    began = time.monotonic()
    asked = replace(task, recording=SCENARIOS[task.site].recording("explore"))
    answer = await _answer(system.learn(asked), REPAIR_SECONDS)
    right, fault = right_output(task.site, server), ""
    if answer.error:
        fault = f"{answer.error}: {answer.says}"
    elif answer.output != right:
        fault = difference(answer.output, right)
    return Lesson(
        system.name, system.version, system.about, task.site, seed, fault, answer.model, answer.model_calls,
        answer.dollars, round(time.monotonic() - began, 2),
    )  # fmt: skip


async def _judged(system: System, task: Task, change: Change, server: Any, proxy: DriftProxy, seed: int) -> Row | None:
    """Run under a change and judge the outcome; return None if the change found nothing to change."""
    if change.version != "v1":
        task = replace(task, recording=SCENARIOS[task.site].recording("repair"))
    began = time.monotonic()
    answer = await _answer(system.run(task), REPAIR_SECONDS)
    seconds = round(time.monotonic() - began, 2)
    if change.mutation is not None and not proxy.changed:
        return None
    right = right_output(task.site, server)
    if change.mutation is not None and change.mutation.truth is not None:
        right = change.mutation.truth(right, LAYOUTS[task.site])
    row = Row(
        system.name, task.site, seed, change.name, "noticed", answer.model, reason=answer.error, says=answer.says,
        model_calls=answer.model_calls, dollars=answer.dollars, seconds=seconds,
    )  # fmt: skip
    if answer.error:
        proxy.forget()  # so that it starts as in the judged run
        unchecked = await system.run_unchecked(task)
        return replace(row, false_alarm=unchecked is not None and not unchecked.error and unchecked.output == right)
    if answer.output == right:
        return replace(row, verdict="repaired" if answer.repaired else "unaffected")
    return replace(row, verdict="silently wrong", says=difference(answer.output, right), empty=answer.output == [])


async def _answer(run: Any, seconds: float) -> Answer:
    try:
        async with asyncio.timeout(seconds):
            answer: Answer = await run
    except EngineError:
        raise
    except Exception as error:  # noqa: BLE001  a system may raise anything, and that is a failure of its run
        return Answer(error=type(error).__name__, says=str(error))
    return answer


def machine() -> Mapping[str, Any]:
    """Describe the machine, as far as the seconds depend on it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
        "processors": os.cpu_count(),
        "memoryGb": round(memory, 1),
        "python": platform.python_version(),
    }
