"""Pages that `web` reads, against httpx and selectolax bare, without a network: a share of their throughput.

Paired: in each round both get the same page of 50 rows from memory and read name, price and address of each row, `web`
with cookies, redirects, charset and texts as a browser shows them. Goal: at least half. Run with `make bench`, or
`python -m tests.benchmarks.bench_web_client --rounds 3`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable
from statistics import median
from urllib.parse import urljoin

import httpx
from selectolax.lexbor import LexborHTMLParser

from sandbox.web.client import Web
from sandbox.web.transport import WebAnswer, WebRequest
from tests.benchmarks.rounds import measure_in_rounds

GOAL = 0.5
PAGES = 100  # in each round
URL = "https://shop.test/"
ROWS = "".join(
    f'<tr class="item"><td><a href="/item/{n}">Thing <b>number</b> {n}</a></td><td class="price">{n},50 €</td></tr>'
    for n in range(50)
)
NAVIGATION = "".join(f'<li><a href="/topic/{n}">Topic {n}</a></li>' for n in range(40))
PAGE = (
    f"<!doctype html><title>Things</title><nav><ul>{NAVIGATION}</ul></nav><table><tbody>{ROWS}</tbody></table>".encode()
)
HEADERS = (("Content-Type", "text/html; charset=utf-8"), ("Set-Cookie", "seen=1; Path=/"))
Rows = list[tuple[str, str, str]]


class Memory:
    """Answers each request with the page."""

    async def send(self, request: WebRequest) -> WebAnswer:
        return WebAnswer(200, HEADERS, PAGE)


async def by_web(web: Web) -> Rows:
    page = await web.get("/")
    return [
        (row.css("a").one.text, row.css(".price").one.text, row.css("a").one.href) for row in page.css("table tr.item")
    ]


async def by_httpx(client: httpx.AsyncClient) -> Rows:
    answer = await client.get(URL)
    found = []
    for row in LexborHTMLParser(answer.text).css("table tr.item"):
        link, price = row.css_first("a"), row.css_first(".price")
        assert link is not None  # as the page has it
        assert price is not None
        found.append((link.text(), price.text(), urljoin(URL, link.attributes["href"] or "")))
    return found


async def pages_a_second(read: Callable[[], Awaitable[Rows]]) -> float:
    begun = time.perf_counter()
    for _ in range(PAGES):
        await read()
    return PAGES / (time.perf_counter() - begun)


async def measure(rounds: int) -> int:
    web, ours, theirs = Web(Memory(), URL), [], []
    answering = httpx.MockTransport(lambda request: httpx.Response(200, headers=HEADERS, content=PAGE))
    async with httpx.AsyncClient(transport=answering) as client:
        if await by_web(web) != await by_httpx(client):
            raise SystemExit("both read different rows")
        for _ in range(rounds):
            ours.append(await pages_a_second(lambda: by_web(web)))
            theirs.append(await pages_a_second(lambda: by_httpx(client)))
    ratio = median(mine / other for mine, other in zip(ours, theirs, strict=True))
    shown = f"web {median(ours):.0f} pages/s, httpx and selectolax {median(theirs):.0f} pages/s"
    print(f"{shown}: {ratio:.2f} of it, goal {GOAL}")
    return ratio < GOAL


if __name__ == "__main__":
    sys.exit(measure_in_rounds("bench_web_client", measure))
