"""Runs the study of `tests.support.studied` in a process of its own, which a test may kill: STORE, REPEATS."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import sandbox
from engine import AsyncEngine
from tests.support.studied import KnownSandbox, study


async def main(store: str, repeats: str) -> None:
    """Run the study, or what is left of it."""
    sandbox.Sandbox = lambda **options: KnownSandbox()  # type: ignore[assignment,misc]  # it stands for one
    async with AsyncEngine(store=store) as engine:
        await engine.study(study(repeats=int(repeats)), directory=Path(store) / "known")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
