"""Runs without a browser against the same work done bare, by Playwright in a cold process. Ratios of medians.

Paired: in each round all contenders run, one after the other, on the same site, which a process of its own serves.
Goals: a run in a kept worker 0.01 on one page, one in a forked worker 0.03, and 0.02 on twenty pages; ten at once with
three pages each 100 runs a second forked and 300 kept; 10 MiB for each worker beside the zygote; the command `webtasks
run` beside a pool, as a whole process, 0.12. Run with `make bench`, or
`python -m tests.benchmarks.bench_web_workers --rounds 5`.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil

from sandbox import Automation, Egress, Outcome, PerHost, PoolOptions, Sandbox
from sandbox.browser import find_browser
from tests.benchmarks.bench_replay import process, seconds, site
from tests.benchmarks.quick_server import serve
from tests.benchmarks.rounds import measure_in_rounds
from tests.support.saved import TASK, save

AT_ONCE = 10
PAUSE_SECONDS = 0.2
BARE = """\
import asyncio, os, sys
from playwright.async_api import async_playwright
READ = "found => found.map(e => [e.querySelector('blockquote').textContent, e.querySelector('h2').textContent])"
async def main():
    pages, url, browser = sys.argv[1:]
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = await playwright.chromium.launch(executable_path=browser, args=arguments)
        page = await chromium.new_page()
        rows = []
        for number in range(int(pages)):
            await page.goto(f"{url}?p={number}", wait_until="domcontentloaded")
            rows += await page.locator("li.entry").evaluate_all(READ)
        assert len(rows) == 10 * int(pages)
        await chromium.close()
asyncio.run(main())
"""
WEB = """\
async def run(web, parameters, task):
    rows = []
    for number in range(parameters["pages"]):
        page = await web.get(task.start_url, params={"p": number})
        rows += [(entry.css("blockquote").one.text, entry.css("h2").one.text) for entry in page.css("li.entry")]
    return len(rows)
