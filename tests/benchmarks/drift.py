"""What becomes of good automations when their sites change: the drift bench over all fixture sites.

Every mutation of `engine.testing.drift` is applied alone, by a proxy in front of the site, and the automation is
replayed with `ai="never"`. Goals: nothing silently wrong but for what is named here with its reason; at most one false alarm in a
hundred runs where only the data changed. Run with `make bench`; alone, `--quick` for a short form.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from engine.testing.drift import MUTATIONS, Finding, Mutation, measure, tables
from fixtures_sites.scenarios import SCENARIOS
from tests.benchmarks import subjects

AT_ONCE = 3


async def on_site(name: str, mutations: Sequence[Mutation], room: asyncio.Semaphore) -> list[Finding]:
    """The findings on one fixture site."""
    async with room:
        with tempfile.TemporaryDirectory() as folder, subjects.site(name) as server:
            subject = await subjects.written(name, server, Path(folder))
            return await measure(subject, mutations, limits=subjects.LIMITS)


async def bench(names: Sequence[str], mutations: Sequence[Mutation]) -> list[Finding]:
    """The findings on several sites, some of them at once."""
    room = asyncio.Semaphore(AT_ONCE)
    found = await asyncio.gather(*(on_site(name, mutations, room) for name in names))
    return [finding for findings in found for finding in findings]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", nargs="*", default=sorted(SCENARIOS))
    parser.add_argument("--mutations", nargs="*", default=[])
    parser.add_argument("--verbose", action="store_true", help="say what every failure named")
    options = parser.parse_args()
    chosen = [m for m in MUTATIONS if not options.mutations or m.name in options.mutations]
    began = time.monotonic()
    findings = asyncio.run(bench(options.sites, chosen))
    print(tables(findings))
    if options.verbose:
        for f in findings:
            print(f"{f.mutation.name} on {f.subject}: {f.verdict}; {f.reason}; {f.by_contract}; {f.says[:200]!r}")
    print(f"{time.monotonic() - began:.0f} s")
    return any(f.verdict == "silently wrong" for f in findings)


if __name__ == "__main__":
    sys.exit(main())
