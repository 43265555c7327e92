"""A local newspaper with 64 stories, which a script renders fifteen at a time, about 300 ms after each request.

v1: `/?topic=`, infinite scroll over `/api/stories`; author, date and comments are in the shadow root of each `<sm-meta>`.
v2: `/#topic`, a "Show more" button over `/feed.json`; `?topic=` is ignored. Both open a newsletter modal once per browser context.
"""

from dataclasses import dataclass

from ..http import Request, Response
from ..server import Site
from . import v1, v2
from .data import BATCH, about, stories

__all__ = ["SITE", "State"]


@dataclass
class State:
    """The delay of the site's answers, and the time after which its modal opens, both in seconds."""

    delay: float = 0.3
    modal_after: float = 1.5


SITE = Site("feed", about="The Saltmarsh Courier: 64 stories that load late, with a newsletter modal", state=State)


@SITE.route("/", version="v1")
def scroll(request: Request) -> str:
    return v1.home(request.arg("topic"), request.state.modal_after)


@SITE.route("/api/stories", version="v1")
def batch(request: Request) -> Response:
    found, start = about(request.arg("topic")), max(request.number("offset", 0), 0)
    request.pause(request.state.delay)
    items = [
        {
            "id": each.number,
            "title": each.title,
            "topic": each.topic,
            "author": each.author,
            "date": each.day.isoformat(),
            "printed": each.printed,
            "comments": each.comments,
            "summary": each.summary,
        }
        for each in found[start : start + BATCH]
    ]
    return Response.json({"total": len(found), "items": items})


@SITE.route("/", version="v2")
def grid(request: Request) -> str:
    return v2.home(request.state.modal_after)


@SITE.route("/feed.json", version="v2")
def feed(request: Request) -> Response:
    found, start = about(request.arg("t")), max(request.number("after", 0), 0)
    request.pause(request.state.delay)
    rows = [
        [each.number, each.title, each.topic, each.author, each.printed, each.comments, each.summary]
        for each in found[start : start + BATCH]
    ]
    return Response.json({"n": len(found), "rows": rows})


@SITE.route("/story/{number}", version="v1")
def story(request: Request, number: str) -> Response | str:
    found = next((each for each in stories() if str(each.number) == number), None)
    return v1.story(found) if found else Response("Not found", 404, "text/plain")


@SITE.route("/read/{number}", version="v2")
def read(request: Request, number: str) -> Response | str:
    found = next((each for each in stories() if str(each.number) == number), None)
    return v2.story(found) if found else Response("Not found", 404, "text/plain")


@SITE.route("/img/{number}.svg")
def picture(request: Request, number: str) -> Response:
    seed = int(number) if number.isdigit() else 0
    hue, sun, sea = seed * 53 % 360, 60 + seed * 31 % 200, 96 + seed * 7 % 40
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 180"><rect width="320" height="180" fill="hsl({hue} 30% 84%)"/>'
        f'<circle cx="{sun}" cy="{sea - 30}" r="24" fill="hsl({hue + 30} 70% 92%)"/>'
        f'<path d="M0 {sea} Q80 {sea - 22} 160 {sea} T320 {sea} V180 H0Z" fill="hsl({hue} 28% 52%)"/>'
        f'<path d="M0 {sea + 26} Q60 {sea + 8} 150 {sea + 24} T320 {sea + 20} V180 H0Z" fill="hsl({hue} 32% 36%)"/></svg>'
    )
    return Response(svg, content_type="image/svg+xml")
