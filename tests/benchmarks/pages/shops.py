"""A shop of cards without labels, a catalog of parts with units in the heads, and a product page of terms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from engine.testing.drift import Marks
from tests.benchmarks.pages.make import (
    TODAY,
    Body,
    Make,
    Rows,
    asking,
    chance,
    flag,
    html,
    listed,
    missing,
    moved,
    price,
    printed,
)  # fmt: skip

_KINDS = {"desk-lamps": "Desk lamps", "floor-lamps": "Floor lamps", "clocks": "Clocks", "mirrors": "Mirrors"}
_FIRST = ("Alba", "Birk", "Cato", "Dune", "Elva", "Faro", "Gila", "Hovden", "Isla", "Juno", "Kerr", "Lund", "Mika",
          "Nora", "Orla", "Pax", "Runa", "Sola")  # fmt: skip
_LAST = {"desk-lamps": "Task Lamp", "floor-lamps": "Floor Light", "clocks": "Wall Clock", "mirrors": "Mirror"}


def _cards(day: int) -> Rows:
    return [
        {
            "kind": kind,
            "name": f"{first} {_LAST[kind]}",
            "slug": f"{first}-{kind}".lower(),
            "price": price(day, 14, 190, kind, first),
            "rating": round(3.1 + chance("rating", kind, first, moved(day, kind, first)).random() * 1.8, 1),
            "in_stock": flag(day, 0.7, kind, first),
            "image": f"/img/{first}-{kind}.jpg".lower(),
        }
        for kind in _KINDS
        for first in _FIRST
        if listed(day, kind, first)
    ]


def _card(row: Mapping[str, Any]) -> str:
    badge = '<span class="badge">In stock</span>' if row["in_stock"] else '<span class="badge out">Sold out</span>'
    return (
        f'<article class="card"><a href="/p/{row["slug"]}"><img src="{row["image"]}" alt=""></a>'
        f'<h3><a href="/p/{row["slug"]}">{row["name"]}</a></h3><p class="price">£{row["price"]:,.2f}</p>'
        f'<p class="rating">{row["rating"]} out of 5</p>{badge}<button>Add to basket</button></article>'
    )


def _shop(path: str, query: Mapping[str, str], rows: Rows) -> Body:
    menu = "".join(f'<li><a href="/c/{slug}">{name}</a></li>' for slug, name in _KINDS.items())
    if path == "/":
        return html("Hearth & Home", f"<h1>Hearth &amp; Home</h1><ul>{menu}</ul>")
    slug = path.removeprefix("/c/")
    if slug not in (*_KINDS, "all"):
        return missing()
    shown = [row for row in rows if slug in (row["kind"], "all")]
    name = _KINDS.get(slug, "All products")
    cards = "".join(map(_card, shown)) or "<p>There are no products in this category.</p>"
    main = (
        f'<nav aria-label="Breadcrumb"><ol><li><a href="/">Home</a></li><li>{name}</li></ol></nav>'
        f'<h1>{name}</h1><p class="total">{len(shown)} products</p><div class="grid">{cards}</div>'
    )
    return html(f"{name} | Hearth & Home", main)


CARDS = Make(
    name="cards",
    group="kind",
    task="List the products of a category with name, price, rating, whether they are in stock, and path of the picture",
    code="""\
import re


async def run(page, parameters, task):
    await page.get_by_role("link", name=parameters["category"], exact=True).click()
    await page.locator(".grid").wait_for()
    found = []
    for card in await page.locator(".card").all():
        price = await card.locator(".price").first.inner_text()
        rating = await card.locator(".rating").inner_text()
        badge = await card.locator(".badge").first.inner_text()
        found.append({
            "name": await card.locator("h3").inner_text(),
            "price": float(re.search(r"\\d[\\d,]*\\.\\d\\d", price)[0].replace(",", "")),
            "rating": float(re.search(r"\\d+(\\.\\d)?", rating)[0]),
            "in_stock": "sold out" not in badge.lower(),
            "image": await card.locator("img").get_attribute("src"),
        })
    return found
