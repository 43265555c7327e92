"""Headers made of parameters: which requests carry them, and where their values are not kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine import AsyncEngine, BrowserOptions
from engine.bundles import BundleStore
from engine.testing import ScriptedModel
from fixtures_sites.http import Request, Response
from fixtures_sites.server import FixtureServer, Site
from tests.support.stage import NoModel, tree

TOKEN = "s3same-97-open"
OPTIONS = BrowserOptions(headers={"Authorization": "Bearer {token}", "X-Team": "red"})
STAGING = Site(
    "staging", about="a site behind a header", state=lambda: SimpleNamespace(other="", seen=[]), versions=("v1",)
)
OTHER = Site("other", about="another site", state=lambda: SimpleNamespace(seen=[]), versions=("v1",))

CODE = """\
async def run(page, parameters, task):
    await page.get_by_role("link", name="Moved").click()
    await page.get_by_role("heading", name="Arrived").wait_for()
    await page.goto(task.start_url)
    async with page.expect_popup() as opened:
        await page.get_by_role("link", name="Window").click()
    await (await opened.value).get_by_role("heading", name="Staging").wait_for()
    await page.evaluate("fetch('/away', {mode: 'no-cors'})")
    own = await page.request.get(task.start_url + "moved", params={"by": "code"})
    away = await page.request.get(task.start_url + "away")
    return {"own": await own.text(), "away": await away.text()}
"""


@STAGING.route("/")
def start(request: Request) -> Response | str:
    request.state.seen.append((request.headers.get("authorization"), request.headers.get("x-team")))
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return Response("<h1>Who are you?</h1>", 401)
    links = "<a href=/moved>Moved</a> <a href=/ target=_blank>Window</a>"
    return f"<title>Staging</title><h1>Staging</h1>{links}"


@STAGING.route("/moved")
def moved(request: Request) -> Response | str:
    return Response("", 302, headers={"Location": "/arrived"})


@STAGING.route("/arrived")
def arrived(request: Request) -> Response | str:
    known = request.headers.get("authorization") == f"Bearer {TOKEN}"
    return "<title>Arrived</title><h1>Arrived</h1>" if known else Response("lost on the way", 401)


@STAGING.route("/away")
def away(request: Request) -> Response:
    return Response("", 302, headers={"Location": request.state.other})


@OTHER.route("/")
def landed(request: Request) -> str:
    request.state.seen.append((request.headers.get("authorization"), request.headers.get("x-team")))
    return "landed"


@pytest.fixture
def sites() -> Iterator[tuple[FixtureServer, FixtureServer]]:
    with (
        FixtureServer(STAGING, version="v1", port=0, tls=False) as staging,
        FixtureServer(OTHER, version="v1", port=0, tls=False) as other,
    ):
        staging.state.other = other.url
        yield staging, other


async def test_header_of_a_secret_goes_to_the_start_urls_origin_alone(
    tmp_path: Path, sites: tuple[FixtureServer, FixtureServer]
) -> None:
    staging, other = sites
    model = ScriptedModel([("write", {"code": CODE}), ("finish", {"summary": "Look around"})])
    given = {"start_url": staging.url, "reuse_key": "k", "parameters": {"token": TOKEN}, "allow_hosts": [other.url]}
    async with AsyncEngine(store=tmp_path, model=model) as engine:
        first = await engine.run("Look around on the staging site", browser=OPTIONS, **given)
    assert first.ok, (first.error, str(model.requests[-1].messages[-1])[:3000])
    assert first.output == {"own": "<title>Arrived</title><h1>Arrived</h1>", "away": "landed"}
    assert set(staging.state.seen) == {(f"Bearer {TOKEN}", "red")}
    assert set(other.state.seen) == {(None, "red")}
    assert "Authorization (from token)" in str(model.requests[0].messages)
    saved = BundleStore(tmp_path / "default").load("k")
    assert saved is not None
    assert saved.meta.browser == OPTIONS
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        again = await engine.run(None, **given)
        assert again.output == first.output, again.error
        wrong = await engine.run(None, **given | {"parameters": {"token": "another"}})
        assert wrong.error is not None
    kept = b"".join(tree(tmp_path).values()) + str([r.messages for r in model.requests]).encode()
    assert TOKEN.encode() not in kept
