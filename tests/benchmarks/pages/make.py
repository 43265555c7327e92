"""Small sites of different make, written in the style of real ones, whose data change from day to day."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from engine.models.base import Model
from engine.testing import ScriptedModel
from engine.testing.drift import Marks
from tests.support.serving import serving

TODAY = date(2026, 9, 14)
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Body:
    """An answer of a site."""

    content: bytes
    content_type: str = "text/html; charset=utf-8"
    status: int = 200


@dataclass(frozen=True, kw_only=True)
class Make:
    """A site, the automation that reads it, and the right output.

    Args:
        parameters: Those of the task, others that prove its code, and, where there are some, those that have no rows.
        group: The key of a record that the parameters ask for.
        rows: Returns all of the site's records on a day.
        render: Returns the answer to a path and its query, from those records.
        truth: Returns the right output for parameters, from those records.
    """

    name: str
    task: str
    code: str
    parameters: tuple[Mapping[str, Any], ...]
    marks: Marks
    group: str
    rows: Callable[[int], Rows]
    render: Callable[[str, Mapping[str, str], Rows], Body]
    truth: Callable[[Mapping[str, Any], Rows], Any]
    secrets: tuple[str, ...] = ()
    output_schema: Mapping[str, Any] | None = None

    def author(self, site_url: str) -> Model:
        """Return a model that writes the automation; the gate may ask something, and it stays with its code."""
        finish = ("finish", {"summary": "Reads the page", "other_parameters": dict(self.parameters[1])})
        stays = ("finish", {**finish[1], "why_right": "the page was looked at once more, and says so"})
        return ScriptedModel([("write", {"code": self.code}), finish], [stays], [stays])


@dataclass
class MakeSite:
    """A site that is being served.

    Args:
        day: Its data change from day to day.
        unusual: Makes its records unusual.
    """

    make: Make
    url: str = ""
    day: int = 0
    unusual: Callable[[Rows, Make], Rows] | None = None

    def records(self) -> Rows:
        """Return the site's records of this day."""
        rows = self.make.rows(self.day)
        return self.unusual(rows, self.make) if self.unusual is not None else rows

    def truth(self, parameters: Mapping[str, Any]) -> Any:
        """Return the right output."""
        return self.make.truth(parameters, self.records())


@contextmanager
def served(make: Make) -> Iterator[MakeSite]:
    """Serve a site on loopback."""
    site = MakeSite(make)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer from the records of the day."""
            url = urlsplit(self.path)
            found = make.render(url.path, dict(parse_qsl(url.query)), site.records())
            self.send_response(found.status)
            self.send_header("Content-Type", found.content_type)
            self.send_header("Content-Length", str(len(found.content)))
            self.end_headers()
            self.wfile.write(found.content)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with serving(Handler) as url:
        site.url = f"{url}/"
        yield site


def html(title: str, main: str, *, head: str = "") -> Body:
    """A page."""
    nav = '<nav aria-label="Main"><a href="/">Home</a> <a href="/about">About us</a> <a href="/help">Help</a></nav>'
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{head}</head><body>'
        f"<header>{nav}</header><main>{main}</main><footer><p>© 2026 All rights reserved.</p></footer></body></html>"
    )
    return Body(page.encode())


def as_json(data: Any) -> Body:
    """A JSON answer."""
    return Body(json.dumps(data).encode(), "application/json")


def missing() -> Body:
    """A page that is not there."""
    return Body(html("Not found", "<h1>Not found</h1>").content, status=404)


def asking(name: str, value: str) -> Callable[[str], str | None]:
    """Return a change of a parameter in an address, which gives None where it has no value there.

    Args:
        value: The new value; where it is empty, the address no longer names the parameter.
    """

    def change(target: str) -> str | None:
        url = urlsplit(target)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        if not query.get(name):
            return None
        asked = {**query, name: value}
        return url._replace(query=urlencode({n: v for n, v in asked.items() if n != name or value})).geturl()

    return change


def chance(*key: object) -> random.Random:
    """A source of chance that is the same for the same key."""
    return random.Random("/".join(map(str, key)))


def moved(day: int, *key: object, share: float = 0.02) -> int:
    """Return how often a value has changed until a day; each day it changes with a probability of ``share``."""
    return sum(chance(*key, each).random() < share for each in range(1, day + 1))


def price(day: int, low: float, high: float, *key: object) -> float:
    """A price, which changes now and then."""
    times = moved(day, "price", *key)
    base = chance("price", *key).uniform(low, high)
    return round(base * (1 + 0.04 * (times % 3)), 2)


def flag(day: int, likely: float, *key: object) -> bool:
    """A yes or no, which changes now and then."""
    return chance("flag", *key, moved(day, "flag", *key, share=0.03)).random() < likely


def listed(day: int, *key: object) -> bool:
    """Return True for four of five: what is on a list comes and goes."""
    return chance("listed", *key, moved(day, "listed", *key, share=0.01)).random() < 0.8


def printed(day: date) -> str:
    """Write a date as ``3 March 2026``."""
    return f"{day.day} {day:%B %Y}"


def before(days: int, *key: object) -> date:
    """A date in the days before today."""
    return TODAY - timedelta(days=chance("date", *key).randrange(1, days))
