"""A shop of small pages on which careless code goes wrong in one way each, and good code does not."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

from fixtures_sites.http import Request, Response
from fixtures_sites.server import Site

SHOP = Site("first-runs", about="pages for first runs of code", state=SimpleNamespace, versions=("v1",))
SIZES = {"Lighting": 14, "Seating": 11, "Storage": 17, "Outdoor": 0}
LONG = {"Lighting": 64, "Seating": 47, "Storage": 73}
SELLERS = ("Ann Bell", "Ben Carr", "Cal Dunn", "Dee Ford")


def name(category: str, number: int) -> str:
    return f"{category[:-3]} {chr(65 + number % 26)}{number * 7 % 50 + 10}"


def price(category: str, number: int) -> str:
    return f"{(number * 83 + len(category) * 37) % 700 + 99}.{number % 10}0"


def row(category: str, number: int) -> dict[str, str]:
    """Return the texts of one ware."""
    return {
        "name": name(category, number),
        "price": price(category, number),
        "old": f"{(number * 83 + len(category) * 37) % 700 + 131}.50",
        "weight": f"{(number * 13 + len(category)) % 40 + 2}.{number % 7}",
        "stock": "Sold out" if (number * 5 + len(category)) % 3 == 0 else "In stock",
        "seller": SELLERS[(number * 3 + len(category)) % 4],
        "added": f"{number % 27 + 1} March 20{19 + number % 6}",
        "sku": f"K-{len(category)}{number * 17 + 400}",
    }


def wares(category: str, sizes: dict[str, int] = SIZES) -> list[dict[str, str]]:
    return [row(category, number) for number in range(sizes.get(category, 0))]


def asked(request: Request) -> str:
    return request.arg("c", "Lighting")


def top(title: str) -> str:
    return f"<!doctype html><title>{title}</title>"


def script(name: str) -> str:
    """Return one of the scripts beside this module, as an element."""
    return f"<script>{Path(__file__).with_name('first_runs').joinpath(f'{name}.js').read_text()}</script>"


def line(r: dict[str, str]) -> str:
    return f"<li><b>{r['name']}</b> <i>£{r['price']}</i></li>"


def page(category: str, body: str, head: str = "") -> str:
    menu = " ".join(f"<a href='?c={each}'>{each}</a>" for each in SIZES)
    known = category in SIZES
    title = category if known else "Unknown category"
    return (
        f"<!doctype html><title>{title} - Shop</title>{head}<nav>{menu}</nav><main><h1>{title}</h1>"
        f"{body if known else '<p>There is no such category.</p>'}</main><footer>Imprint, 600 Stores</footer>"
    )


@SHOP.route("/table")
def table(request: Request) -> str:
    """A table with column heads; without rows it says nothing."""
    rows = "".join(
        f"<tr><td><a href='/item?sku={r['sku']}'>{r['name']}</a></td><td>£{r['price']}</td><td>{r['weight']}</td>"
        f"<td>{r['stock']}</td><td>{r['seller']}</td><td>{r['added']}</td></tr>"
        for r in wares(asked(request))
    )
    heads = "".join(f"<th>{h}</th>" for h in ("Name", "Price", "Weight (kg)", "Availability", "Seller", "Added"))
    return page(asked(request), f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>")


@SHOP.route("/summed")
def summed(request: Request) -> str:
    """A table without a head of its own, which ends with a sum."""
    found = wares(asked(request))
    rows = "".join(f"<tr><td>{r['name']}</td><td>{r['price']}</td></tr>" for r in found)
    total = sum(float(r["price"]) for r in found)
    end = f"<tr><td>Sum</td><td>{total:.2f}</td></tr>"
    return page(asked(request), f"<table><tr><td>Ware</td><td>Price</td></tr>{rows}{end}</table>")


def card(r: dict[str, str], *, reduced: bool = True, link: str = "") -> str:
    old = f"<span class='price old'><s>£{r['old']}</s></span> " if reduced else ""
    return (
        f"<article class=card><h3>{r['name']}</h3>{old}<span class='price now'>£{r['price']}</span>"
        f"<p class=stock>{r['stock']}</p><a href='/item?sku={r['sku']}'>Details</a>{link}</article>"
    )


@SHOP.route("/cards")
def cards(request: Request) -> str:
    """Cards with the old price first, and recommended ones of another category below."""
    other = "Storage" if asked(request) != "Storage" else "Lighting"
    shown = "".join(map(card, wares(asked(request))))
    more = "".join(map(card, wares(other)[:5]))
    return page(asked(request), f"<div>{shown}</div><section><h2>You may also like</h2>{more}</section>")


@SHOP.route("/gaps")
def gaps(request: Request) -> str:
    """Cards of which one has no price: columns read apart shift."""
    shown = "".join(
        f"<article><h3>{r['name']}</h3>"
        + ("<a href='/ask'>Price on request</a>" if n == 2 else f"<span class=price>£{r['price']}</span>")
        + "</article>"
        for n, r in enumerate(wares(asked(request)))
    )
    return page(asked(request), shown)


@SHOP.route("/numbered")
def numbered(request: Request) -> str:
    """Pages of six, which lead on by their numbers alone."""
    found, at = wares(asked(request)), request.number("p")
    rows = "".join(f"<li><b>{r['name']}</b> <i>£{r['price']}</i></li>" for r in found[at * 6 - 6 : at * 6])
    pages = range(1, (len(found) + 5) // 6 + 1)
    links = "".join(
        f"<li class=active><a href='?c={asked(request)}&p={n}'>{n}</a></li>" if n == at
        else f"<li><a href='?c={asked(request)}&p={n}'>{n}</a></li>"
        for n in pages
    )  # fmt: skip
    return page(asked(request), f"<ul class=wares>{rows}</ul><nav class=pages><ul>{links}</ul></nav>")


@SHOP.route("/stated")
def stated(request: Request) -> str:
    """The first ten of a list whose number is stated, the rest under ``all``."""
    found = wares(asked(request))
    shown = found if request.arg("all") else found[:10]
    rows = "".join(f"<li><b>{r['name']}</b> <i>£{r['price']}</i></li>" for r in shown)
    link = f"<a href='?c={asked(request)}&all=1'>See all</a>"
    return page(asked(request), f"<p>{len(found)} products</p><ul class=wares>{rows}</ul>{link}")


@SHOP.route("/failing")
def failing(request: Request) -> str:
    """A list whose button for more goes away when the server fails."""
    rows = "".join(map(line, wares(asked(request))[:8]))
    return page(asked(request), f"<ul class=wares>{rows}</ul><button>Load more</button>{script('failing')}")


@SHOP.route("/broken")
def broken(request: Request) -> Response:
    return Response(b"", status=500)


def article(r: dict[str, str]) -> str:
    return f"<article style='height:90px'><h3>{r['name']}</h3><p>by {r['seller']}</p></article>"


@SHOP.route("/endless")
def endless(request: Request) -> str:
    """A list of which the next twenty come whenever its end is in view; no total, no button."""
    shown = "".join(map(article, wares(asked(request), LONG)[:20]))
    return page(asked(request), f"<div>{shown}</div><div id=end style='height:1px'></div>{script('endless')}")


@SHOP.route("/rest")
def rest(request: Request) -> str:
    at = request.number("at")
    return "".join(map(article, wares(asked(request), LONG)[at : at + 20]))


@SHOP.route("/recycled")
def recycled(request: Request) -> str:
    """A box that scrolls and keeps twelve elements, which it uses again for the rows in view."""
    data = json.dumps([[r["name"], r["price"]] for r in wares(asked(request), LONG)])
    space = "<div id=space style='position:relative'></div>"
    box = f"<div id=box style='height:400px;overflow:auto' data-rows='{data}'>{space}</div>"
    return page(asked(request), box + script("recycled"))


STATIONS = {"Newport": 9, "Newport Pagnell": 6, "Newtown": 7, "Norwood": 8, "Norwood Junction": 5}


@SHOP.route("/board")
def board(request: Request) -> str:
    """Departures of a station that is chosen from those whose names begin alike, the longer name first."""
    menu = f"<div id=menu role=listbox data-stations='{json.dumps(list(STATIONS))}'></div>"
    field = "<label>Station <input id=field></label>"
    return f"{top('Live board')}<h1>Live board</h1>{field}{menu}<div id=out></div>{script('board')}"


@SHOP.route("/departures")
def departures(request: Request) -> str:
    station = request.arg("s")
    at = list(STATIONS).index(station)
    rows = "".join(
        f"<tr><td>{6 + i:02}:{(at * 7 + i * 11) % 60:02}</td><td>{SELLERS[(i + at) % 4]} Street</td></tr>"
        for i in range(STATIONS[station])
    )
    return f"<h2>Departures</h2><table><tr><th>Time</th><th>To</th></tr>{rows}</table>"


@SHOP.route("/calendar")
def calendar(request: Request) -> str:
    """Free slots of a day that is chosen in a month's sheet, on which the last days of the month before stand, too."""
    days = [("02", day) for day in range(26, 29)] + [("03", day) for day in range(1, 32)]
    buttons = "".join(f"<button data-k=2025-{month}-{day:02}>{day}</button>" for month, day in days)
    return f"{top('Courts')}<h1>Courts in March 2025</h1><div>{buttons}</div><div id=out></div>{script('calendar')}"


