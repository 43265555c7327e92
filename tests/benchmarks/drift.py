"""The drift bench over all fixture sites: the behavior of automations when their sites change.

Every mutation of `engine.testing.drift` is applied alone, by a proxy in front of the site, and the automation is
replayed with `ai="never"`. Then each site gets its redesign, and a recorded model repairs the automation. Last, only
the data change. Goals: no silently wrong output, except of careless code, where EXPECTED_OF_CARELESS names a reason; at
most one false alarm in a hundred runs. Run with `make bench`; run alone, `--quick` is a short form.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine import AsyncEngine, TaskResult
from engine.testing.drift import HELD_OUT, MUTATIONS, Finding, Mutation, Subject, Verdict, difference, measure, tables
from engine.testing.heal.sites import site
from fixtures_sites import FixtureServer
from fixtures_sites.scenarios import SCENARIOS
from tests.benchmarks import changed_data, subjects
from tests.benchmarks.careless import CARELESS

AT_ONCE = 2
RUNS, QUICK_RUNS = 500, 64
QUICK = ("rename-classes", "banner", "second-list", "field-missing", "empty-list", "pages-cut", "duplicate-rows",
         "swapped-fields", "truncated-names", "error-page")  # fmt: skip
REDESIGN = Mutation("redesign", "version v2 of the site", "same")
# The mutations whose wrong output goes unnoticed by careless code, each with the reason: it accepts any answer.
EXPECTED_OF_CARELESS: Mapping[str, str] = {
    "stale-list": "without its filter a list still contains the right rows, and its length is stated or plausible",
}


async def on_site(
    name: str, mutations: Sequence[Mutation], room: asyncio.Semaphore, author: subjects.Author
) -> list[Finding]:
    """Return the findings on one fixture site, with that of its redesign and repair for code that a model wrote."""
    async with room:
        with tempfile.TemporaryDirectory() as folder, site(name) as server:
            subject = await subjects.written(name, server, Path(folder, "store"), author=author)
            found = await measure(subject, mutations, limits=subjects.LIMITS, on_finding=_tell)
            return found if author == "careless" else [*found, await redesigned(subject, server, author)]


def line(finding: Finding) -> str:
    """Describe a finding in one line."""
    by = {(False, True): ", by the contract", (True, True): ", a false alarm"}
    how = by.get((finding.refused, finding.by_contract), "")
    said = f" ({finding.reason}{how}): {' '.join(finding.says.split())[:200]}" if finding.says else ""
    return f"{finding.mutation.name} on {finding.subject}: {finding.verdict}{said}"


def _tell(finding: Finding) -> None:
    print(line(finding), file=sys.stderr, flush=True)


async def redesigned(subject: Subject, server: FixtureServer, author: subjects.Author) -> Finding:
    """Replay on the site's other version, and repair by the same author if the replay fails."""
    store = subject.store.with_name("redesign")
    shutil.copytree(subject.store, store)
    server.version = "v2"
    async with AsyncEngine(store=store, limits=subjects.LIMITS) as engine:
        result = await subjects.replay(engine, subject)
    if result.ok:
        return _compared(subject, result, "unaffected")
    async with AsyncEngine(store=store, model=subjects.model_of(subject.key, author, server, repairs=True)) as engine:
        result = await subjects.replay(engine, subject, ai="auto")
    if result.error is not None:
        return Finding(subject.name, REDESIGN, "noticed", result.error.reason, result.error.message)
    return _compared(subject, result, "repaired")


def _compared(subject: Subject, result: TaskResult, right: Verdict) -> Finding:
    given, truth = subject.view(result.output), subject.truth() if subject.truth is not None else None
    if given == truth:
        return Finding(subject.name, REDESIGN, right)
    return Finding(subject.name, REDESIGN, "silently wrong", says=difference(given, truth))


async def bench(names: Sequence[str], mutations: Sequence[Mutation], author: subjects.Author) -> list[Finding]:
    """Return the findings on several sites, of which some are measured at the same time."""
    room = asyncio.Semaphore(AT_ONCE)
    found = await asyncio.gather(*(on_site(name, mutations, room, author) for name in names))
    return [finding for findings in found for finding in findings]


def show(title: str, findings: Sequence[Finding], *, verbose: bool, careless: bool = False) -> int:
    """Print the findings in two tables; return the number of unexpected silently wrong ones."""
    held_out = [f for f in findings if f.mutation in HELD_OUT]
    for suffix, part in (("", [f for f in findings if f not in held_out]), (": held-out mutations", held_out)):
        if part:
            print(f"\n{title}{suffix}\n\n{tables(part)}")
    unexpected = 0
    for finding in (f for f in findings if f.verdict == "silently wrong"):
        reason = EXPECTED_OF_CARELESS.get(finding.mutation.name) if careless else None
        unexpected += reason is None
        print(f"{finding.mutation.name} on {finding.subject}: {reason or 'unexpected'}")
    for finding in findings if verbose else ():
        print(line(finding))
    sys.stdout.flush()
    return unexpected


def main() -> int:
    """Run the bench; return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="few mutations and few runs")
    parser.add_argument("--sites", nargs="*", default=sorted(SCENARIOS))
    parser.add_argument("--mutations", nargs="*", default=[])
    parser.add_argument("--parts", nargs="*", default=["good", "web", "careless", "data"])
    parser.add_argument("--runs", type=int, help="number of runs with changed data")
    parser.add_argument("--verbose", action="store_true", help="print every finding")
    options = parser.parse_args()
    names = options.mutations or (QUICK if options.quick else [m.name for m in MUTATIONS])
    chosen = [m for m in MUTATIONS if m.name in names]
    began, missed = time.monotonic(), 0
    if "good" in options.parts:
        findings = asyncio.run(bench(options.sites, chosen, "model"))
        missed += show("Automations that a model wrote", findings, verbose=options.verbose)
    if "web" in options.parts:
        sites = [name for name in options.sites if name in subjects.WITHOUT_BROWSER]
        findings = asyncio.run(bench(sites, chosen, "web"))
        missed += show("Automations without a browser", findings, verbose=options.verbose)
    if "careless" in options.parts:
        sites = [name for name in options.sites if name in CARELESS]
        findings = asyncio.run(bench(sites, chosen, "careless"))
        missed += show("Careless automations", findings, verbose=options.verbose, careless=True)
    if "data" in options.parts:
        found = asyncio.run(changed_data.runs(options.runs or (QUICK_RUNS if options.quick else RUNS), AT_ONCE))
        print(f"\n{changed_data.report(found)}")
        missed += sum(run.alarm for run in found) * 100 > len(found)
    print(f"{time.monotonic() - began:.0f} s")
    return missed > 0


if __name__ == "__main__":
    sys.exit(main())
