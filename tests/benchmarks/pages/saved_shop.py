"""A shop of django-oscar, from saved pages: its categories, and its products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.testing.drift import Marks
from tests.benchmarks.pages.make import Body, Rows, chance, flag, listed, missing, moved, price
from tests.benchmarks.pages.saved import body_of, make, page_of


def _slug(words: str) -> str:
    return words.lower().replace(" ", "-")


_CATEGORIES = {"Hand tools": "garden/hand-tools_2", "Knives": "kitchen/knives_4", "Lighting": "lighting_5"}
_WARES = {"Hand tools": ("Trowel", "Rake", "Shears"), "Knives": ("Peeler", "Cleaver", "Paring Knife"),
          "Lighting": ("Lantern", "Torch", "Reading Lamp")}  # fmt: skip


def _goods(day: int) -> Rows:
    return [
        {
            "category": category,
            "name": f"{metal} {ware}",
            "upc": f"U{1000 + 7 * at + 91 * number + len(category):05}",
            "price": price(day, 6, 1400, category, metal, ware),
            "in_stock": flag(day, 0.6, "oscar", metal, ware),
            "image": f"/img/{_slug(metal)}-{_slug(ware)}.jpg",
            "reviews": 1
            + chance("reviews", metal, ware).randrange(60)
            + moved(day, "reviews", metal, ware, share=0.05),
        }
        for category, wares in _WARES.items()
        for at, ware in enumerate(wares)
        for number, metal in enumerate(("Ash", "Brass", "Copper", "Oak", "Steel", "Walnut"))
        if listed(day, metal, ware)
    ]


def _oscar(path: str, query: Mapping[str, str], rows: Rows) -> Body:
    if path == "/" or path == "/catalogue/":
        return _category("All products", "", rows)
    for name, place in _CATEGORIES.items():
        if path == f"/catalogue/category/{place}/":
            return _category(name, place, [row for row in rows if row["category"] == name])
    for row in rows:
        if path == f"/catalogue/{_slug(row['name'])}/":
            return _product(row)
    return missing()


def _category(name: str, place: str, rows: Rows) -> Body:
    shown = [
        (
            {
                "h3 a": row["name"],
                "h3 a@title": row["name"],
                "a@href": f"/catalogue/{_slug(row['name'])}/",
                "img@alt": row["name"],
                "img@src": row["image"],
                ".price_color": f"£{row['price']:,.2f}",
            },
            0 if row["in_stock"] else 1,
        )
        for row in rows
    ]
    around = {
        "title": f"{name} | Oscar -", "h1": name, ".breadcrumb-item.active": name,
        "form[method=get] > strong": str(len(rows)),
    }  # fmt: skip
    page = page_of("oscar", around, "ol.row > li", shown)
    for chosen in page.select(".side_categories strong"):
        chosen.unwrap()
    for link in page.select(f'.side_categories a[href="/catalogue/category/{place}/"]'):
        chosen = page.new_tag("strong")
        chosen.string = name
        link.clear()
        link.append(chosen)
    return body_of(page)


def _product(row: Mapping[str, Any]) -> Body:
    net, amount = (f"£{row.get(name, row['price']):,.2f}" for name in ("price_excl_tax", "price_incl_tax"))
    stock = "In stock" if row.get("available", row["in_stock"]) else "Unavailable"
    cells = {"UPC": row["upc"], "(excl. tax)": net, "(incl. tax)": amount, "Availability": stock,
             "Number of reviews": str(row["reviews"])}  # fmt: skip
    around = {
        "title": f"{row['name']} | Oscar -", "h1": row["name"], ".breadcrumb-item.active": row["name"],
        ".product_main .price_color": amount, ".product_main .availability": stock,
        "#product_gallery img@alt": row["name"], "#product_gallery img@src": row["image"],
    }  # fmt: skip
    return body_of(page_of("oscar-product", {**around, **{f"{_term(term)} + td": cells[term] for term in cells}}))


def _term(words: str) -> str:
    return f'th:-soup-contains("{words}")'


_CATEGORY = "/catalogue/category/"
OSCAR = make(
    "oscar",
    "List the products of a category with name, price, whether they are in stock, and path of the picture",
    "category", ("Lighting", "Knives"), _goods, _oscar, ("name", "price", "in_stock", "image"),
    Marks(
        items="ol.row > li",
        name="name",
        fields={"name": "h3 a", "price": ".price_color", "in_stock": ".availability", "image": "img"},
        roles={"money": "price", "flag": "in_stock", "text": "name", "image": "image"},
        heading="h1, title, .breadcrumb-item.active",
        total="form[method=get] > strong",
        contrary=("Unavailable", "Currently not for sale"),
        filtered=lambda target: "/catalogue/" if target.startswith(_CATEGORY) else None,
        another=lambda target: f"{_CATEGORY}garden/hand-tools_2/" if target.startswith(_CATEGORY) else None,
    ),
)  # fmt: skip
_PRODUCT = {"name": "h1", "upc": "UPC", "price_excl_tax": "(excl. tax)", "price_incl_tax": "(incl. tax)",
            "available": "Availability", "reviews": "Number of reviews"}  # fmt: skip
_LABELS = {name: _term(words) for name, words in _PRODUCT.items() if name != "name"}


def _products(day: int) -> Rows:
    return [
        {**row, "product": row["name"], "price_excl_tax": row["price"], "price_incl_tax": row["price"],
         "available": row["in_stock"]}
        for row in _goods(day)
    ]  # fmt: skip


OSCAR_PRODUCT = make(
    "oscar-product",
    "Give name, UPC, price in pounds excl. and incl. tax, availability and number of reviews of a product",
    "product", ("Steel Lantern", "Oak Rake"), _products, _oscar, tuple(_PRODUCT),
    Marks(
        name="name",
        fields={"name": "h1", **{name: f"{label} + td" for name, label in _LABELS.items()}},
        labels=_LABELS,
        roles={"money": "price_incl_tax", "number": "reviews", "flag": "available", "text": "upc"},
        heading="h1, title, .breadcrumb-item.active",
        contrary=("Unavailable", "Discontinued"),
        another=lambda target: "/catalogue/copper-torch/" if target.count("/") == 3 else None,
        listed=False,
    ),
    group="name",
)  # fmt: skip
