"""The bench: replays an automation under each mutation of its site, and judges the outcome."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from engine.studies.judging import difference
from engine.task.wire import Limits, TaskResult
from engine.testing.drift.mutation import Mutation
from engine.testing.drift.proxy import DriftProxy
from engine.testing.drift.replica import Replica, Subject, is_by_contract, problems_of

Verdict = Literal["unaffected", "noticed", "repaired", "silently wrong"]


@dataclass(frozen=True)
class Finding:
    """The outcome of one mutation on one site.

    Args:
        verdict: ``unaffected``: success with the right output; ``noticed``: a failure; ``repaired``: noticed, then
            success with the right output by new code; ``silently wrong``: success with any other output.
        reason: The reason of the failure.
        says: The problems that the failure names, or the fault of the output.
        by_contract: True if the automation itself succeeded, and its output was refused.
        refused: True if the refused output was right: a false alarm.
    """

    subject: str
    mutation: Mutation
    verdict: Verdict
    reason: str = ""
    says: str = ""
    by_contract: bool = False
    refused: bool = False


class WrongBaseline(Exception):
    """The automation's output is wrong on the unchanged site, so that mutations cannot be judged."""


async def measure(
    subject: Subject,
    mutations: Iterable[Mutation],
    *,
    limits: Limits | None = None,
    on_finding: Callable[[Finding], None] | None = None,
    on_estimate: Callable[[float], None] | None = None,
    engine: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """Apply each mutation alone, replay with ``ai="never"``, and return the findings.

    Mutations that change nothing on the site have no finding.

    Args:
        subject: The automation to replay.
        mutations: The mutations, such as ``MUTATIONS``.
        limits: Limits of each run; a short ``action_timeout`` saves most of the time.
        on_finding: Called with each finding as soon as it is known.
        on_estimate: Called once, after the run on the unchanged site, with about the seconds that the rest will take.
        engine: Further arguments of the ``AsyncEngine`` that replays.

    Raises:
        WrongBaseline: On the unchanged site the automation fails, or its output is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="drift-") as folder, DriftProxy(subject.start_url, subject.layout) as proxy:
        limits = limits or Limits(action_timeout=4, timeout=120)
        replica = Replica(subject, Path(folder), limits, engine or {})
        replayer = _Replayer(subject, proxy, replica)
        try:
            began, all_mutations = time.monotonic(), list(mutations)
            truth = await replayer.baseline()
            if on_estimate is not None:
                # One in three waits in vain for an element, and fails twice: with the parameters of a good run, too.
                each = time.monotonic() - began + 2 * limits.action_timeout / 3
                on_estimate(len(all_mutations) * each)
            findings = []
            for mutation in all_mutations:
                if (finding := await replayer.judge(mutation, truth)) is not None:
                    findings.append(finding)
                    if on_finding is not None:
                        on_finding(finding)
        finally:
            await replica.close()
    return findings


@dataclass
class _Replayer:
    subject: Subject
    proxy: DriftProxy
    replica: Replica

    async def baseline(self) -> Any:
        """Return the right output on the unchanged site, after checking that the automation returns it."""
        result = await self.replica.run(self.proxy.url)
        if not result.ok:
            raise WrongBaseline(f"{self.subject.name} fails on the unchanged site: {result.error}")
        given, truth = self.subject.view(result.output), self._truth(result)
        if given != truth:
            raise WrongBaseline(f"{self.subject.name} is wrong on the unchanged site: {difference(given, truth)}")
        return truth

    def _truth(self, result: TaskResult) -> Any:
        return self.subject.truth() if self.subject.truth is not None else self.subject.view(result.output)

    async def judge(self, mutation: Mutation, truth: Any) -> Finding | None:
        """Replay under a mutation and judge the outcome; return None if the mutation found nothing to change."""
        self.proxy.mutation = mutation
        try:
            result = await self.replica.run(self.proxy.url)
            if not self.proxy.changed:
                return None
            right = self.subject.truth() if self.subject.truth is not None else truth
            right = mutation.truth(right, self.subject.layout) if mutation.truth is not None else right
            finding = self._verdict(mutation, result, right)
            if finding.by_contract and result.effect == "none":
                finding = replace(finding, refused=await self._gives_without_contract(right))
        finally:
            self.proxy.mutation = None
        if finding.verdict == "silently wrong" or (result.reuse is not None and result.reuse.updated):
            await self.replica.close()  # the statistics learned from this run must not affect the next
        return finding

    def _verdict(self, mutation: Mutation, result: TaskResult, right: Any) -> Finding:
        name = self.subject.name
        if result.error is not None:
            says, by_contract = problems_of(result.error), is_by_contract(result.error)
            return Finding(name, mutation, "noticed", result.error.reason, says, by_contract=by_contract)
        given = self.subject.view(result.output)
        if given == right:
            return Finding(name, mutation, "unaffected")
        return Finding(name, mutation, "silently wrong", says=difference(given, right))

    async def _gives_without_contract(self, right: Any) -> bool:
        """Return True if the automation without its contract returns the right output: a false alarm."""
        self.proxy.forget()  # so that it starts as in the judged run
        result = await self.replica.run_without_contract(self.proxy.url)
        return result.ok and bool(self.subject.view(result.output) == right)
