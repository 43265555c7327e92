"""A system for the bench of self-healing that needs no browser: it reads the archive's table by position."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin
from urllib.request import urlopen

from bs4 import BeautifulSoup

from engine.testing.heal import Answer, System, Task


class Reader(System):
    """Reads the rows as they come, and checks nothing."""

    name = "reader"
    version = "1"
    about = "reads a table by position"
    sites = ("archive",)

    async def run(self, task: Task) -> Answer:
        return Answer(await asyncio.to_thread(self.read, task))

    def read(self, task: Task) -> Any:
        address = urljoin(task.start_url, f"/reports/{task.parameters['year']}")
        page = BeautifulSoup(_got(address), "html.parser")
        found = []
        for row in page.select("tbody tr"):
            number, title, published, files = row.select("td")
            data = _got(urljoin(address, str(files.select("a")[1]["href"])))
            found.append({
                "number": number.text,
                "title": title.a.text if title.a else "",
                "published": _day(published.text),
                "data": {"sha256": hashlib.sha256(data).hexdigest()},
            })  # fmt: skip
        return found[::-1]


def _day(text: str) -> str:
    return datetime.strptime(text, "%d %b %Y").replace(tzinfo=UTC).date().isoformat()


def _got(address: str) -> bytes:
    with urlopen(address, timeout=20) as answer:
        body: bytes = answer.read()
    return body