""",
    parameters=({"category": "Clocks"}, {"category": "Desk lamps"}),
    marks=Marks(
        items=".card",
        name="name",
        fields={"name": "h3 a", "price": ".price", "rating": ".rating", "in_stock": ".badge", "image": "img"},
        roles={"money": "price", "score": "rating", "flag": "in_stock", "text": "name", "image": "image"},
        heading="h1, title, nav[aria-label=Breadcrumb] li:last-child",
        total=".total",
        contrary=("Sold out", "Currently unavailable"),
        filtered=lambda target: "/c/all" if target.startswith("/c/") else None,
        another=lambda target: "/c/mirrors" if target.startswith("/c/") else None,
    ),
    rows=_cards,
    render=_shop,
    truth=lambda asked, rows: [
        {name: row[name] for name in ("name", "price", "rating", "in_stock", "image")}
        for row in rows
        if _KINDS[row["kind"]] == asked["category"]
    ],
)

_FAMILIES = ("Bearings", "Couplings", "Gears", "Pulleys")
_PART_HEADS = ("Part no.", "Description", "Weight (kg)", "Bore (mm)", "Price (£)", "Available from")


def _parts(day: int) -> Rows:
    return [
        {
            "family": family,
            "part": f"{family[:2].upper()}-{number * 7 + 103}",
            "description": f"{('Light', 'Heavy', 'Sealed', 'Split')[number % 4]} {family[:-1].lower()} {number + 2}0",
            "weight_kg": round(chance("weight", family, number).uniform(0.2, 9), 2),
            "bore_mm": 5 + chance("bore", family, number).randrange(2, 60),
            "price": price(day, 3, 160, family, number),
            "available_from": TODAY + timedelta(days=chance("from", family, number).randrange(-150, 20)),
        }
        for family in _FAMILIES
        for number in range(18)
        if listed(day, family, number)
    ]


def _catalog(path: str, query: Mapping[str, str], rows: Rows) -> Body:
    asked = query.get("family", "")
    choice = "".join(f"<option{' selected' * (each == asked)}>{each}</option>" for each in ("All", *_FAMILIES))
    select = f'<label>Family <select name="family">{choice}</select></label>'
    form = f'<form action="/parts">{select}<button>Show</button></form>'
    if path == "/":
        return html("Drive parts", f"<h1>Drive parts</h1>{form}")
    shown = [row for row in rows if asked in (row["family"], "All", "")]
    lines = "".join(
        f"<tr><td>{row['part']}</td><td>{row['description']}</td><td>{row['weight_kg']:.2f}</td><td>{row['bore_mm']}</td>"
        f"<td>{row['price']:,.2f}</td><td>{row['available_from']:%d/%m/%Y}</td></tr>"
        for row in shown
    )
    heads = "".join(f"<th>{head}</th>" for head in _PART_HEADS)
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"
    name = asked if asked in _FAMILIES else "All parts"
    return html(f"{name} - Drive parts", f'{form}<h2>{name}</h2><p class="total">{len(shown)} parts found</p>{table}')


_PART_FIELDS = ("part", "description", "weight_kg", "bore_mm", "price", "available_from")
PARTS = Make(
    name="parts",
    group="family",
    task="List the parts of a family with weight in kg, bore in mm, price in pounds and the date of availability",
    code='''\
from datetime import datetime


async def run(page, parameters, task):
    await page.get_by_label("Family").select_option(label=parameters["family"])
    await page.get_by_role("button", name="Show").click()
    await page.locator("tbody").wait_for(state="attached")
    found = []
    for row in await page.locator("tbody tr").all():
        cells = await row.locator("td").all_inner_texts()
        found.append({
            "part": cells[0],
            "description": cells[1],
            "weight_kg": float(cells[2]),
            "bore_mm": int(cells[3]),
            "price": float(cells[4].replace(",", "")),
            "available_from": datetime.strptime(cells[5], "%d/%m/%Y").date().isoformat(),
        })
    return found
''',
    parameters=({"family": "Gears"}, {"family": "Bearings"}),
    marks=Marks(
        items="tbody tr",
        name="part",
        fields={name: f"td:nth-of-type({at + 1})" for at, name in enumerate(_PART_FIELDS)},
        labels={name: f"thead th:nth-of-type({at + 1})" for at, name in enumerate(_PART_FIELDS)},
        roles={
            "money": "price", "measure": "weight_kg", "number": "bore_mm", "date": "available_from",
            "text": "description",
        },
        heading="h2, title",
        total=".total",
        filtered=asking("family", "All"),
        another=asking("family", "Pulleys"),
    ),
    rows=_parts,
    render=_catalog,
    truth=lambda asked, rows: [
        {name: row[name].isoformat() if name == "available_from" else row[name] for name in _PART_FIELDS}
        for row in rows
        if row["family"] == asked["family"]
    ],
)  # fmt: skip

_MACHINES = (
    "Compact Mixer 20",
    "Bench Lathe 180",
    "Dough Sheeter 45",
    "Band Saw 300",
    "Spray Booth 2",
    "Pillar Drill 16",
)


def _machines(day: int) -> Rows:
    return [
        {
            "name": name,
            "price": price(day, 250, 2900, name),
            "weight_kg": round(chance("weight", name).uniform(8, 240), 1),
            "warranty_months": (12, 24, 36)[number % 3],
            "delivery": TODAY + timedelta(days=4 + day + number),
            "available": flag(day, 0.7, "machine", name) or number < 2,
            "contact": f"{('sales', 'tools', 'bakery')[number % 3]}@northforge.example",
        }
        for number, name in enumerate(_MACHINES)
    ]


def _machine(path: str, query: Mapping[str, str], rows: Rows) -> Body:
    slugs = {re.sub(r"\W+", "-", row["name"]).lower(): row for row in rows}
    if path == "/":
        links = "".join(f'<li><a href="/m/{slug}">{row["name"]}</a></li>' for slug, row in slugs.items())
        return html("Northforge", f"<h1>Northforge machines</h1><ul>{links}</ul>")
    row = slugs.get(path.removeprefix("/m/"))
    if row is None:
        return missing()
    terms = {
        "Price": f"£{row['price']:,.2f} incl. VAT",
        "Net weight": f"{row['weight_kg']} kg",
        "Warranty": f"{row['warranty_months']} months",
        "Delivered by": printed(row["delivery"]),
        "Availability": "Available" if row["available"] else "Not available",
        "Contact": row["contact"],
    }
    listed_terms = "".join(f"<dt>{term}</dt><dd>{value}</dd>" for term, value in terms.items())
    also = "".join(f'<li><a href="/m/{slug}">{each["name"]}</a></li>' for slug, each in list(slugs.items())[:3])
    main = f"<h1>{row['name']}</h1><dl>{listed_terms}</dl><aside><h2>Other machines</h2><ul>{also}</ul></aside>"
    return html(f"{row['name']} | Northforge", main)


def _term(words: str) -> str:
    return f'dt:-soup-contains("{words}")'


_SHEET_TERMS = {
    "price": "Price", "weight_kg": "Net weight", "warranty_months": "Warranty", "delivery": "Delivered by",
    "available": "Availability", "contact": "Contact",
}  # fmt: skip
SHEET = Make(
    name="sheet",
    group="name",
    task="Give the price incl. VAT in pounds, weight in kg, warranty in months, delivery date, availability and contact"
    " of a machine",
    code='''\
import re
from datetime import datetime


async def run(page, parameters, task):
    await page.get_by_role("link", name=parameters["machine"], exact=True).first.click()
    await page.locator("dl").wait_for()
    values = await page.locator("dd").all_inner_texts()
    return {
        "name": await page.locator("h1").inner_text(),
        "price": float(re.search(r"\\d[\\d,]*\\.\\d\\d", values[0])[0].replace(",", "")),
        "weight_kg": float(re.search(r"\\d+(\\.\\d+)?", values[1])[0]),
        "warranty_months": int(re.search(r"\\d+", values[2])[0]),
        "delivery": datetime.strptime(values[3], "%d %B %Y").date().isoformat(),
        "available": values[4] != "Not available",
        "contact": values[5],
    }
''',
    parameters=({"machine": "Compact Mixer 20"}, {"machine": "Bench Lathe 180"}),
    marks=Marks(
        name="name",
        fields={"name": "h1", **{name: f"{_term(words)} + dd" for name, words in _SHEET_TERMS.items()}},
        labels={name: _term(words) for name, words in _SHEET_TERMS.items()},
        roles={
            "money": "price", "measure": "weight_kg", "number": "warranty_months", "date": "delivery",
            "flag": "available", "text": "contact",
        },
        heading="h1, title",
        contrary=("Not available", "Discontinued"),
        another=lambda target: "/m/band-saw-300" if target.startswith("/m/") else None,
        listed=False,
    ),
    rows=_machines,
    render=_machine,
    truth=lambda asked, rows: next(
        {**row, "delivery": row["delivery"].isoformat()} for row in rows if row["name"] == asked["machine"]
    ),
)  # fmt: skip