"""
ENTRIES = "".join(
    f"<li class=entry><h2>Person {number}</h2><blockquote>{'Something that was said once. ' * 12}</blockquote></li>"
    for number in range(10)
)
ANSWER = f"<!doctype html><title>Said</title><h1>Said</h1><ul>{ENTRIES}</ul><p>10 entries</p>".encode()


class Contenders:
    """The ways to do the same work."""

    def __init__(self, url: str, sandbox: Sandbox) -> None:
        self.url, self.sandbox = url, sandbox
        self.egress = Egress(allow=(url.rstrip("/"),))

    async def bare(self, pages: int) -> None:
        await process("-c", BARE, str(pages), self.url, str(find_browser().executable))

    async def run(self, pages: int, affinity: str | None) -> Outcome:
        outcome = await self.sandbox.run(
            Automation(WEB), {"pages": pages}, start_url=self.url, egress=self.egress, affinity=affinity
        )
        assert outcome.value == 10 * pages, outcome.error
        return outcome


async def compare(way: Contenders, pages: int, rounds: int, goals: dict[str, float]) -> bool:
    """Print the ratios on so many pages; return True where they meet their goals."""
    times: dict[str, list[float]] = {}

    async def measure(label: str, work: Callable[[], Awaitable[object]]) -> None:
        await asyncio.sleep(PAUSE_SECONDS)

        async def timed() -> None:
            await work()

        times.setdefault(label, []).append(await seconds(timed))

    await way.run(pages, "kept")
    for _ in range(rounds):
        await measure("bare", lambda: way.bare(pages))
        await measure("kept", lambda: way.run(pages, "kept"))
        await measure("forked", lambda: way.run(pages, None))
    base = statistics.median(times.pop("bare"))
    print(f"{pages} pages, n={rounds}: bare {base * 1000:.0f} ms")
    met = True
    for label, taken in times.items():
        middle = statistics.median(taken)
        met = met and middle / base <= goals[label]
        shown = f"ratio {middle / base:.4f} (goal: at most {goals[label]})"
        print(f"  {label}: {middle * 1000:.1f} ms, {shown}", flush=True)
    return met


async def ten_at_once(way: Contenders, rounds: int) -> bool:
    """Print the throughput of ten at once, three pages each; return True where it meets its goals."""
    met = True
    for label, goal in (("forked", 100), ("kept", 300)):
        names = [f"key {number}" if label == "kept" else None for number in range(AT_ONCE)]
        rates = []
        for _ in range(rounds + 1):
            taken = await seconds(lambda names=names: _five_times(way, names))  # type: ignore[misc]  # its own names
            rates.append(5 * AT_ONCE / taken)
        middle = statistics.median(rates[1:])
        met = met and middle >= goal
        print(f"ten at once, three pages each, {label}: {middle:.0f} runs/s (goal: at least {goal})", flush=True)
    return met


async def command_beside_a_pool(way: Contenders, rounds: int) -> bool:
    """Print the ratio of `webtasks run` beside a pool on one page; return True where it meets its goal."""
    bare, ours = [], []
    with tempfile.TemporaryDirectory() as store:
        save(Path(store), "key", WEB, parameters={"pages": 1})
        command = ("-m", "engine.cli", "--store", store)
        asked = (TASK, "--key", "key", "--start-url", way.url, "--ai", "never", "-p", "pages:=1", "-q")
        await process(*command, "pool", "start")
        try:
            for number in range(rounds + 2):
                for times, work in ((bare, way.bare(1)), (ours, process(*command, "run", *asked))):
                    await asyncio.sleep(PAUSE_SECONDS)
                    taken = await seconds(lambda work=work: work)  # type: ignore[misc]  # its own work
                    if number > 1:
                        times.append(taken)
        finally:
            await process(*command, "pool", "stop")
    base, middle = statistics.median(bare), statistics.median(ours)
    print(
        f"webtasks run beside a pool, one page, n={rounds}: {1000 * middle:.0f} ms, bare {1000 * base:.0f} ms,"
        f" ratio {middle / base:.3f} (goal: at most 0.12)",
        flush=True,
    )
    return middle / base <= 0.12


async def _five_times(way: Contenders, names: list[str | None]) -> None:
    async def again(name: str | None) -> None:
        for _ in range(5):
            await way.run(3, name)

    await asyncio.gather(*map(again, names))


async def memory(way: Contenders) -> bool:
    """Print the memory of a worker beside the zygote; return True where it meets its goal."""
    before = _proportional()
    await asyncio.gather(*(way.run(3, f"memory {number}") for number in range(20)))
    await asyncio.sleep(0.5)
    each = (_proportional() - before) / 20
    print(f"memory of one of twenty kept workers: {each:.1f} MiB (goal: at most 10)", flush=True)
    return each <= 10


def _proportional() -> float:
    """Return the proportional memory of all processes of the sandbox, in MiB."""
    total = 0
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(OSError, psutil.Error):
            lines = Path(f"/proc/{child.pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


async def main(rounds: int) -> int:
    pool = PoolOptions(spare=0)
    with site("tests.benchmarks.bench_web_workers", "--serve") as url:
        async with Sandbox(isolation="bubblewrap", pool=pool, per_host=PerHost(at_once=100)) as sandbox:
            way = Contenders(url, sandbox)
            met = await compare(way, 1, rounds, {"kept": 0.01, "forked": 0.03})
            met = await compare(way, 20, rounds, {"kept": 0.02, "forked": 0.02}) and met
            met = await ten_at_once(way, rounds) and met
            met = await memory(way) and met
            met = await command_beside_a_pool(way, rounds) and met
    return 0 if met else 1


if __name__ == "__main__":
    if "--serve" in sys.argv:
        serve(lambda path: ANSWER)
    else:
        sys.exit(measure_in_rounds("bench_web_workers", main, rounds=10))