@SHOP.route("/slots")
def slots(request: Request) -> str:
    key = int(request.arg("k").replace("-", ""))
    rows = "".join(
        f"<tr><td>{8 + i}:{(key + i * 20) % 60:02}</td><td>Court {(key * 3 + i) % 6 + 1}</td></tr>"
        for i in range(key % 5 + 3)
    )
    return f"<h2>Free slots</h2><table><tr><th>Time</th><th>Court</th></tr>{rows}</table>"


@SHOP.route("/tabs")
def tabs(request: Request) -> str:
    """Tickets in two tabs of one table; the old rows stay for a moment after the click."""
    buttons = "".join(
        f"<button role=tab aria-selected={chosen}>{state}</button>"
        for state, chosen in (("Open", "true"), ("Closed", "false"))
    )
    heads = "<thead><tr><th>Ticket</th><th>Ware</th></tr></thead>"
    rows = ticket_rows(asked(request), "Open")
    table = f"<table>{heads}<tbody>{rows}</tbody></table>"
    return page(asked(request), f"<div role=tablist>{buttons}</div>{table}{script('tabs')}")


@SHOP.route("/tickets")
def tickets(request: Request) -> str:
    request.pause(0.4)
    return ticket_rows(asked(request), request.arg("t"))


def ticket_rows(category: str, state: str) -> str:
    begin = 100 if state == "Open" else 500
    return "".join(
        f"<tr><td>{category[:2]}-{begin + n * 7}</td><td>{name(category, n + begin)}</td></tr>"
        for n in range(SIZES.get(category, 0) - 3)
    )


