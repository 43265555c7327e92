"""The time that `import engine` adds to a program that has pydantic already: median over fresh processes.

Goal: under 150 ms more than `import pydantic`. Run with `make bench`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

GOAL_MS = 150
RUNS = 9


def milliseconds(module: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return (time.perf_counter() - started) * 1000


def main() -> int:
    # `BaseModel` and not `pydantic` alone: the package is lazy, and nobody imports it for nothing.
    base, engine = "pydantic; pydantic.BaseModel", "engine"
    milliseconds(base), milliseconds(engine)  # writes the .pyc files
    pairs = [(milliseconds(base), milliseconds(engine)) for _ in range(RUNS)]  # in turns: the machine's load hits both
    more = statistics.median(after - before for before, after in pairs)
    before, after = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"import engine: {after:.0f} ms, pydantic alone {before:.0f} ms, {more:.0f} ms more (goal: under {GOAL_MS})")
    return more >= GOAL_MS


if __name__ == "__main__":
    sys.exit(main())
