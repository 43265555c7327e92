"""A program that leaves its engine open, or closes it late, ends without a word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

BLOCKING = """
import atexit, sys, threading
from engine import Engine
from tests.support.stage import NoModel

def ask():
    return engine.run("List", reuse_key="k", ai="never").error.reason

engine = Engine(store=sys.argv[1], model=NoModel())
"""
ASYNC = """
import asyncio, sys
from engine import AsyncEngine
from tests.support.stage import NoModel

async def main():
    engine = AsyncEngine(store=sys.argv[1], model=NoModel())
    print((await engine.run("List", reuse_key="k", ai="never")).error.reason)
"""


STUCK = "engine.start('x', reuse_key='k', ai='never', on_event=lambda event: threading.Event().wait())\n"
POOL = "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(1)\npool.submit(sys.path.copy)\n"


@pytest.mark.parametrize(
    "program",
    [
        BLOCKING + "atexit.register(engine.close)\nprint(ask())",
        BLOCKING + "print(ask())",
        BLOCKING + "threading.Thread(target=lambda: print([ask() for _ in range(3)][0])).start()",
        BLOCKING + POOL + "pool.submit(lambda: print(ask()))",
        BLOCKING + STUCK + "print(ask())",
        ASYNC + "asyncio.run(main())",
    ],
    ids=["closed by atexit", "left open", "used by a thread", "used by an executor", "stuck callback", "asynchronous"],
)
def test_program_that_leaves_its_engine_open_ends_at_once_and_silently(tmp_path: Path, program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout.strip(), done.returncode) == ("nothing-saved", 0), done.stderr
    silent = [line for line in done.stderr.splitlines() if "is stuck" not in line]
    assert silent == []
    assert not list((tmp_path / "default" / "engines").iterdir())
