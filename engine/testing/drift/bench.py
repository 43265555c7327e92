"""The bench: replays an automation under each mutation of its site, and judges the outcome."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from engine.api.async_engine import AsyncEngine
from engine.bundles import BundleStore
from engine.studies.judging import difference
from engine.task.wire import Limits, TaskResult
from engine.testing.drift.mutation import Mutation
from engine.testing.drift.proxy import DriftProxy
from engine.testing.drift.reply import Layout

Verdict = Literal["unaffected", "noticed", "repaired", "silently wrong"]


@dataclass(frozen=True)
class Subject:
    """An automation, its site, and the right output.

    Args:
        name: Its name in reports.
        store: The store that has its bundle; it is copied, never changed.
        key: Its reuse key.
        task: Its task, in plain words.
        start_url: Its start URL on the unchanged site.
        parameters: The parameters of every run.
        truth: Returns the right output on the unchanged site, known independently of the automation; called after each
            run. Without it, the automation's own output there is taken as right.
        view: Returns the part of an output that is compared, without values that differ from run to run, such as paths.
        layout: The layout of the site's list.
    """

    name: str
    store: Path
    key: str
    task: str
    start_url: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    output_schema: Mapping[str, Any] | None = None
    secrets: tuple[str, ...] = ()
    truth: Callable[[], Any] | None = None
    view: Callable[[Any], Any] = lambda output: output
    layout: Layout = field(default_factory=Layout)


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
        replayer = _Replayer(subject, proxy, Path(folder), limits, engine or {})
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
            await replayer.close()
    return findings


@dataclass
class _Replayer:
    subject: Subject
    proxy: DriftProxy
    folder: Path
    limits: Limits
    options: Mapping[str, Any]
    _engine: AsyncEngine | None = None
    _copies: int = 0
    _bare_copies: int = 0

    async def baseline(self) -> Any:
        """Return the right output on the unchanged site, after checking that the automation returns it."""
        result = await self._run()
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
            result = await self._run()
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
            await self.close()  # the statistics learned from this run must not affect the next
        return finding

    def _verdict(self, mutation: Mutation, result: TaskResult, right: Any) -> Finding:
        name = self.subject.name
        if result.error is not None:
            details = result.error.details
            problems = [str(problem) for problem in details.get("problems", ())]
            ended_well = "problems" in details and not details.get("traceback")
            says = "; ".join(problems) or result.error.message
            return Finding(name, mutation, "noticed", result.error.reason, says, by_contract=ended_well)
        given = self.subject.view(result.output)
        if given == right:
            return Finding(name, mutation, "unaffected")
        return Finding(name, mutation, "silently wrong", says=difference(given, right))

    async def _gives_without_contract(self, right: Any) -> bool:
        """Return True if the automation without its contract returns the right output: a false alarm."""
        self.proxy.mutation = self.proxy.mutation  # clears its memory, so that it starts as in the judged run
        assert self._engine is not None, "the judged run opened it"
        self._bare_copies += 1
        key = f"{self.subject.key} without its contract, {self._bare_copies}"  # a new one each time: it learns, too
        await asyncio.to_thread(_commit_bare, self._engine.bundles, self.subject.key, key)
        result = await self._run(key)
        return result.ok and bool(self.subject.view(result.output) == right)

    async def _run(self, key: str | None = None) -> TaskResult:
        if self._engine is None:
            self._engine = self._open()
        s, path = self.subject, urlsplit(self.subject.start_url)
        return await self._engine.run(
            s.task,
            start_url=self.proxy.url.rstrip("/") + path.path + (f"?{path.query}" if path.query else ""),
            parameters=s.parameters,
            output_schema=s.output_schema,
            reuse_key=key or s.key,
            secrets=s.secrets,
            ai="never",
        )

    def _open(self) -> AsyncEngine:
        self._copies += 1
        store = self.folder / str(self._copies)
        shutil.copytree(self.subject.store, store)
        return AsyncEngine(**{**self.options, "store": store, "limits": self.limits})

    async def close(self) -> None:
        """Close the engine; the next run gets one with a fresh copy of the store."""
        if self._engine is not None:
            await self._engine.close()
            self._engine = None


def _commit_bare(bundles: BundleStore, key: str, bare_key: str) -> None:
    bundle = bundles.load_active(key)
    assert bundle is not None, "it was replayed in the judged run"
    meta = bundle.meta.model_copy(update={"reuse_key": bare_key})
    bundles.commit(bare_key, replace(bundle, meta=meta, contract={}, revision=None), subject="Without its contract")
