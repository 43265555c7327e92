"""Replays against the same script run bare, by Playwright in a cold process. Ratios of medians; less is better.

Paired: in each round all contenders run, one after the other, on the same site, which a process of its own serves. A
replay comes a moment after the last one, as from somebody who replays now and then. Goals: one page 0.25, twenty pages
0.65, the first run in a fresh process 1.05; ten at once on ten keys twice the throughput; the command beside a pool
less than 1. Run with `make bench`, or
`python -m tests.benchmarks.bench_replay --rounds 5`.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from engine import AsyncEngine
from sandbox import Automation, Egress, PoolOptions, Sandbox
from sandbox.browser import find_browser
from sandbox.workers import driver_cache
from tests.benchmarks.rounds import measure_in_rounds
from tests.support.saved import TASK, save

AT_ONCE = 10
PAUSE_SECONDS = 0.4
ONE = """\
async def run(page, parameters, task):
    return {"title": await page.title(), "links": await page.locator("a").count()}
"""
TWENTY = """\
from urllib.parse import urljoin
async def run(page, parameters, task):
    links = await page.locator("table a").evaluate_all("found => found.map(a => a.getAttribute('href'))")
    links += await page.locator("footer a, nav a").evaluate_all("found => found.map(a => a.getAttribute('href'))")
    rows = []
    for link in (links * 20)[:19]:
        await page.goto(urljoin(task.start_url, link))
        rows.append({"title": await page.title(), "heading": await page.locator("h1").first.inner_text()})
    return rows
"""
PLAIN = """\
from urllib.parse import urljoin
async def run(page, parameters, task):
    rows = []
    for link in await page.locator("li.item a").evaluate_all("found => found.map(a => a.getAttribute('href'))"):
        await page.goto(urljoin(task.start_url, link))
        rows.append({name: await page.locator(f".{name}").inner_text() for name in ("name", "price", "about")})
    return rows
"""
BARE = """\
import asyncio, os, sys, types
from playwright.async_api import async_playwright
async def main():
    code, url, browser, _ = sys.argv[1:]
    space = {}
    exec(compile(code, "automation.py", "exec"), space)
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = await playwright.chromium.launch(executable_path=browser, args=arguments)
        page = await chromium.new_page()
        await page.goto(url)
        await space["run"](page, {}, types.SimpleNamespace(start_url=url))
        await chromium.close()
asyncio.run(main())
"""
FRESH = """\
import asyncio, sys
from sandbox import Automation, Egress, Sandbox
async def main():
    code, url, _, cache = sys.argv[1:]
    async with Sandbox(cache=cache) as sandbox:
        outcome = await sandbox.run(
            Automation(code), {}, start_url=url, egress=Egress(allow=(url.rstrip("/"),)), affinity="replay"
        )
    assert outcome.ok, outcome.error
