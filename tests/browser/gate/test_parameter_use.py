"""Evidence of what runs did with their parameters, and of what they read, as the worker gathers it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from fixtures_sites.http import Request
from fixtures_sites.server import FixtureServer, Site
from sandbox import Automation, Egress, Evidence
from tests.support.warm import LentSandbox

TRACKING = Site("tracking", about="parcels by number", state=SimpleNamespace, versions=("v1",))


@TRACKING.route("/")
def track(request: Request) -> str:
    """The same status for each parcel; the second list is far beyond what evidence holds of a page."""
    form = "<form><label>Number <input name=no></label><button>Track</button></form>"
    shown = "<p>Status: <b>In transit to you</b></p>" if request.arg("no", "") else ""
    return f"<title>Track</title><h1>Track</h1>{form}{shown}"


@TRACKING.route("/first")
def first(request: Request) -> str:
    return "<title>First</title><ul><li>Ash of the hill</li><li>Elm of the lane</li></ul>"


@pytest.fixture
def tracking() -> Iterator[FixtureServer]:
    """The tracking site."""
    with FixtureServer(TRACKING) as server:
        yield server


async def evidence(warm: LentSandbox, site: FixtureServer, body: str, number: str = "") -> Evidence:
    code = f"async def run(page, parameters, task):\n    number = parameters['number']\n    {body}\n"
    parts = urlsplit(site.url)
    egress = Egress(allow=(f"{parts.scheme}://{parts.netloc}",))
    outcome = await warm.run(Automation(code), {"number": number}, start_url=site.url, egress=egress)
    assert outcome.ok, outcome.error
    return outcome.evidence


READ = "return await page.locator('b').inner_text()"


@pytest.mark.parametrize(
    ("act", "kinds"),
    [
        ("await page.goto(f'{task.start_url}?no={number}')", {"url"}),
        ("await page.get_by_label('Number').fill(number); await page.get_by_role('button').click()", {"typed", "sent"}),
        ("await page.get_by_label('Number').fill(number); await page.goto(task.start_url + '?no=1')", {"typed"}),
        ("await page.request.get(f'{task.start_url}?no={number}'); await page.goto('/?no=1')", {"url"}),
        ("await page.evaluate('n => n', number); await page.goto(task.start_url + '?no=1')", {"script"}),
        ("page.get_by_role('row', name=number); await page.goto(task.start_url + '?no=1')", {"locator"}),
        ("await page.goto(task.start_url + '?no=1')", set()),
    ],
)
async def test_runs_differ_in_what_they_did_with_the_parameter(
    warm: LentSandbox, tracking: FixtureServer, act: str, kinds: set[str]
) -> None:
    act = act.replace("page.goto('/", "page.goto(task.start_url + '")
    one, two = [await evidence(warm, tracking, f"{act}; {READ}", number) for number in ("QX-77 40", "QX-77 41")]
    assert {kind for kind, _ in set(one.inputs) ^ set(two.inputs)} == kinds
    again = await evidence(warm, tracking, f"{act}; {READ}", "QX-77 40")
    assert set(again.inputs) == set(one.inputs), "the same parameters, the same acts"


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (
            "await page.goto('first'); x = await page.get_by_role('listitem').all_inner_texts(); await page.go_back()",
            True,
        ),
        ("x = (await (await page.request.get(task.start_url + 'first')).text()).split('<li>')", True),
        ("await page.goto('first'); x = await page.evaluate('document.body.innerText'); await page.go_back()", True),
        ("x = ['Oak of nowhere', await page.title()][:1]", False),
    ],
)
async def test_output_counts_as_read_wherever_the_run_read_it(
    warm: LentSandbox, tracking: FixtureServer, body: str, read: bool
) -> None:
    body = body.replace("page.goto('", "page.goto(task.start_url + '")
    found: Any = await evidence(warm, tracking, f"{body}; return x")
    assert found.output_read is read
