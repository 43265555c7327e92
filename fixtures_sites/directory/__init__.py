"""A guide to 53 local businesses, with categories, pages of twelve, a page for each, and a cookie banner.

v1: a table with numbered pages under `/?category=&page=`, details in a table at `/entry/<number>-<slug>`.
v2: cards with a button that loads more, details in a definition list at `/companies/<slug>`. `?page=` is ignored.
"""

from ..http import Request, Response
from ..server import Site
from . import v1, v2
from .data import Entry, entries, in_category

__all__ = ["SITE"]

SITE = Site("directory", about="Harrowmere Trades Guide: 53 businesses, paged and by category")


@SITE.route("/", version="v1")
def table(request: Request) -> str:
    return v1.listing(request.arg("category"), request.number("page"))


@SITE.route("/entry/{key}", version="v1")
def entry(request: Request, key: str) -> Response | str:
    found = _numbered(key)
    return v1.detail(found) if found else Response(v1.missing(), 404)


@SITE.route("/", version="v2")
def cards(request: Request) -> str:
    return v2.listing(request.arg("category"))


@SITE.route("/companies", version="v2")
def more_cards(request: Request) -> Response:
    found, start = in_category(request.arg("category")), request.number("from", 0)
    request.pause(0.1)
    return Response.json({"html": v2.cards(found, start), "shown": v2.shown(found, start), "total": len(found)})


@SITE.route("/companies/{slug}", version="v2")
def company(request: Request, slug: str) -> Response | str:
    found = next((each for each in entries() if each.slug == slug), None)
    return v2.detail(found) if found else Response(v2.missing(), 404)


@SITE.route("/entry/{key}", version="v2")
def moved(request: Request, key: str) -> Response:
    found = _numbered(key)
    return Response.redirect(f"/companies/{found.slug}", 301) if found else Response(v2.missing(), 404)


@SITE.route("/map/{number}")
def plan(request: Request, number: str) -> str:
    roads = "".join(
        f'<path d="M{x} 0 Q{x + 60} 110 {x - 30} 220" stroke="#fff" stroke-width="{9 - x % 5}" fill="none"/>'
        for x in range(20, 480, 67)
    )
    return (
        f"<!doctype html><html lang=en><title>Map {int(number) if number.isdigit() else 0}</title>"
        '<body style="margin:0;background:#dfe8d5"><svg width="100%" height="220" viewBox="0 0 480 220" '
        f'preserveAspectRatio="xMidYMid slice">{roads}<path d="M0 150 H480" stroke="#f5d98a" stroke-width="13"/>'
        '<circle cx="240" cy="108" r="11" fill="#b3402a"/></svg></body></html>'
    )


@SITE.route("/media/{number}.svg")
def logo(request: Request, number: str) -> Response:
    hue = int(number) * 47 % 360 if number.isdigit() else 0
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" fill="hsl({hue} 34% 88%)"/>'
        f'<path d="M8 31 L20 9 L32 31 Z" fill="hsl({hue} 42% 40%)"/><circle cx="20" cy="25" r="{hue % 4 + 3}" fill="#fff"/></svg>'
    )
    return Response(svg, content_type="image/svg+xml")


def _numbered(key: str) -> Entry | None:
    number = key.split("-")[0]
    return next((each for each in entries() if str(each.number) == number), None)
