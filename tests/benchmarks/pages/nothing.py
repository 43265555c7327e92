"""Sites on which nothing is found for some parameters, and that is right: each says so in a way of its own, or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.testing.drift import Marks
from tests.benchmarks.pages.make import Body, Make, Rows, as_json, chance, html

_KINDS = ("Clocks", "Lamps", "Mirrors")
_NONE = "Mirrors"
_READ = """\
import re


async def rows_of(page, parameters):
    found = []
    for row in await page.locator(".row").all():
        price = await row.locator(".price").inner_text()
        found.append({"name": await row.locator(".name").inner_text(), "price": float(price.strip("£"))})
    return found


"""
_CHOOSE = """\
async def run(page, parameters, task):
    await page.get_by_label("Kind").select_option(label=parameters["kind"])
    await page.get_by_role("button", name="Show").click()
    await page.wait_for_url(re.compile("kind="))
"""
_PLAIN = _READ + _CHOOSE + '    await page.locator("h1").wait_for()\n    return await rows_of(page, parameters)\n'
_TOLD = (
    _READ
    + _CHOOSE
    + """\
    none = page.locator(".none")
    await page.locator(".row").or_(none).first.wait_for()
    if await none.count():
        await task.empty(none)
        return []
    return await rows_of(page, parameters)
"""
)
_JSON = """\
from urllib.parse import urljoin


async def run(page, parameters, task):
    answer = await page.request.get(urljoin(page.url, f"/api/list?kind={parameters['kind']}"))
    return [{"name": row["name"], "price": row["price"]} for row in (await answer.json())["rows"]]
"""
_MOST = (
    _READ
    + """\
async def run(page, parameters, task):
    await page.locator(".row").first.wait_for()
    return [row for row in await rows_of(page, parameters) if row["price"] <= parameters["most"]]
"""
)
_MOST_READ = (
    _READ
    + """\
async def run(page, parameters, task):
    await page.locator(".row").first.wait_for()
    rows = await task.read(await rows_of(page, parameters))
    return [row for row in rows if row["price"] <= parameters["most"]]
"""
)
_WORD = (
    _READ
    + """\
async def run(page, parameters, task):
    await page.locator(".row").first.wait_for()
    return [row for row in await rows_of(page, parameters) if parameters["word"].lower() in row["name"].lower()]
"""
)
_MOST_PAGES = (
    _READ
    + """\
async def run(page, parameters, task):
    found = []
    while True:
        await page.locator(".row").first.wait_for()
        found += [row for row in await rows_of(page, parameters) if row["price"] <= parameters["most"]]
        following = page.get_by_role("link", name="Next", exact=True)
        if not await following.count():
            return found
        await following.click()
        await page.wait_for_load_state()
"""
)
_MOST_JSON = """\
from urllib.parse import urljoin


async def run(page, parameters, task):
    answer = await page.request.get(urljoin(page.url, "/api/list?kind="))
    rows = (await answer.json())["rows"]
    return [{"name": row["name"], "price": row["price"]} for row in rows if row["price"] <= parameters["most"]]
