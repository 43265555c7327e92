"""The bench of meaning: what an automation makes of pages that still fit its code, and mean something else.

Run all of it (half an hour), or a part in a few minutes:

    python -m tests.benchmarks.meaning
    python -m tests.benchmarks.meaning --quick                           fresh histories, four sites
    python -m tests.benchmarks.meaning --parts meaning --sites cards parts --kinds old-price-first --histories young
    python -m tests.benchmarks.meaning --parts harmless data --verbose
    python -m tests.benchmarks.meaning --parts held-out later --histories young fresh

Each site (`tests.benchmarks.pages`: some written for the bench, some saved pages of third-party applications) has a
good automation, which passes the real gate. Three stores are made of it:
*young* has the two runs that proved it, *fresh* six good runs more, *old* the same runs, three weeks ago. Then each
case starts from a copy of its store: a proxy changes the site's answers (`engine.testing.drift.MEANINGS`), the engine
replays with `ai="never"`, the data being those of a day later, or of three weeks later. Verdicts:

    WRONG      success with another output than the right one
    question   failed, and no breach was structural: one small question to a model where it may be asked
    outright   failed with a structural breach, or without any: by the automation itself, or by triage
    right      success with the right output: the change does not touch it

Parts: `meaning`, the changes of meaning; `held-out`, other ones, for which no check was written (only when asked for,
without a goal: what they show must not be tuned to); `later`, a second list of these, written when the first had been
seen; `harmless`, rewordings of pages whose output is right, so that
each failure is a false alarm; `data`, runs in which only the data change; `nothing`, runs that rightly have no rows. A
harmless case in which the code itself broke (no breach) is told apart as `broke`, one that fails without the rewording,
too, as `data`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine import AsyncEngine, Limits, TaskResult
from engine.testing.drift import (
    HARMLESS,
    HELD_OUT_MEANINGS,
    HISTORIES,
    LATER_HELD_OUT_MEANINGS,
    MEANINGS,
    DriftProxy,
    History,
    Layout,
    Mutation,
    age,
    difference,
)  # fmt: skip
from engine.testing.heal.sites import LAYOUTS, plain
from tests.benchmarks.pages import NOTHING, UNUSUAL, WORKS, Make, MakeSite, Own, OwnSite, open_work
from tests.benchmarks.pages.make import Rows
from tests.support.warm import shared_by_engines

LIMITS = Limits(action_timeout=1.5, timeout=60)
WARM_UP = 6
QUICK_RUNS = 60
MOST_WRONG: Mapping[History, float] = {"young": 0.15, "fresh": 0.10}
MOST_QUESTIONS, MOST_QUESTIONS_OF_DATA = 0.15, 0.01
DAYS: Mapping[History, int] = {"young": 1, "fresh": 1, "old": 21}
QUICK = ("cards", "parts", "sheet", "flights")
WRONG, QUESTION, OUTRIGHT, RIGHT, BROKE, DATA = "WRONG", "question", "outright", "right", "broke", "data"
_SEEN = (WRONG, QUESTION, OUTRIGHT, BROKE)


@dataclass(frozen=True)
class Case:
    """One run, and its verdict in words."""

    site: str
    kind: str
    history: History
    verdict: str
    says: str = ""
    breaches: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = "".join(f"\n    {each[:220]}" for each in self.breaches)
        return f"{self.kind} on {self.site}, {self.history}: {self.verdict} {' '.join(self.says.split())[:300]}{shown}"


@dataclass
class Subject:
    """A site behind its proxy, and the stores of its automation."""

    make: Make | Own
    site: MakeSite | OwnSite
    proxy: DriftProxy
    folder: Path
    stores: dict[History, Path] = field(default_factory=dict)
    _copies: int = 0

    async def prepare(self) -> None:
        """Save the automation, and make its histories."""
        young, fresh, old = (self.folder / name for name in HISTORIES)
        # Without the short limits: the work was recorded with others.
        async with AsyncEngine(store=young, model=self.make.author(self.proxy.url)) as engine:
            self._expect_right(await self._run(engine, 0, ai="auto"), 0)
        shutil.copytree(young, fresh)
        async with AsyncEngine(store=fresh, limits=LIMITS) as engine:
            for number in range(WARM_UP):
                self._expect_right(await self._run(engine, 1 - number % 2), 1 - number % 2)
        shutil.copytree(fresh, old)
        age(old, DAYS["old"])
        self.stores = {"young": young, "fresh": fresh, "old": old}

    async def _run(self, engine: AsyncEngine, asked: int = 0, *, ai: Any = "never") -> TaskResult:
        return await engine.run(
            self.make.task,
            start_url=self.proxy.url,
            parameters=self.make.parameters[asked],
            reuse_key=self.make.name,
            secrets=self.make.secrets,
            output_schema=self.make.output_schema,
            ai=ai,
        )

    def _expect_right(self, result: TaskResult, asked: int) -> None:
        right = self.site.truth(self.make.parameters[asked])
        assert result.ok, f"{self.make.name} on the unchanged site: {result.error}"
        given = plain(result.output)
        assert given == right, f"{self.make.name} on the unchanged site: {difference(given, right)}"

    async def case(self, kind: Mutation, history: History) -> Case | None:
        """Run once under a change; return None if there was nothing to change."""
        self.site.day, self.proxy.mutation = DAYS[history], kind
        try:
            result = await self.replay(history)
            if not self.proxy.changed:
                return None
            return self.judged(kind.name, history, result, ordered=kind.effect != "same")
        finally:
            self.site.day, self.proxy.mutation = 0, None

    async def replay(self, history: History, asked: int = 0) -> TaskResult:
        """Replay in an engine of its own, on a copy of the store."""
        self._copies += 1
        store = self.folder / f"copy-{self._copies}"
        await asyncio.to_thread(shutil.copytree, self.stores[history], store)
        try:
            if (later := self.site.day - (DAYS[history] if history == "old" else 0)) > 0:
                age(store, later)  # the last run was on the day of its data
            async with AsyncEngine(store=store, limits=LIMITS) as engine:
                return await self._run(engine, asked)
        finally:
            shutil.rmtree(store)

    async def day(self, history: History, day: int, unusual: str = "", asked: int = 0) -> Case:
        """Run once on another day, where only the data have changed."""
        self.site.day = day
        if isinstance(self.site, MakeSite):
            self.site.unusual = UNUSUAL[unusual] if unusual else None
        try:
            return self.judged(unusual or "another day", history, await self.replay(history, asked), asked)
        finally:
            self.site.day = 0
            if isinstance(self.site, MakeSite):
                self.site.unusual = None

    def judged(self, kind: str, history: History, result: TaskResult, asked: int = 0, *, ordered: bool = True) -> Case:
        """Return the verdict on a result."""
        name = self.make.name
        if result.error is None:
            given, right = plain(result.output), self.site.truth(self.make.parameters[asked])
            if given == right or (not ordered and _unordered(given) == _unordered(right)):
                return Case(name, kind, history, RIGHT)
            return Case(name, kind, history, WRONG, difference(given, right))
        breaches = [b for b in result.error.details.get("breaches", ()) if b["severity"] != "advisory"]
        mild = bool(breaches) and all(b["severity"] != "structural" for b in breaches)
        shown = tuple(f"{b['severity']} {b['kind']} {b['path']}: {b['expected']} | {b['got']}" for b in breaches)
        says = f"{result.error.reason}: {result.error.message}"
        return Case(name, kind, history, QUESTION if mild else OUTRIGHT if breaches else BROKE, says, shown)


def _unordered(output: Any) -> Any:
    return sorted(map(repr, output)) if isinstance(output, list) else output


@contextlib.asynccontextmanager
async def opened(name: str) -> AsyncIterator[Subject]:
    """Serve a site and prepare its subject."""
    work = NOTHING[name] if name in NOTHING else WORKS[name]
    layout = replace(LAYOUTS.get(name, Layout()), marks=work.marks)
    with (
        tempfile.TemporaryDirectory(prefix="meaning-") as folder,
        open_work(work) as site,
        DriftProxy(site.url, layout) as proxy,
    ):
        subject = Subject(work, site, proxy, Path(folder))
        await subject.prepare()
        yield subject


async def under(kinds: Sequence[Mutation], names: Sequence[str], histories: Sequence[History]) -> list[Case]:
    """Return the cases of all sites, one after the other."""

    async def measure(subject: Subject) -> AsyncIterator[Case]:
        for kind in kinds:
            for history in histories:
                if (case := await subject.case(kind, history)) is None:
                    break
                if kind.effect == "same" and case.verdict in (QUESTION, OUTRIGHT):
                    plain = await subject.day(history, DAYS[history])
                    case = case if plain.verdict == RIGHT else replace(case, verdict=DATA)
                yield case

    return await _on_each(names, measure)


async def other_days(runs: int, names: Sequence[str], histories: Sequence[History]) -> list[Case]:
    """Return runs in which only the data change: two thirds of them unusual ones, then other days."""
    each = -(-runs // (len(names) * len(histories)))

    async def measure(subject: Subject) -> AsyncIterator[Case]:
        work = subject.make
        unusual = [u for u in UNUSUAL if isinstance(work, Make) and _changes(UNUSUAL[u], work)]
        for at, history in enumerate(histories):
            turn = 7 * at % max(1, len(unusual))  # so that each kind has its turn with some history
            first = [*unusual[turn:], *unusual[:turn]][: each * 2 // 3]
            for name in first:
                yield await subject.day(history, DAYS[history], name)
            for number in range(each - len(first)):
                yield await subject.day(history, DAYS[history] + number, asked=number % 2)

    return await _on_each(names, measure)


async def nothing(histories: Sequence[History]) -> list[Case]:
    """Return runs with parameters for which there is rightly nothing, each on a site that says so in its own way."""

    async def measure(subject: Subject) -> AsyncIterator[Case]:
        for history in histories:
            case = await subject.day(history, 0, asked=2)
            verdict = OUTRIGHT if case.verdict == BROKE else case.verdict
            yield replace(case, kind=subject.make.name, site="nothing", verdict=verdict)

    return await _on_each(list(NOTHING), measure)


def _changes(unusual: Callable[[Rows, Make], Rows], make: Make) -> bool:
    rows = make.rows(0)
    return unusual(rows, make) != rows


async def _on_each(names: Sequence[str], measure: Callable[[Subject], AsyncIterator[Case]]) -> list[Case]:
    cases = []
    for name in names:
        began = time.monotonic()
        try:
            async with opened(name) as subject:
                async for case in measure(subject):
                    cases.append(case)
                    print(case, file=sys.stderr, flush=True)
        except AssertionError as error:
            cases.append(Case(name, f"{name} itself", "young", BROKE, str(error)))
            print(cases[-1], file=sys.stderr, flush=True)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return cases


def table(cases: Sequence[Case], columns: Sequence[str]) -> str:
    """Format cases: a line for each kind, and the verdicts of each history counted."""
    histories = [history for history in HISTORIES if any(case.history == history for case in cases)]
    heads = ["kind", *(column if at else f"{h}: {column}" for h in histories for at, column in enumerate(columns))]
    rows = [heads]
    for kind in (*dict.fromkeys(case.kind for case in cases), "all"):
        counted = Counter((case.history, case.verdict) for case in cases if kind in (case.kind, "all"))
        rows.append([kind, *(str(counted[h, c] or ".") for h in histories for c in columns)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(e.ljust(w) for e, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def counts(cases: Sequence[Case], history: History, some: Sequence[str], of: Sequence[str]) -> tuple[int, int]:
    """Return how many cases with a history have some verdicts, and how many have others."""
    counted = Counter(case.verdict for case in cases if case.history == history)
    return sum(counted[each] for each in some), sum(counted[each] for each in of)


def share(cases: Sequence[Case], history: History, some: Sequence[str], of: Sequence[str]) -> float:
    """Return the share of some verdicts among others with a history."""
    number, whole = counts(cases, history, some, of)
    return number / max(1, whole)


def shares(cases: Sequence[Case], some: Sequence[str], of: Sequence[str]) -> str:
    """Format the share of some verdicts among others, by history."""
    said = []
    for history in [h for h in HISTORIES if any(case.history == h for case in cases)]:
        number, whole = counts(cases, history, some, of)
        said.append(f"{history} {number} of {whole} ({share(cases, history, some, of):.1%})")
    return ", ".join(said)


def show(title: str, cases: Sequence[Case], verdicts: Sequence[str], bad: Sequence[str], *, verbose: bool) -> None:
    """Print a table, and each case whose verdict is bad."""
    print(f"\n{title}\n\n{table(cases, verdicts)}\n")
    for case in cases:
        if verbose or case.verdict in bad:
            print(case)
    sys.stdout.flush()


def main() -> int:
    """Run the bench; return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fresh histories of four sites")
    parser.add_argument("--parts", nargs="*", default=["meaning", "harmless", "data", "nothing"])
    parser.add_argument("--sites", nargs="*", default=list(WORKS), choices=list(WORKS))
    parser.add_argument("--kinds", nargs="*", default=[], help="names of changes of meaning, or of rewordings")
    parser.add_argument("--histories", nargs="*", default=list(HISTORIES), choices=list(HISTORIES))
    parser.add_argument("--runs", type=int, default=500, help="number of runs with changed data")
    parser.add_argument("--verbose", action="store_true", help="print every case")
    options = parser.parse_args()
    sites = [name for name in options.sites if name in QUICK] if options.quick else options.sites
    histories: list[History] = ["fresh"] if options.quick else options.histories
    runs = QUICK_RUNS if options.quick else options.runs
    began = time.monotonic()
    missed: list[str] = []

    def measured(kinds: Sequence[Mutation]) -> list[Case]:
        chosen = [kind for kind in kinds if not options.kinds or kind.name in options.kinds]
        return asyncio.run(under(chosen, sites, histories))

    with shared_by_engines():
        if "meaning" in options.parts:
            cases = measured(MEANINGS)
            _tell_meaning("Changes of meaning", cases, verbose=options.verbose)
            missed += [h for h, most in MOST_WRONG.items() if share(cases, h, [WRONG], _SEEN) > most]
        if "held-out" in options.parts:
            _tell_meaning("Held-out changes of meaning", measured(HELD_OUT_MEANINGS), verbose=options.verbose)
        if "later" in options.parts:
            cases = measured(LATER_HELD_OUT_MEANINGS)
            _tell_meaning("Later held-out changes of meaning", cases, verbose=options.verbose)
        if "harmless" in options.parts:
            missed += _tell("Harmless rewordings", measured(HARMLESS), MOST_QUESTIONS, verbose=options.verbose)
        if "data" in options.parts:
            cases = asyncio.run(other_days(runs, sites, histories))
            missed += _tell("Harmless data", cases, MOST_QUESTIONS_OF_DATA, verbose=options.verbose)
        if "nothing" in options.parts:
            cases = asyncio.run(nothing(histories))
            missed += _tell("Rightly nothing", cases, 0.0, verbose=options.verbose)
    print(f"{time.monotonic() - began:.0f} s; missed: {', '.join(missed) or 'no goal'}")
    return bool(missed)


def _tell_meaning(title: str, cases: Sequence[Case], *, verbose: bool) -> None:
    show(title, cases, (WRONG, QUESTION, OUTRIGHT, BROKE, RIGHT), [WRONG], verbose=verbose)
    noticed = shares(cases, [QUESTION, OUTRIGHT], _SEEN)
    print(f"silently wrong: {shares(cases, [WRONG], _SEEN)}; noticed by the contract: {noticed}")


def _tell(title: str, cases: Sequence[Case], most: float, *, verbose: bool) -> list[str]:
    bad = (OUTRIGHT, QUESTION, WRONG, BROKE)
    show(title, cases, (*bad, DATA, RIGHT), bad, verbose=verbose)
    judged = (OUTRIGHT, QUESTION, RIGHT)
    print(f"outright: {shares(cases, [OUTRIGHT], judged)}; questions: {shares(cases, [QUESTION], judged)}")
    outright = any(case.verdict == OUTRIGHT for case in cases)
    asked = any(share(cases, history, [QUESTION], judged) > most for history in HISTORIES)
    return [f"{title.lower()}: outright"] * outright + [f"{title.lower()}: questions"] * asked


if __name__ == "__main__":
    sys.exit(main())
