"""The browser that a site meets: user agent, locale, time zone, viewport and headers, and a refusal for the first."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, BrowserOptions
from engine.bundles import BundleStore
from tests.support.saved import TASK, save
from tests.support.serving import serving
from tests.support.stage import NoModel

ORDINARY = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/150.0"
SEEN = """\
async def run(page, parameters, task):
    own = await page.request.get(task.start_url)
    seen = await page.evaluate(
        '''() => ({agent: navigator.userAgent, language: navigator.language, width: innerWidth,
        brands: navigator.userAgentData.brands.map((b) => b.brand).join(),
        zone: Intl.DateTimeFormat().resolvedOptions().timeZone, sent: JSON.parse(document.body.innerText)})'''
    )
    return [{**seen, "own": await own.json()}]
"""


@pytest.fixture
def url() -> Iterator[str]:
    """A site that shows the headers it is sent, and refuses HeadlessChrome with a 403 at ``/strict``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            agent = self.headers["User-Agent"]
            refused = self.path == "/strict" and "Headless" in agent + self.headers.get("Sec-CH-UA", "")
            names = ("User-Agent", "Accept-Language", "X-Region")
            body = (
                "Your browser is not supported."
                if refused
                else json.dumps({n: self.headers.get(n, "none") for n in names})
            )
            self.send_response(403 if refused else 200)
            self.send_header("Content-Type", "text/plain" if not refused else "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: Any) -> None: ...

    with serving(Handler) as address:
        yield f"{address}/"


async def test_options_reach_the_site_and_win_over_saved_ones(tmp_path: Path, url: str) -> None:
    saved = BrowserOptions(user_agent=ORDINARY, timezone="Asia/Tokyo", headers={"X-Region": "north"})
    save(tmp_path, "k", SEEN, start_url=url, browser=saved)
    own = BrowserOptions(locale="de-DE", timezone="Europe/Berlin", viewport=(390, 844))
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        (first,) = (await engine.run(TASK, reuse_key="k", browser=own, ai="never")).output
        (second,) = (await engine.run(TASK, reuse_key="k", ai="never")).output
    assert (first["agent"], first["sent"]["User-Agent"], first["own"]["User-Agent"]) == (ORDINARY,) * 3
    assert (first["language"], first["sent"]["Accept-Language"]) == ("de-DE", "de-DE")
    assert first["brands"] == "Not:A-Brand,Chromium"
    assert (first["zone"], first["width"]) == ("Europe/Berlin", 390)
    assert (first["sent"]["X-Region"], first["own"]["X-Region"]) == ("north", "north")
    assert (second["language"], second["zone"], second["width"]) == ("en-US", "Asia/Tokyo", 1280)
    assert BundleStore(tmp_path / "default").load("k").meta.browser == saved, "a replay changes nothing"


async def test_refusal_that_an_ordinary_user_agent_avoids_says_so(tmp_path: Path, url: str) -> None:
    save(tmp_path, "k", SEEN, start_url=f"{url}strict")
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        replay = await engine.run(TASK, reuse_key="k")
        first = await engine.run(TASK, start_url=f"{url}strict")
        for result in (replay, first):
            assert result.error is not None
            assert (result.error.reason, result.model_calls) == ("access-denied", 0)
            assert f'user_agent="{result.error.details["user_agent"]}"' in result.error.message
        agent = replay.error.details["user_agent"] if replay.error is not None else None
        assert "Headless" not in agent
        again = await engine.run(TASK, reuse_key="k", browser={"user_agent": agent}, ai="never")
    assert again.output[0]["agent"] == agent
