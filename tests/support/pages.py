"""A site whose pages a test writes itself, and runs of saved code on it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from engine import AsyncEngine, Limits, TaskResult
from engine.contract import Observed, learn
from sandbox import Evidence, PoolOptions
from tests.support.saved import TASK, save
from tests.support.serving import serving
from tests.support.stage import NoModel


@dataclass
class Pages:
    """HTML by path, query left aside, or what has another of the ``types``; what is ``slow`` takes some seconds."""

    url: str
    html: dict[str, str] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    slow_seconds: float = 1.0
    types: dict[str, str] = field(default_factory=dict)

    def table(self, rows: list[tuple[str, ...]], path: str = "/", **names: str) -> None:
        """Makes a page of rows; ``names`` are the classes of the cells, ``after`` is put behind them."""
        after = names.pop("after", "")
        cells = list(names) or ["name", "town"]
        lines = "".join(
            "<tr>" + "".join(f'<td class="{c}">{v}</td>' for c, v in zip(cells, row, strict=True)) + "</tr>"
            for row in rows
        )
        self.html[path] = f"<title>Shops</title><main><h1>Shops</h1><table>{lines}</table>{after}</main>"


@contextmanager
def pages() -> Iterator[Pages]:
    """Serves `Pages` on loopback."""
    site = Pages("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if path in site.slow:
                time.sleep(site.slow_seconds)
            body = site.html.get(path, "").encode()
            self.send_response(200 if path in site.html else 404)
            self.send_header("Content-Type", site.types.get(path, "text/html; charset=utf-8"))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None: ...

    with serving(Handler) as site.url:
        yield site


SHOPS = [
    (f"Shop {c}", t)
    for c, t in zip("ABCDEF", ("Ashby", "Corran", "Harrow", "Ashby", "Penfield", "Tresco"), strict=True)
]
BY_CLASS = """\
async def run(page, parameters, task):
    rows = []
    for row in await page.locator("tr").all():
        cell = row.locator(".town")
        rows.append({
            "name": await row.locator(".name").inner_text(),
            "town": await cell.inner_text() if await cell.count() else None,
        })
    return rows
"""


def keep(store: Path, code: str, good: Any = None, **how: Any) -> str:
    """Saves code under the key ``k``, with a contract learnt from a good output. Returns the revision."""
    good = [{"name": n, "town": t} for n, t in SHOPS] if good is None else good
    return save(store, "k", code, contract=learn([Observed(good, Evidence())]), **how).id


async def replay(store: Path, site: Pages, model: Any = None, **changed: Any) -> TaskResult:
    """One run of what is saved under ``k``; without a model with ``ai="never"``."""
    arguments: dict[str, Any] = {"start_url": site.url + "/", "reuse_key": "k", "ai": "auto" if model else "never"}
    limits = Limits(action_timeout=changed.pop("action_timeout", 10.0))
    async with AsyncEngine(store=store, model=model or NoModel(), limits=limits, pool=PoolOptions(spare=0)) as engine:
        return await engine.run(changed.pop("task", TASK), **(arguments | changed))