"""


@dataclass(frozen=True)
class Nothing:
    """One way in which there is nothing.

    Args:
        nothing: The HTML in place of rows; where none is given, code filters.
        total: The text of the total, with ``{}`` for the number.
        around: The HTML around the rows, with ``{}`` for them.
    """

    name: str
    code: str
    nothing: str = ""
    total: str = ""
    around: str = '<div class="rows">{}</div>'
    keeps_around: bool = True
    paged: bool = False


_BY_SITE = (
    Nothing("message", _TOLD, '<p class="none">No products found.</p>', keeps_around=False),
    Nothing("message-unknown-to-code", _PLAIN, '<p class="none">No products found.</p>', keeps_around=False),
    Nothing("message-in-list", _PLAIN, '<p>There are no products here.</p>'),
    Nothing("total-zero", _PLAIN, "", total="{} products"),
    Nothing("message-and-total", _TOLD, '<p class="none">Nothing found</p>', total="{} products"),
    Nothing("empty-table", _PLAIN, "", around="<table><thead><tr><th>Name</th><th>Price</th></tr></thead>"
            "<tbody>{}</tbody></table>"),
    Nothing("empty-container", _PLAIN),
    Nothing("cell-across", _TOLD, '<tr><td colspan="2" class="none">No data available in table</td></tr>',
            around="<table><thead><tr><th>Name</th><th>Price</th></tr></thead><tbody>{}</tbody></table>"),
    Nothing("german", _TOLD, '<p class="none">Keine Treffer für Ihre Auswahl</p>', keeps_around=False),
    Nothing("french-unknown-to-code", _PLAIN, "<p>Aucun résultat</p>", keeps_around=False),
    Nothing("status", _TOLD, '<div role="status" class="none">0 results</div>'),
    Nothing("names-the-value", _TOLD, f'<h2 class="none">We have no {_NONE.lower()} at the moment</h2>'),
    Nothing("late-message", _TOLD, '<script>setTimeout(() => document.querySelector(".rows").insertAdjacentHTML('
            '"beforeend", "<p class=none>Nothing to show</p>"), 300)</script>'),
    Nothing("search-empty", _TOLD, '<img alt="" src="/empty.svg"><h2 class="none">Your search came back empty</h2>'
            "<p>Try another kind, or clear all filters.</p>"),
    Nothing("recommended-aside", _TOLD, '<p class="none">No matches</p></div><aside><h2>You may also like</h2>'
            '<p>Alba Clock</p></aside><div>'),
    Nothing("json", _JSON),
)  # fmt: skip
_BY_CODE = (
    Nothing("code-price", _MOST),
    Nothing("code-price-read", _MOST_READ),
    Nothing("code-word", _WORD),
    Nothing("code-pages", _MOST_PAGES, paged=True, total="{} products"),
    Nothing("code-json", _MOST_JSON),
)


def _records(day: int) -> Rows:
    return [
        {"kind": kind, "name": f"{first} {kind[:-1]}", "price": 11 + chance(kind, first).randrange(80) + 0.5}
        for kind in _KINDS
        if kind != _NONE
        for first in ("Alba", "Birk", "Cato", "Dune", "Elva", "Faro", "Gila", "Juno", "Lund")
    ]


def _make(way: Nothing) -> Make:
    in_code = way in _BY_CODE
    sets: tuple[Mapping[str, Any], ...] = ({"kind": "Clocks"}, {"kind": "Lamps"}, {"kind": _NONE})
    if in_code:
        sets = ({"most": 60.0}, {"most": 30.0}, {"most": 5.0})
    if way.name == "code-word":
        sets = ({"word": "clock"}, {"word": "gila"}, {"word": "mirror"})

    def row(record: Mapping[str, Any]) -> str:
        name, price = (
            f'<span class="name">{record["name"]}</span>',
            f'<span class="price">£{record["price"]:.2f}</span>',
        )
        if "<table" in way.around:
            return f'<tr class="row"><td>{name}</td><td>{price}</td></tr>'
        return f'<div class="row"><h3>{name}</h3>{price}</div>'

    def render(path: str, query: Mapping[str, str], records: Rows) -> Body:
        asked = query.get("kind", "")
        shown = [record for record in records if asked in (record["kind"], "")]
        if path == "/api/list":
            return as_json({"total": len(shown), "rows": [{"name": r["name"], "price": r["price"]} for r in shown]})
        choice = "".join(f"<option{' selected' * (each == asked)}>{each}</option>" for each in _KINDS)
        select = f'<label>Kind <select name="kind">{choice}</select></label>'
        form = f'<form action="/list">{select}<button>Show</button></form>'
        if path == "/" and not in_code:
            return html("House of things", f"<h1>House of things</h1>{form}")
        at, size = int(query.get("page", 1)), 6 if way.paged else 100
        rows = "".join(map(row, shown[size * at - size : size * at]))
        listing = way.around.format(rows or way.nothing) if rows or way.keeps_around else way.nothing
        total = f'<p class="total">{way.total.format(len(shown))}</p>' if way.total else ""
        ahead = f'<a href="/list?page={at + 1}">Next</a>' if len(shown) > size * at else ""
        name = asked or "All things"
        return html(f"{name} | House of things", f"{form}<h1>{name}</h1>{total}{listing}{ahead}")

    def truth(asked: Mapping[str, Any], records: Rows) -> Any:
        kept = [{"name": record["name"], "price": record["price"]} for record in records if _is_asked(asked, record)]
        return json.loads(json.dumps(kept))

    return Make(
        name=f"none-{way.name}",
        task="List name and price of the products" + (" of a kind" if not in_code else " that fit"),
        code=way.code,
        parameters=sets,
        marks=Marks(items=".row", name="name", fields={"name": ".name", "price": ".price"}),
        group="kind",
        rows=_records,
        render=render,
        truth=truth,
    )


def _is_asked(asked: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    if "most" in asked:
        return bool(record["price"] <= asked["most"])
    if "word" in asked:
        return asked["word"].lower() in record["name"].lower()
    return bool(record["kind"] == asked["kind"])


NOTHING: Mapping[str, Make] = {make.name: make for make in map(_make, (*_BY_SITE, *_BY_CODE))}
"""Sites whose third set of parameters has nothing, rightly."""
