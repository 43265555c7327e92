"""Pages whose scripts fetch from a private origin of their own: local development, an intranet."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine import AsyncEngine, Limits, TaskResult
from engine.testing import ScriptedModel
from fixtures_sites.http import Request, Response
from fixtures_sites.server import FixtureServer, Site
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

API = Site("api", about="data as JSON", state=SimpleNamespace, versions=("v1",))
FRONT = Site("front", about="a page that shows them", state=lambda: SimpleNamespace(api=""), versions=("v1",))


@API.route("/names")
def names(request: Request) -> Response:
    return Response('["Ada", "Ben"]', content_type="application/json", headers={"Access-Control-Allow-Origin": "*"})


@FRONT.route("/")
def front(request: Request) -> str:
    script = f"""fetch('{request.state.api}names').then((r) => r.json()).then((names) => {{
      document.querySelector('ul').innerHTML = names.map((n) => `<li>${{n}}</li>`).join(''); }});"""
    return f"<title>Front</title><h1>Names</h1><ul></ul><script>{script}</script>"


NAMES = """\
async def run(page, parameters, task):
    await page.get_by_role("listitem").first.wait_for(timeout=4000)
    return [{"name": name} for name in await page.get_by_role("listitem").all_inner_texts()]
"""


@pytest.mark.parametrize("saved", [False, True])
async def test_refused_backend_of_a_private_page_is_told_before_anything_is_paid(tmp_path: Path, saved: bool) -> None:
    if saved:
        save(tmp_path, "k", NAMES)
    with (
        FixtureServer(API, version="v1", port=0, tls=False) as api,
        FixtureServer(FRONT, version="v1", port=0, tls=False) as site,
    ):
        site.state.api = api.url

        async def run(model: Any = None, **arguments: Any) -> TaskResult:
            async with AsyncEngine(store=tmp_path, model=model or NoModel(), limits=Limits(action_timeout=5)) as engine:
                return await engine.run(TASK, start_url=site.url, reuse_key="k", **arguments)

        refused = await run()
        assert refused.error is not None
        assert (refused.error.reason, refused.model_calls) == ("host-not-allowed", 0)
        origin = api.url.rstrip("/")
        assert f'allow_hosts=["{origin}"]' in refused.error.message
        assert refused.error.details["allow_hosts"] == [origin]
        model = ScriptedModel([("write", {"code": NAMES}), ("finish", {"summary": "List"})])
        allowed = await run(None if saved else model, allow_hosts=refused.error.details["allow_hosts"])
        assert allowed.output == [{"name": "Ada"}, {"name": "Ben"}]
