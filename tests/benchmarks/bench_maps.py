"""Maps of what a replay reads: what they add to its time, and their time in the page. Ratios; less is better.

Paired: in each round a replay with maps and one without, one after the other, in the same warm worker. Goals: one page
at most 1.06, twenty pages 1.10; in the page at most 5 ms for an ordinary one of 50 rows, 50 ms for 10,000. Run
`python -m tests.benchmarks.bench_maps --rounds 10`.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from sandbox import Automation, Egress, PoolOptions, Sandbox
from sandbox.browser import find_browser
from sandbox.inside.maps import WALK_PAGE, PageMaps
from sandbox.page_map import parse_maps
from tests.benchmarks.bench_replay import ONE, PLAIN, site
from tests.benchmarks.rounds import measure_in_rounds

ROWS = (10, 50, 200, 1_000, 10_000)
GOALS = {50: 5.0, 10_000: 50.0}  # milliseconds in the page
LOOKS = 7
HEADS = ("Name", "Code", "Price", "Stock", "Weight", "Added")


def table(rows: int) -> str:
    """Return a page with a table."""
    lines = (
        f"<tr><td><a href=/p/{n}>Thing number {n}</a><td>SK-{n}<td>£{n * 3.37:,.2f}<td>In stock<td>{n % 37}.5 kg"
        f"<td>{n % 28 + 1:02}/03/2025"
        for n in range(rows)
    )
    heads = "".join(f"<th>{head}" for head in HEADS)
    return (
        f"<!doctype html><title>T</title><main><h1>Things</h1><table><thead><tr>{heads}<tbody>{''.join(lines)}</table>"
    )


def cards(rows: int) -> str:
    """Return a page with cards of plain boxes."""
    lines = (
        f"<div class=card><div><h3><a href=/p/{n} title='Thing {n}'>Thing number {n}</a></h3></div>"
        f"<div>SKU <b>SK-{n}</b></div><div><s>£{n * 4}.00</s> <b>£{n * 3.37:,.2f}</b></div>"
        f"<div>In stock</div><p>Some words on it, number {n}</p></div>"
        for n in range(rows)
    )
    return f"<!doctype html><title>C</title><main><h1>Things</h1><div>{''.join(lines)}</div>"


async def replays(name: str, code: str, url: str, rounds: int, goal: float) -> bool:
    """Print what maps add to the time of one script; return True if that meets its goal."""
    parts = urlsplit(url)
    egress = Egress(allow=(f"{parts.scheme}://{parts.netloc}",))
    times: dict[bool, list[float]] = {True: [], False: []}
    async with Sandbox(pool=PoolOptions(spare=0)) as sandbox:
        for number in range(rounds + 2):
            for maps in (True, False) if number % 2 else (False, True):
                began = time.perf_counter()
                outcome = await sandbox.run(
                    Automation(code), {}, start_url=url, egress=egress, affinity="maps", settled_seconds=5.0, maps=maps
                )
                assert outcome.ok, outcome.error
                assert bool(outcome.evidence.maps) == maps
                if number >= 2:
                    times[maps].append(time.perf_counter() - began)
    ratio = statistics.median(a / b for a, b in zip(times[True], times[False], strict=True))
    base = statistics.median(times[False])
    print(
        f"{name}, n={rounds}: {base * 1000:.0f} ms without maps, ratio {ratio:.3f} (goal: at most {goal})", flush=True
    )
    return ratio <= goal


def _pages() -> Iterator[tuple[str, int, str]]:
    for kind, make in (("table", table), ("cards", cards)):
        for rows in ROWS:
            yield kind, rows, make(rows)


async def in_the_page() -> bool:
    """Print the time of the walk in pages of many sizes; return True if it meets its goals."""
    from playwright.async_api import async_playwright

    met = True
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(find_browser().executable))
        page = await browser.new_page()
        maps: Any = PageMaps(page.context)
        script = "async ([source, o]) => { const walk = eval(source), t = performance.now(), map = walk(o);"
        script += " return [performance.now() - t, map]; }"
        for kind, rows, html in _pages():
            await page.set_content(html)
            await page.evaluate("document.body.innerText.length")
            taken, host = [], []
            for _ in range(LOOKS):
                ms, text = await page.evaluate(script, [WALK_PAGE, maps._options()])
                taken.append(ms)
                began = time.perf_counter()
                (found,), _ = parse_maps([[text, {}]])
                host.append((time.perf_counter() - began) * 1000)
            middle, goal = statistics.median(taken), GOALS.get(rows)
            met = met and (goal is None or middle <= goal)
            shown = f" (goal: at most {goal:g})" if goal else ""
            print(
                f"  {kind} of {rows}: {middle:.1f} ms in the page{shown}, worst {max(taken):.1f}; {len(found.units)}"
                f" units, {len(text) / 1024:.0f} KiB, {statistics.median(host):.1f} ms to parse",
                flush=True,
            )
        await browser.close()
    return met


async def everything(rounds: int) -> int:
    """Make all comparisons; return 1 if a goal is missed."""
    met = [await in_the_page()]
    with site() as url, site("tests.benchmarks.plain") as shop:
        met.append(await replays("one page", ONE, url, rounds, 1.06))
        met.append(await replays("twenty plain pages", PLAIN, shop, max(3, rounds // 3), 1.10))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(measure_in_rounds("bench_maps", everything))
