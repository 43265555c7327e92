"""First runs of careless and of good code: what the gate admits at once, what it tells, what it refuses.

Goals: of the careless kinds at most three admitted, of the good ones none refused and at most one in ten told of
something first; where there is nothing for later parameters, all give what is right. Run with `make bench`, or some
kinds with `python -m tests.benchmarks.bench_first_runs --only "two fields"`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine import AsyncEngine, Limits
from engine.testing import ScriptedModel
from fixtures_sites.server import FixtureServer
from tests.benchmarks.first_run_kinds import CARELESS, EMPTY, GOOD, Kind
from tests.benchmarks.first_run_pages import SHOP
from tests.support.warm import shared_by_engines

MOST_ADMITTED = 3
MOST_TOLD = 0.1
LIMITS = Limits(action_timeout=3, timeout=120)


async def first_run(kind: Kind, url: str, store: Path) -> tuple[str, str]:
    """Return what became of a first run, "admitted", "told", or "refused", and the reasons.

    The model writes the code and hands it in, and insists on it once, with a reason.
    """
    said: dict[str, Any] = {"summary": kind.name}
    if kind.other is not None:
        said["other_parameters"] = dict(kind.other)
    insisted = {**said, "why_right": "the page was looked at once more, and says so"}
    reads = "it only filters what is shown"
    turns: list[Any] = [
        [("write", {"code": kind.code}), ("finish", said)],
        [("finish", insisted)],
        [("write", {"code": kind.code, "reads_only": reads}), ("finish", said)],
        [("give_up", {"reason": "impossible", "message": "no"})],
    ]
    model = ScriptedModel(*turns)
    async with AsyncEngine(store=store, model=model, limits=LIMITS) as engine:
        result = await engine.run(kind.task, start_url=url + kind.page, reuse_key="k", parameters=dict(kind.parameters))
    told = "\n".join(str(request.messages[-1]["content"]) for request in model.requests[1:])
    if not result.ok:
        return "refused", told + str(result.error)
    return ("admitted" if len(model.requests) == 1 else "told"), told


async def later_run(kind: Kind, url: str, store: Path) -> tuple[str, str]:
    """Replay without a model where there is nothing; return "right" or "wrong", and what came."""
    async with AsyncEngine(store=store, model=ScriptedModel(), limits=LIMITS) as engine:
        result = await engine.run(
            kind.task, start_url=url + kind.page, reuse_key="k", parameters=dict(kind.empty or {}), ai="never"
        )
    given = result.output if result.ok else result.error.reason if result.error else None
    return ("right" if given == kind.gives else "wrong"), f"{given!r}, {result.error}"


async def measure(kinds: Sequence[Kind], *, verbose: bool) -> dict[str, list[str]]:
    """Run all kinds, and return their names by what became of them."""
    found: dict[str, list[str]] = {}
    with FixtureServer(SHOP) as site:
        for kind in kinds:
            with tempfile.TemporaryDirectory() as store:
                became, told = await first_run(kind, site.url, Path(store))
                if kind.empty is not None and became != "refused":
                    right, given = await later_run(kind, site.url, Path(store))
                    became, told = f"{became}, {right}", told + given
            found.setdefault(became, []).append(kind.name)
            print(f"{became:15} {kind.name}", flush=True)
            if verbose and told:
                print("   ", told.replace("\\n", "\n    ")[:1500])
        if site.errors:
            raise SystemExit(site.errors[0])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_first_runs")
    parser.add_argument("--only", default="", help="kinds whose names have this in them")
    parser.add_argument("--verbose", action="store_true", help="what the model was told")
    options = parser.parse_args()
    with shared_by_engines():
        compare(options.only, verbose=options.verbose)


def compare(only: str, *, verbose: bool) -> None:
    """Measure all sets, and end with an error where a goal is missed."""
    missed = []
    for name, kinds in (("careless", CARELESS), ("good", GOOD), ("empty", EMPTY)):
        print(f"-- {name}")
        chosen = [kind for kind in kinds if only in kind.name]
        found = asyncio.run(measure(chosen, verbose=verbose))
        print(f"{name}: {', '.join(f'{became} {len(names)}' for became, names in found.items())} of {len(chosen)}")
        admitted, told, refused = (found.get(became, []) for became in ("admitted", "told", "refused"))
        if name == "careless" and len(admitted) > MOST_ADMITTED:
            missed.append(f"{len(admitted)} careless kinds were admitted: {admitted}")
        if name == "good" and (refused or len(told) > MOST_TOLD * len(chosen)):
            missed.append(f"good code was refused: {refused}; told of something first: {told}")
        if name == "empty" and (wrong := {k: v for k, v in found.items() if not k.endswith(", right")}):
            missed.append(f"results without rows: {wrong}")
    if missed:
        sys.exit("\n".join(missed))


if __name__ == "__main__":
    main()
