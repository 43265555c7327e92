"""The cost of provenance on the host: a signature is learnt from two runs, and a third is held against it.

Goals: under 20 ms for an output of 100 rows, under 300 ms for one of 10,000, of which the map has a sample. Run alone:

    python -m tests.benchmarks.bench_provenance
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from engine.contract import Observed, check_signature, explain, first_run_findings, learn_signature
from sandbox import Evidence
from tests.support.maps import Sheet

GOALS: Mapping[int, float] = {20: 20.0, 100: 20.0, 1_000: 300.0, 10_000: 300.0}
_MAPPED = 150  # rows of a longer list that are in its map
_REPEATS = 7
_COLUMNS = ("Name", "Number", "Price", "Weight", "Availability", "Added")


def row(category: str, at: int) -> dict[str, Any]:
    """Return one row of the output."""
    return {
        "name": f"{category} thing {at}", "number": f"SK-{at}-{len(category)}", "price": round(at * 3.37 + 1, 2),
        "weight": at % 37 + 0.5, "in_stock": at % 3 > 0, "added": f"2025-{at % 12 + 1:02}-{at % 28 + 1:02}",
    }  # fmt: skip


def cells(found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a row as the page shows it."""
    year, month, day = found["added"].split("-")
    state = "In stock" if found["in_stock"] else "Sold out"
    price, weight = f"£{found['price']:,.2f}", f"{found['weight']} kg"
    return (found["name"], found["number"], price, weight, state, f"{day}/{month}/{year}")


def observed(category: str, count: int) -> Observed:
    """Return a run that read a list of so many rows."""
    output = [row(category, at) for at in range(count)]
    page = Sheet(f"https://shop.example/list?category={category}").heading(f"All {category}")
    shown = (
        sorted({round(at * (count - 1) / (_MAPPED - 1)) for at in range(_MAPPED)}) if count > _MAPPED else range(count)
    )
    page.table(_COLUMNS, [cells(output[at]) for at in shown], size=count)
    return Observed(output, Evidence(maps=(page.map(),)), None, {"category": category})


def milliseconds(call: Callable[[], object]) -> float:
    """Return the processor time that a call takes: others may use the machine meanwhile."""
    began = time.thread_time()
    call()
    return (time.thread_time() - began) * 1000


def measured(count: int) -> tuple[list[float], list[float], float, float]:
    """Return the milliseconds of checks, of learning, of the gate's findings and of an explanation."""
    signature = learn_signature([observed("lamps", count), observed("clocks", count)], "List all products")
    runs = [observed("mirrors", count) for _ in range(_REPEATS)]
    checks = [milliseconds(partial(check_signature, signature, run)) for run in runs]
    learns = [milliseconds(partial(learn_signature, [observed("vases", count)])) for _ in range(3)]
    gate = milliseconds(partial(first_run_findings, [observed("rugs", count), observed("lamps", count)]))
    return checks, learns, gate, milliseconds(partial(explain, observed("beds", count), "$[3].price"))


def main() -> int:
    """Run the bench; return 1 if a goal is missed."""
    missed = 0
    for count, goal in GOALS.items():
        checks, learns, gate, why = measured(count)
        median = statistics.median(checks)
        missed += median > goal
        print(
            f"{count:6} rows: check {median:6.1f} ms (worst {max(checks):.1f}, goal {goal:.0f}), learn"
            f" {statistics.median(learns):6.1f}, gate {gate:6.1f}, explain {why:6.1f}",
            flush=True,
        )
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
