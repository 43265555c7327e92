"""Running a study: its trials in their order, some at once, within its dollars, and again after a kill."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from engine.aio import to_thread_uncancellable
from engine.studies.folder import StudyFolder
from engine.studies.judging import Judge
from engine.studies.places import TrialLost, TrialPlace
from engine.studies.plan import TrialJob, job, trials
from engine.studies.record import KeptTrial
from engine.studies.references import resolve
from engine.studies.site import mutation
from engine.studies.spec import StudySpec
from engine.task.callbacks import CallbackQueue

_MOST_ATTEMPTS = 5  # at one trial whose machine dies each time
OnTrial = Callable[[int, int, KeptTrial], Awaitable[None] | None]


async def run_study(
    spec: StudySpec, folder: StudyFolder, place: TrialPlace, engine: Mapping[str, Any], on_progress: OnTrial | None
) -> None:
    """Run the trials of a study that have not ended yet.

    It ends early where the most that a further trial may cost is not left of the study's dollars.

    Args:
        folder: Its directory, which this process has locked.
        engine: Arguments of every engine.
        on_progress: Called after each trial with the number of those that ended, that of all, and the trial.

    Raises:
        InvalidRequest: The study names something that there is not, or another one is in the directory.
        EngineError: A trial could not be measured; the study can be run again, and goes on.
    """
    await asyncio.to_thread(_check, spec)
    await asyncio.to_thread(folder.begin, spec)
    ended = await asyncio.to_thread(folder.ended)
    done = {each.trial.id for each in ended}
    every = trials(spec)
    pending = deque(trial for trial in every if trial.id not in done)
    if not pending:
        return
    progress: CallbackQueue[tuple[int, int, KeptTrial]] | None = None
    if on_progress is not None:
        progress = CallbackQueue("on_progress", lambda told: on_progress(*told))
    spent = sum(each.end.usd for each in ended if each.end) + await asyncio.to_thread(folder.lost_usd)
    running: dict[asyncio.Task[KeptTrial], TrialJob] = {}
    most = min(spec.at_once, place.at_once)
    async with place:
        try:
            while pending or running:
                while pending and len(running) < most and _fits(spec, spent, len(running)):
                    attempt = 1 + await asyncio.to_thread(folder.attempts, pending[0].id)
                    one = job(spec, pending.popleft(), attempt, engine)
                    running[asyncio.create_task(_one(folder, place, one))] = one
                if not running:
                    return  # what is left of the dollars is too little for one more
                finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for work, one in [(work, running.pop(work)) for work in finished]:
                    try:
                        kept = work.result()
                    except TrialLost:
                        spent += await to_thread_uncancellable(folder.lose, folder.running(one))
                        if one.attempt >= _MOST_ATTEMPTS:
                            raise
                        pending.appendleft(one.trial)
                        continue
                    spent += kept.end.usd if kept.end else 0.0
                    done.add(kept.trial.id)
                    if progress is not None:
                        progress.put((len(done), len(every), kept))
        finally:
            for work in running:
                work.cancel()
            if running:
                await asyncio.wait(running)
            if progress is not None:
                await progress.stop()


def _fits(spec: StudySpec, spent: float, running: int) -> bool:
    """Return True where the most that one more trial may cost is left beside what is spent and reserved."""
    return spent + (running + 1) * spec.usd_per_trial <= spec.usd + 1e-9  # sums of dollars are not exact


async def _one(folder: StudyFolder, place: TrialPlace, work: TrialJob) -> KeptTrial:
    where = await to_thread_uncancellable(lambda: folder.reserve(work, local=place.local))
    await place.run(work, where)
    return await to_thread_uncancellable(folder.keep, work.trial.id, where)


def _check(spec: StudySpec) -> None:
    """Find what the study names, before anything is spent."""
    for case in spec.tasks:
        Judge(case, spec.home)
        if case.layout is not None:
            resolve(case.layout, spec.home, field="layout")
    for model in spec.models:
        if isinstance(model.make, str):
            resolve(model.make, spec.home, field="models")
    for variant in spec.variants:
        mutation(variant, spec.home)
