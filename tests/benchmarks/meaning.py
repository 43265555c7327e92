"""The bench of meaning: what an automation makes of pages that still fit its code, and mean something else.

Run all of it (about a quarter of an hour), or a part in a few minutes:

    python -m tests.benchmarks.meaning
    python -m tests.benchmarks.meaning --quick                           fresh histories of four sites
    python -m tests.benchmarks.meaning --sites cards parts --kinds currency-head old-price-first --histories young
    python -m tests.benchmarks.meaning --parts harmless data --verbose

Each site (`tests.benchmarks.pages`) has a good automation, which passes the real gate. Three stores are made of it:
*young* has the two runs that proved it, *fresh* six good runs more, *old* the same runs, three weeks ago. Then each
case starts from a copy of its store: a proxy changes the site's answers (`engine.testing.drift.MEANINGS`), the engine
replays with `ai="never"`, the data being those of a day later, or of three weeks later. Verdicts:

    WRONG      success with another output than the right one
    question   failed, and no breach was structural: one small question to a model where it may be asked
    outright   failed with a structural breach, or without any: by the automation itself, or by triage
    right      success with the right output: the change does not touch it

Parts: `meaning`, the changes of meaning; `harmless`, rewordings of pages whose output is right, so that each failure is
a false alarm; `data`, runs in which only the data change. A case of `harmless` in which the code itself broke (no
breach) is told apart as `broke`, and not counted.
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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sandbox
from engine import AsyncEngine, Limits, TaskResult
from engine.testing import ScriptedModel
from engine.testing.drift import DriftProxy, Layout, Mutation, difference
from engine.testing.drift.histories import HISTORIES, History, age
from engine.testing.drift.meaning import MEANINGS
from tests.benchmarks.pages import MAKES, Make, MakeSite, served
from tests.benchmarks.subjects import plain
from tests.support.warm import warm_sandbox

LIMITS = Limits(action_timeout=1.5, timeout=60)
WARM_UP = 6
DAYS: Mapping[History, int] = {"young": 1, "fresh": 1, "old": 21}
QUICK = ("cards", "parts", "sheet", "flights")
WRONG, QUESTION, OUTRIGHT, RIGHT, BROKE = "WRONG", "question", "outright", "right", "broke"


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

    make: Make
    site: MakeSite
    proxy: DriftProxy
    folder: Path
    stores: dict[History, Path] = field(default_factory=dict)
    _copies: int = 0

    async def prepare(self) -> None:
        """Save the automation, and make its histories."""
        young, fresh, old = (self.folder / name for name in HISTORIES)
        finish = ("finish", {"summary": "Reads the page", "other_parameters": dict(self.make.parameters[1])})
        # The gate may ask something; the author stays with its code.
        model = ScriptedModel([("write", {"code": self.make.code}), finish], [finish], [finish])
        async with AsyncEngine(store=young, model=model, limits=LIMITS) as engine:
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
            return self.judged(kind.name, history, result) if self.proxy.changed else None
        finally:
            self.site.day, self.proxy.mutation = 0, None

    async def replay(self, history: History, asked: int = 0) -> TaskResult:
        """Replay in an engine of its own, on a copy of the store."""
        self._copies += 1
        store = self.folder / f"copy-{self._copies}"
        await asyncio.to_thread(shutil.copytree, self.stores[history], store)
        try:
            async with AsyncEngine(store=store, limits=LIMITS) as engine:
                return await self._run(engine, asked)
        finally:
            shutil.rmtree(store)

    def judged(self, kind: str, history: History, result: TaskResult, asked: int = 0) -> Case:
        """Return the verdict on a result."""
        name = self.make.name
        if result.error is None:
            given, right = plain(result.output), self.site.truth(self.make.parameters[asked])
            if given == right:
                return Case(name, kind, history, RIGHT)
            return Case(name, kind, history, WRONG, difference(given, right))
        breaches = [b for b in result.error.details.get("breaches", ()) if b["severity"] != "advisory"]
        mild = bool(breaches) and all(b["severity"] != "structural" for b in breaches)
        shown = tuple(f"{b['severity']} {b['kind']} {b['path']}: {b['expected']} | {b['got']}" for b in breaches)
        says = f"{result.error.reason}: {result.error.message}"
        return Case(name, kind, history, QUESTION if mild else OUTRIGHT if breaches else BROKE, says, shown)


@contextlib.contextmanager
def one_sandbox() -> Iterator[None]:
    """Let all engines share one warm sandbox: a run costs a tenth of a second, a worker one second."""
    real = sandbox.Sandbox
    with warm_sandbox() as lent:
        sandbox.Sandbox = lambda **_: lent  # type: ignore[assignment, misc]
        try:
            yield
        finally:
            sandbox.Sandbox = real  # type: ignore[misc]


@contextlib.asynccontextmanager
async def opened(make: Make, folder: Path) -> Any:
    """Serve a site and prepare its subject."""
    with served(make) as site, DriftProxy(site.url, Layout(marks=make.marks)) as proxy:
        subject = Subject(make, site, proxy, folder)
        await subject.prepare()
        yield subject


async def under(kinds: Sequence[Mutation], names: Sequence[str], histories: Sequence[History]) -> list[Case]:
    """Return the cases of all sites, one after the other."""
    cases = []
    for name in names:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            async with opened(MAKES[name], Path(folder)) as subject:
                for kind in kinds:
                    for history in histories:
                        if (case := await subject.case(kind, history)) is None:
                            break
                        cases.append(case)
                        print(case, file=sys.stderr, flush=True)
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


def shares(cases: Sequence[Case], verdicts: Sequence[str], out_of: Sequence[str]) -> str:
    """Format the share of some verdicts among others, by history."""
    said = []
    for history in dict.fromkeys(case.history for case in cases):
        counted = Counter(case.verdict for case in cases if case.history == history)
        total = sum(counted[each] for each in out_of)
        some = sum(counted[each] for each in verdicts)
        said.append(f"{history} {some} of {total} ({some / max(total, 1):.0%})")
    return "; ".join(said)


def main() -> int:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fresh histories of four sites")
    parser.add_argument("--parts", nargs="*", default=["meaning"])
    parser.add_argument("--sites", nargs="*", default=list(MAKES), choices=list(MAKES))
    parser.add_argument("--kinds", nargs="*", default=[])
    parser.add_argument("--histories", nargs="*", default=list(HISTORIES), choices=list(HISTORIES))
    parser.add_argument("--verbose", action="store_true", help="print every case")
    options = parser.parse_args()
    sites = [name for name in options.sites if name in QUICK] if options.quick else options.sites
    histories = ["fresh"] if options.quick else options.histories
    began = time.monotonic()
    with one_sandbox():
        if "meaning" in options.parts:
            kinds = [kind for kind in MEANINGS if not options.kinds or kind.name in options.kinds]
            cases = asyncio.run(under(kinds, sites, histories))
            print(f"\nChanges of meaning\n\n{table(cases, (WRONG, QUESTION, OUTRIGHT, BROKE, RIGHT))}\n")
            print(f"silently wrong: {shares(cases, [WRONG], [WRONG, QUESTION, OUTRIGHT, BROKE])}")
            for case in cases:
                if options.verbose or case.verdict == WRONG:
                    print(case)
    print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