@SHOP.route("/pictures")
def pictures(request: Request) -> str:
    """Cards whose pictures, but for the first three, are placeholders until they come into view."""
    shown = "".join(
        f"<article style='height:900px'><h3>{r['name']}</h3><img width=9 height=9 alt='' "
        + (f"src='/p/{r['sku']}.jpg'" if n < 3 else f"src='/blank.gif' data-src='/p/{r['sku']}.jpg'")
        + "></article>"
        for n, r in enumerate(wares(asked(request)))
    )
    return page(asked(request), shown)


@SHOP.route("/item")
def item(request: Request) -> str:
    """A ware's own page, with facts, and the facts of a similar one beside them."""
    every = {r["sku"]: (r, category) for category in SIZES for r in wares(category)}
    if request.arg("sku") not in every:
        return f"{top('Shop')}<h1>Unknown article</h1><p>No such article.</p>"
    r, category = every[request.arg("sku")]
    like = row(category, 3)
    terms = {"SKU": "sku", "Price": "price", "Weight": "weight", "Sold by": "seller", "Added": "added"}
    facts = "".join(f"<dt>{term}</dt><dd>{r[key]}</dd>" for term, key in terms.items())
    similar = f"<h2>Similar</h2><h3>{like['name']}</h3><dl><dt>Price</dt><dd>{like['price']}</dd></dl>"
    own = f"<h1>{r['name']}</h1><p>Article {r['sku']}, {r['stock']}</p><dl>{facts}</dl>"
    return f"{top(r['name'])}<aside>{similar}</aside><main>{own}</main>"


@SHOP.route("/search")
def search(request: Request) -> str:
    """A form that filters at the site; its list is not filtered before it was sent."""
    wanted = request.arg("q")
    found = [r for category in SIZES for r in wares(category) if not wanted or r["seller"] == wanted]
    rows = "".join(f"<tr><td>{r['name']}</td><td>{r['price']}</td></tr>" for r in found)
    options = "".join(f"<option{' selected' if s == wanted else ''}>{s}</option>" for s in ("", *SELLERS, "Eve Gray"))
    form = f"<form><label>Seller <select name=q>{options}</select></label><button>Show</button></form>"
    table = f"<table><tr><th>Name</th><th>Price</th></tr>{rows}</table>"
    return f"{top('Search')}<h1>All products</h1>{form}{table if rows else '<p>No products of this seller.</p>'}"


@SHOP.route("/api")
def api(request: Request) -> Response:
    found = [{**r, "price": float(r["price"])} for r in wares(asked(request))]
    return Response.json({"total": len(found), "items": found})


@SHOP.route("/scripted")
def scripted(request: Request) -> str:
    """A list that a script fetches as JSON and shows late."""
    return page(asked(request), f"<ul class=wares></ul>{script('scripted')}")


@SHOP.route("/late")
def late(request: Request) -> str:
    """A list that a script shows late, or a message in its place."""
    return page(asked(request), f"<p class=loading>Loading</p><ul class=wares></ul>{script('late')}")


@SHOP.route("/counted")
def counted(request: Request) -> str:
    """A list below the number of its rows, which may be 0."""
    found = wares(asked(request))
    return page(asked(request), f"<p>{len(found)} products</p><ul class=wares>{''.join(map(line, found))}</ul>")


@SHOP.route("/messages")
def messages(request: Request) -> str:
    """A list, or one of two messages in its place: another one for each category without rows."""
    found = wares(asked(request))
    words = "Hier ist leider nichts zu sehen: keine Artikel gefunden."
    return page(asked(request), f"<ul class=wares>{''.join(map(line, found))}</ul>{'' if found else f'<p>{words}</p>'}")


@SHOP.route("/gone")
def gone(request: Request) -> Response:
    """A list, or an answer with the status 404 where the category is not known."""
    body = page(asked(request), f"<ul class=wares>{''.join(map(line, wares(asked(request))))}</ul>")
    return Response(body, 200 if asked(request) in SIZES else 404)
