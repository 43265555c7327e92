"""The command of a bench that measures in rounds."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


def measure_in_rounds(bench: str, measure: Callable[[int], Coroutine[Any, Any, int]], *, rounds: int = 20) -> int:
    """Measure in as many rounds as the command line says; return 1 if a goal is missed.

    Args:
        bench: The name of its module.
        rounds: The number of rounds where the command line names none.
    """
    parser = argparse.ArgumentParser(prog=f"python -m tests.benchmarks.{bench}")
    said = f"default {rounds}; fewer is quicker and rougher"
    parser.add_argument("--rounds", type=int, default=rounds, metavar="N", help=said)
    return asyncio.run(measure(parser.parse_args().rounds))