asyncio.run(main())
"""


@contextlib.contextmanager
def site(*module: str) -> Iterator[str]:
    """The URL of a site that another process serves."""
    command = [sys.executable, "-m", *(module or ("fixtures_sites", "directory"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.stdout.readline()
        yield server.stdout.readline().strip()
        server.terminate()


async def process(*command: str) -> None:
    """A whole process of Python, from its start to its end."""
    quiet = asyncio.subprocess.DEVNULL
    started = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=quiet)
    assert await started.wait() == 0


async def seconds(work: Callable[[], Awaitable[None]]) -> float:
    """Return the seconds it takes."""
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


class Contenders:
    """The ways to run one script, each ready to run it again."""

    def __init__(self, engine: AsyncEngine, sandbox: Sandbox, code: str, url: str) -> None:
        self.engine, self.sandbox, self.code, self.url = engine, sandbox, code, url
        self.store = engine.root.parent
        self.arguments = (code, url, str(find_browser().executable), str(self.store / ".cache"))

    async def bare(self) -> None:
        await process("-c", BARE, *self.arguments)

    async def fresh(self) -> None:
        await process("-c", FRESH, *self.arguments)

    async def command(self) -> None:
        asked = ("--key", "key", "--start-url", self.url, "--ai", "never", "-q")
        await process("-m", "engine.cli", "--store", str(self.store), "run", TASK, *asked)

    async def pool(self, what: str) -> None:
        await process("-m", "engine.cli", "--store", str(self.store), "pool", what)

    async def replay(self, key: str = "key") -> None:
        result = await self.engine.run(TASK, start_url=self.url, reuse_key=key, ai="never")
        assert result.ok, result.error

    async def replay_in_the_sandbox(self) -> None:
        parts = urlsplit(self.url)
        egress = Egress(allow=(f"{parts.scheme}://{parts.netloc}",))
        outcome = await self.sandbox.run(
            Automation(self.code), {}, start_url=self.url, egress=egress, affinity="replay"
        )
        assert outcome.ok, outcome.error


async def compare(name: str, code: str, url: str, rounds: int, goal: float | None, *, fresh: bool = False) -> bool:
    """Prints the ratios of one script; returns whether they meet their goals, if they have any."""
    times: dict[str, list[float]] = {}

    async def measure(label: str, work: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(PAUSE_SECONDS)
        times.setdefault(label, []).append(await seconds(work))

    async def back_to_back() -> None:
        for _ in range(4):
            await way.replay()

    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder), "key", code)
        async with AsyncEngine(store=folder) as engine, Sandbox(pool=PoolOptions(spare=0)) as sandbox:
            way = Contenders(engine, sandbox, code, url)
            await way.replay()
            await way.replay_in_the_sandbox()
            while fresh and driver_cache.found(way.store / ".cache") is None:  # as after the first run of a program
                await asyncio.sleep(0.5)
            for _ in range(rounds):
                await measure("bare", way.bare)
                await measure("replay", way.replay)
                await measure("in the sandbox alone", way.replay_in_the_sandbox)
                await measure("four back to back", back_to_back)
                if fresh:
                    await measure("first in a fresh process", way.fresh)
                    await measure("webtasks run", way.command)
            if fresh:
                await way.pool("start")
                await way.command()
                for _ in range(rounds):
                    await measure("webtasks run, beside a pool", way.command)
                await way.pool("stop")
    base = statistics.median(times.pop("bare"))
    print(f"{name}, n={rounds}: bare {base * 1000:.0f} ms")
    goals = {**({"replay": goal} if goal else {}), "first in a fresh process": 1.05, "webtasks run, beside a pool": 1.0}
    met = True
    for label, taken in times.items():
        middle = statistics.median(taken) / (4 if label == "four back to back" else 1)
        wanted = goals.get(label)
        met = met and (wanted is None or middle / base <= wanted)
        shown = f" (goal: at most {wanted:.2f})" if wanted is not None else ""
        print(f"  {label}: {middle * 1000:.0f} ms, ratio {middle / base:.2f}{shown}", flush=True)
    return met


class Memory:
    """The most private memory that this process's descendants have at one time, in MiB, while it is open."""

    async def __aenter__(self) -> Memory:
        self.peak = 0.0
        self._sampling = asyncio.ensure_future(self._sample())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._sampling.cancel()

    async def _sample(self) -> None:
        while True:
            total = 0.0
            for child in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    used = child.memory_info()
                    total += max(0, used.rss - used.shared) / (1 << 20)
            self.peak = max(self.peak, total)
            await asyncio.sleep(0.2)


async def ten_at_once(url: str, rounds: int) -> bool:
    """Prints the throughput on ten keys at one time; returns whether it meets its goal."""
    keys = [f"key {number}" for number in range(AT_ONCE)]
    times: tuple[list[float], list[float]] = [], []
    peaks = [0.0, 0.0]
    with tempfile.TemporaryDirectory() as folder:
        for key in keys:
            save(Path(folder), key, ONE)
        async with AsyncEngine(store=folder) as engine, Sandbox() as sandbox:
            way = Contenders(engine, sandbox, ONE, url)

            async def bare() -> None:
                await asyncio.gather(*(way.bare() for _ in keys))

            async def replays() -> None:
                await asyncio.gather(*map(way.replay, keys))

            for number in range(rounds + 1):
                for place, work in enumerate((bare, replays)):
                    async with Memory() as memory:
                        taken = await seconds(work)
                    if number:  # the first time, the workers start
                        times[place].append(taken)
                        peaks[place] = max(peaks[place], memory.peak)
                    await asyncio.sleep(PAUSE_SECONDS)
    base, ours = map(statistics.median, times)
    print(
        f"ten at once on ten keys, n={rounds}: bare {AT_ONCE / base:.1f} per second, replays {AT_ONCE / ours:.1f},"
        f" {base / ours:.1f} times the throughput (goal: at least 2.0)\n"
        f"  peak of private memory: bare {peaks[0]:.0f} MiB beside {AT_ONCE} idle workers,"
        f" replays {peaks[1]:.0f} MiB",
        flush=True,
    )
    return base / ours >= 2


async def everything(rounds: int) -> int:
    """Runs all comparisons; 1 if a goal is missed."""
    with site() as url, site("tests.benchmarks.plain") as shop:
        met = [
            await compare("one page", ONE, url, rounds, 0.25, fresh=True),
            await compare("twenty plain pages", PLAIN, shop, rounds, 0.65),
            await compare("twenty pages with frames and pictures", TWENTY, url, max(3, rounds // 4), None),
            await ten_at_once(url, max(3, rounds // 4)),
        ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(measure_in_rounds("bench_replay", everything))
