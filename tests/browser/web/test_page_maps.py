"""Maps and evidence of pages without a browser, held against those that a browser makes of the same pages.

Two things differ by their nature: an outside style sheet is not fetched, and a frame is a page of its own, which code
has to get. No page here has either, but the form's first one, whose frame with prices is left out.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fixtures_sites import serve
from sandbox.page_map import PageMap, parse_map
from sandbox.paging import stated_totals
from sandbox.results import Evidence
from sandbox.web.page_maps import page_map
from sandbox.web.page_signs import MOST_TEXT, read_page
from sandbox.web.trees import Tree
from tests.support.mapped import Run, run, shop
from tests.support.pages import Pages

__all__ = ["run", "shop"]

ODD = {path.stem: path.read_text() for path in sorted(Path(__file__).with_name("odd_pages").glob("*.html"))}
ODD["long"] = (
    "<h1>Rows</h1><table><tr><th>Name<th>Price"
    + "".join(f"<tr><td>row {n}<td>{n}.50 <a href=/r/{n}>see</a>" for n in range(700))
    + "</table><p>end"
)
ODD["long listing"] = (
    "<h1>Index</h1><pre>"
    + "".join(f'<img alt=""> <a href="/f/{n}">file {n}</a>   2026-11-{n % 28 + 1:02}   {n * 37}\n' for n in range(400))
    + "<hr></pre>"
)
SCRIPT = re.compile(r"<script\b.*?</script>|<link\b[^>]*>", re.S)
FRAME = re.compile(r"<iframe\b.*?</iframe>", re.S)
PATHS = {
    "archive v1": ["/", "/reports/2025"],
    "archive v2": ["/"],
    "directory v1": ["/", "/?category=joinery", "/?category=thatching", "/entry/1-aldous-fenn-joinery"],
    "directory v2": ["/", "/companies"],
    "feed v1": ["/"],
    "feed v2": ["/"],
    "form v1": ["/", "/status", "/apply"],
    "form v2": ["/", "/permit/car"],
    "ledger v1": ["/login"],
    "ledger v2": ["/signin"],
    "misbehaving v1": ["/", "/list", "/login", "/captcha"],
}
SITES = [(*site.split(), path) for site, paths in PATHS.items() for path in paths]


async def compared(run: Run, html: str) -> tuple[PageMap, PageMap, Evidence, dict[str, object]]:
    for _ in range(3):
        outcome = await run(html)
        (seen,) = outcome.evidence.maps
        tree = Tree(html, seen.url)
        parsed = parse_map(page_map(tree, seen.url))
        if seen.cut == parsed.cut:
            break  # else a walk has met its bound of time, on a busy machine
    return seen, parsed, outcome.evidence, read_page(tree, seen.url)


def told(found: PageMap) -> list[object]:
    """All that a map tells, in an order in which differences are read easily."""
    units = [(found.places[unit.place], unit.item, unit.text) for unit in found.units]
    return [
        found.title, found.h1, found.breadcrumbs, found.state, found.row_count, found.totals, found.messages, found.cut,
        found.containers, *found.items, *units,
    ]  # fmt: skip


def words(text: object) -> str:
    return "".join(str(text).split()).casefold()


async def check(run: Run, html: str) -> None:
    browser, parsed, evidence, found = await compared(run, html)
    assert told(parsed) == told(browser)
    assert words(found["text"])[:1500] == words(evidence.text)[:1500]
    same = ("next_controls", "next_pages", "landmarks", "groups", "alerts", "password_field", "code_field", "challenge")
    lists = {name: getattr(evidence, name) for name in same}
    assert {name: found[name] for name in same} == {
        name: value if isinstance(value, bool) else [list(each) if isinstance(each, tuple) else each for each in value]
        for name, value in lists.items()
    }
    assert found["title"] == evidence.title
    assert len(str(found["text"])) <= MOST_TEXT
    if len(evidence.text) < MOST_TEXT - 100:
        assert [number for _, number in stated_totals(str(found["text"]))] == [number for _, number in evidence.counts]


@pytest.mark.parametrize("name", ODD)
async def test_odd_pages_have_the_same_maps_and_evidence(run: Run, name: str) -> None:
    await check(run, ODD[name])


@pytest.mark.parametrize(("name", "version", "path"), SITES)
async def test_pages_of_the_fixture_sites_have_the_same_maps_and_evidence(
    run: Run, shop: Pages, name: str, version: str, path: str
) -> None:
    with serve(name, version=version) as site:
        body = site.answer("GET", path, {}, b"").body
    html = FRAME.sub("", SCRIPT.sub("", body.decode() if isinstance(body, bytes) else body))
    await check(run, html)
