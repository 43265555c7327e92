"""Many pages and many parameter sets without a browser: against Scrapy on one crawl, and by `Engine.map`.

The crawl follows the links of an index to a thousand pages and reads four values of each: by one automation in its
jail, by Scrapy in a process of its own, both with the same number of requests at once. Scrapy is no dependency: name a
Python that has it by WEBTASKS_BENCH_SCRAPY, or that part is left out. Then `map` replays one key with a thousand
parameter sets, records and contract included. Goals: at least half of Scrapy's pages a second, 60 replays a second.
Run with `make bench`, or `python -m tests.benchmarks.bench_web_bulk --rounds 3`.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine import AsyncEngine
from sandbox import Automation, Egress, PerHost, PoolOptions, Sandbox
from tests.benchmarks.bench_replay import site
from tests.benchmarks.quick_server import serve
from tests.benchmarks.rounds import measure_in_rounds
from tests.support.saved import TASK, save

PAGES = 1_000
AT_ONCE = 8  # Scrapy's default for a host
SCRAPY_SHARE, REPLAYS_A_SECOND = 0.5, 60
SCRAPY = os.environ.get("WEBTASKS_BENCH_SCRAPY", "")
CRAWL = """\
async def run(web, parameters, task):
    index = await web.get(task.start_url)
    pages = await web.gather((web.get(link.href) for link in index.css("li a")), at_once=parameters["at_once"])
    rows = [[page.css(f".{name}").one.text for name in ("name", "price", "about", "stock")] for page in pages]
    return {"rows": len(rows), "first": rows[0], "last": rows[-1]}
"""
SPIDER = """\
import json, logging, sys
import scrapy
from scrapy.crawler import CrawlerProcess
rows = []
class Shop(scrapy.Spider):
    name = "shop"
    start_urls = [sys.argv[1]]
    def parse(self, response):
        yield from response.follow_all(css="li a", callback=self.item)
    def item(self, response):
        rows.append([response.css(f".{name}::text").get() for name in ("name", "price", "about", "stock")])
logging.disable(logging.CRITICAL)
process = CrawlerProcess({"CONCURRENT_REQUESTS_PER_DOMAIN": int(sys.argv[2]), "DOWNLOAD_DELAY": 0,
                          "ROBOTSTXT_OBEY": False, "TELNETCONSOLE_ENABLED": False, "LOG_ENABLED": False})
process.crawl(Shop)
process.start()
print(json.dumps(len(rows)))
"""
ITEM = """\
async def run(web, parameters, task):
    page = await web.get("/item", params={"n": parameters["n"]})
    return await task.read([{"name": page.css(".name").one.text, "price": page.css(".price").one.text}])
"""


def body_of(path: str) -> bytes:
    """Return the page behind a path."""
    number = path.rpartition("=")[2]
    if path == "/":
        inner = "".join(f'<li><a href="/item?n={n}">Item {n}</a></li>' for n in range(PAGES))
    else:
        inner = (
            f"<h1 class=name>Item {number}</h1><p class=price>{number}.99</p><p class=stock>In stock</p>"
            f"<p class=about>{f'About item {number}, which is described here. ' * 20}</p>"
        )
    return f"<!doctype html><title>Shop</title><body>{inner}</body>".encode()


async def crawled(sandbox: Sandbox, url: str) -> float:
    """Return the pages a second of one automation."""
    began = time.perf_counter()
    outcome = await sandbox.run(
        Automation(CRAWL),
        {"at_once": AT_ONCE},
        start_url=url,
        egress=Egress(allow=(url.rstrip("/"),)),
        affinity="crawl",
    )
    assert outcome.value is not None, outcome.error
    assert outcome.value["rows"] == PAGES
    return PAGES / (time.perf_counter() - began)


def scraped(url: str) -> float:
    """Return the pages a second of Scrapy, its start left out as the jail's is."""
    idle = _seconds_of_scrapy("data:,")
    return PAGES / (_seconds_of_scrapy(url) - idle)


def _seconds_of_scrapy(url: str) -> float:
    began = time.perf_counter()
    done = subprocess.run([SCRAPY, "-c", SPIDER, url, str(AT_ONCE)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == (PAGES if url.startswith("http") else 0)
    return time.perf_counter() - began


async def compared(url: str, rounds: int) -> bool:
    """Print the throughput of the crawl; return True where it meets its goal."""
    ours, theirs = [], []
    async with Sandbox(pool=PoolOptions(spare=0), per_host=PerHost(at_once=AT_ONCE)) as sandbox:
        await crawled(sandbox, url)
        for _ in range(rounds):
            ours.append(await crawled(sandbox, url))
            theirs += [await asyncio.to_thread(scraped, url)] if SCRAPY else []
    shown = f"crawl of {PAGES} pages, {AT_ONCE} at once: web {statistics.median(ours):.0f} pages/s"
    if not theirs:
        print(f"{shown}; Scrapy left out: WEBTASKS_BENCH_SCRAPY names no Python that has it", flush=True)
        return True
    share = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    print(
        f"{shown}, Scrapy {statistics.median(theirs):.0f}, ratio {share:.2f} (goal: at least {SCRAPY_SHARE})",
        flush=True,
    )
    return share >= SCRAPY_SHARE


async def mapped(url: str) -> bool:
    """Print the throughput of `map` over a thousand parameter sets; return True where it meets its goal."""
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder), "key", ITEM, parameters={"n": 0})
        async with AsyncEngine(store=folder, per_host=AT_ONCE) as engine:
            asked = [{"task": TASK, "parameters": {"n": number}} for number in range(PAGES)]
            await engine.map(asked[:10], start_url=url, reuse_key="key", ai="never")
            began = time.perf_counter()
            results = await engine.map(asked, start_url=url, reuse_key="key", ai="never")
            rate = PAGES / (time.perf_counter() - began)
    wrong = [str(result.error) for result in results if not result.ok]
    wrong += [str(r.output) for n, r in enumerate(results) if r.ok and r.output[0]["price"] != f"{n}.99"]
    if wrong:
        raise SystemExit(f"{len(wrong)} of {PAGES} replays are wrong: {wrong[0]}")
    print(f"map over {PAGES} parameter sets: {rate:.0f} replays/s (goal: at least {REPLAYS_A_SECOND})", flush=True)
    return rate >= REPLAYS_A_SECOND


async def main(rounds: int) -> int:
    with site("tests.benchmarks.bench_web_bulk", "--serve") as url:
        met = [await compared(url, rounds), await mapped(url)]
    return 0 if all(met) else 1


if __name__ == "__main__":
    if "--serve" in sys.argv:
        serve(body_of)
    else:
        sys.exit(measure_in_rounds("bench_web_bulk", main, rounds=3))
