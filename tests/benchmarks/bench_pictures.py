"""The cost of the filmstrip: first runs of several turns with pictures of the page and without, in turns.

Goal: at most 3 percent longer with pictures, as the median ratio of pairs; the model thinks for a second each turn,
which is quick. The time without any thinking is told beside: there nothing hides a picture. Run alone:

    python -m tests.benchmarks.bench_pictures
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from engine import AsyncEngine
from engine.models.base import ModelReply, ModelRequest
from engine.testing import ScriptedModel
from fixtures_sites import serve
from tests.benchmarks.rounds import measure_in_rounds

GOAL = 1.03
THINKING = 1.0  # seconds of a turn; what models need is between one and ten
_TURNS = 8
_STEP = "await page.mouse.wheel(0, 90)\nprint(page.url, {})"  # no two alike: a model that repeats itself is stopped
_LOOKS = [[("python", {"code": _STEP.format(number)})] for number in range(_TURNS)]
_END = [("give_up", {"reason": "site-broken", "message": "enough was seen"})]


class Thoughtful(ScriptedModel):
    """A scripted model that takes its time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(*_LOOKS, _END)
        self._seconds = seconds

    async def query(self, request: ModelRequest) -> ModelReply:
        """Return the next reply, after a while."""
        await asyncio.sleep(self._seconds)
        return await super().query(request)


async def seconds(store: Path, url: str, thinking: float, *, pictures: bool) -> float:
    """Return the time of one first run, in an engine of its own whose browser is up."""
    async with AsyncEngine(store=store, model=Thoughtful(thinking), keep_pictures=pictures) as engine:
        await engine.run("Warm up", reuse_key="none", start_url=url, ai="never")
        await asyncio.sleep(1.5)  # for the worker
        began = time.perf_counter()
        result = await engine.run("List all trades", start_url=url)
        assert result.model_calls == len(_LOOKS) + 1, result.error
        return time.perf_counter() - began


async def ratios(url: str, thinking: float, rounds: int) -> list[float]:
    """Return the time with pictures by that without, pair by pair, each order as often as the other."""
    found = []
    with tempfile.TemporaryDirectory() as directory:
        for number in range(rounds):
            run = partial(seconds, Path(directory), url, thinking)
            times = {pictures: await run(pictures=pictures) for pictures in ((True, False), (False, True))[number % 2]}
            found.append(times[True] / times[False])
    return found


async def measure(rounds: int) -> int:
    """Run the bench; return 1 if the goal is missed."""
    with serve("directory") as site:
        with_thought = statistics.median(await ratios(site.url, THINKING, rounds))
        without = statistics.median(await ratios(site.url, 0.0, rounds))
    print(
        f"first run of {len(_LOOKS) + 1} turns with pictures / without: {with_thought:.3f} where each turn takes"
        f" {THINKING:g} s (goal {GOAL}), {without:.3f} where the model answers at once"
    )
    return int(with_thought > GOAL)


if __name__ == "__main__":
    sys.exit(measure_in_rounds("bench_pictures", measure, rounds=6))
