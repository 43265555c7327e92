"""Sites that limit the pace: what they ask for is waited out in mid-run, where it happens."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from engine.diagnosis.triage import site_cause
from fixtures_sites.http import Request, Response
from fixtures_sites.server import FixtureServer, Site
from sandbox import Automation, Egress
from tests.support.warm import LentSandbox

PAGES = Site(
    "pages", about="pages, too many at once", state=lambda: SimpleNamespace(tired=1, after="0"), versions=("v1",)
)


@PAGES.route("/")
def numbered(request: Request) -> Response | str:
    number = request.number("page", 1)
    if number == 3 and request.state.tired > 0:
        request.state.tired -= 1
        return Response("<h1>Too many requests</h1>", 429, headers={"Retry-After": request.state.after})
    return f"<title>Page {number}</title><h1>Page {number}</h1><a href='/?page={number + 1}'>Next</a>"


OPENS = """\
async def run(page, parameters, task):
    for number in range(2, 5):
        await page.goto(f"{task.start_url}?page={number}")
        await page.get_by_role("heading", name=f"Page {number}").wait_for(timeout=4000)
    return await page.title()
"""
CLICKS = OPENS.replace('page.goto(f"{task.start_url}?page={number}")', 'page.get_by_role("link", name="Next").click()')
FETCHES = """\
async def run(page, parameters, task):
    for number in range(2, 5):
        response = await page.request.get(f"{task.start_url}?page={number}")
        assert response.ok, response.status
    return "Page 4"
"""


@pytest.mark.parametrize("code", [OPENS, CLICKS, FETCHES], ids=["opened", "clicked", "fetched"])
async def test_wait_that_the_site_asks_for_is_taken_in_mid_run(warm: LentSandbox, code: str) -> None:
    with FixtureServer(PAGES, version="v1", port=0, tls=False) as site:
        outcome = await warm.run(
            Automation(code), {}, start_url=site.url, egress=Egress(allow=(site.url.rstrip("/"),)), hold_changes=True
        )
    assert outcome.value == "Page 4", outcome.error


async def test_wait_that_is_too_long_is_the_hosts_to_take(warm: LentSandbox) -> None:
    with FixtureServer(PAGES, version="v1", port=0, tls=False) as site:
        site.state.after = "120"
        outcome = await warm.run(
            Automation(OPENS), {}, start_url=site.url, egress=Egress(allow=(site.url.rstrip("/"),))
        )
    cause = site_cause(outcome.error, outcome.evidence, start_url=site.url)
    assert cause is not None
    assert (cause.reason, cause.wait, cause.mendable) == ("site-rate-limit", 120, True)


@PAGES.route("/live")
def live(request: Request) -> str:
    shows = "(t) => { document.querySelector('p').textContent = t; }"
    load = f"() => fetch('/data').then((r) => r.ok ? r.text() : '').then({shows})"
    shown = "<h1>Live</h1><p></p><button>Load</button>"
    by = "load()" if request.arg("by") == "" else "document.querySelector('button').onclick = load"
    return f"<title>Live</title>{shown}<script>const load = {load}; {by};</script>"


@PAGES.route("/data")
def data(request: Request) -> Response:
    if request.state.tired > 0:
        request.state.tired -= 1
        return Response("", 429, headers={"Retry-After": request.state.after})
    return Response("Seven boats", 200)


READS = """\
async def run(page, parameters, task):
    await page.goto(f"{task.start_url}live")
    await page.get_by_text("Seven boats").wait_for(timeout=2000)
    return await page.locator("p").inner_text()
"""
LOADS = READS.replace('live")\n', 'live?by=click")\n    await page.get_by_role("button").click()\n')


async def test_page_whose_own_request_for_data_was_turned_away_is_loaded_again_in_time(warm: LentSandbox) -> None:
    with FixtureServer(PAGES, version="v1", port=0, tls=False) as site:
        site.state.after = "1"
        outcome = await warm.run(
            Automation(READS), {}, start_url=site.url, egress=Egress(allow=(site.url.rstrip("/"),)), settled_seconds=0.2
        )
    assert outcome.value == "Seven boats", outcome.error
    assert outcome.evidence.turned_away == ()


async def test_data_that_a_click_asked_for_too_often_is_no_fault_of_the_code(warm: LentSandbox) -> None:
    with FixtureServer(PAGES, version="v1", port=0, tls=False) as site:
        site.state.after = "7"
        outcome = await warm.run(
            Automation(LOADS), {}, start_url=site.url, egress=Egress(allow=(site.url.rstrip("/"),))
        )
        where = f"{site.url}data"
    cause = site_cause(outcome.error, outcome.evidence, start_url=site.url)
    assert cause is not None
    assert (cause.reason, cause.wait, cause.mendable, cause.details["url"]) == ("site-rate-limit", 7, True, where)
    assert "status 429" in cause.message
    assert site_cause(None, outcome.evidence, start_url=site.url, good=True) is None, "it was good without that"
    assert site_cause(None, outcome.evidence, start_url=site.url, first=True) is None
