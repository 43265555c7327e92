"""The hosted product's own clients, from PyPI, against a live server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from intuned_client import AsyncIntunedClient, IntunedClient
from intuned_client.exceptions import AuthenticationError, NotFoundError, ValidationError
from pydantic import BaseModel
from webskillet_client import (
    AsyncWebskilletClient,
    RunFailedError,
    WebskilletClient,
)
from webskillet_client import exceptions as successor

from engine.server.keys import ApiKeyStore
from engine.testing import ScriptedModel
from fixtures_sites import serve
from tests.support.live import BASE, Live, Serve
from tests.support.saved import TASK, save

# The client's own use of pydantic, which we do not change.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_fields' attribute on the instance")

ROWS = """\
async def run(page, parameters, task):
    return [{"n": n, "text": "é" * 60} for n in range(parameters["rows"])]
"""
HANGS = "async def run(page, parameters, task):\n    await page.goto(task.start_url + 'hang')\n"


class Row(BaseModel):
    n: int
    text: str


class Rows(BaseModel):
    rows: list[Row]


def intuned(live: Live, **more: Any) -> IntunedClient:
    return IntunedClient(base_url=live.url + BASE, **{"workspace_id": "default"} | more)


def body(**more: Any) -> dict[str, Any]:
    return {"task": TASK, "reuseKey": "k", "parameters": {"rows": 2}, **more}


@pytest.fixture
def rows(live: Live) -> Live:
    """A server whose store has an automation that needs no model."""
    save(live.store, "k", ROWS, parameters={"rows": 1})
    return live


def test_client_starts_polls_and_runs_a_task(rows: Live) -> None:
    with intuned(rows) as client:
        started = client.web_tasks.start(body=body())
        assert (started.web_task_id[:3], started.status) == ("wt_", "pending")
        rows.end(started.web_task_id)
        result = client.web_tasks.result(web_task_id=started.web_task_id)
        assert (result.status, result.outcome) == ("completed", "success")
        assert result.result.data == [{"n": n, "text": "é" * 60} for n in range(2)]
        assert (result.reuse.key, result.reuse.used, result.reuse.updated) == ("k", True, False)
        assert result.reuse.revision_id
        again = client.web_tasks.run(body=body(parameters={"rows": 1}), poll_interval_seconds=0.1)
        assert len(again.result.data) == 1
        assert again.cost.ai_usd == 0


async def test_async_client_starts_and_polls_a_task(rows: Live) -> None:
    client = AsyncIntunedClient(base_url=rows.url + BASE, workspace_id="default")
    try:
        result = await client.web_tasks.run(body=body(), poll_interval_seconds=0.1)
        assert len(result.result.data) == 2
        with pytest.raises(NotFoundError):
            await client.web_tasks.result(web_task_id="wt_nothing")
    finally:
        await client.aclose()


def test_client_sends_a_pydantic_class_as_schema(rows: Live) -> None:
    code = ROWS.replace("return [", 'return {"rows": [').replace("])]", "])]}")
    save(rows.store, "typed", code, parameters={"rows": 1}, schema=Rows.model_json_schema())
    with intuned(rows) as client:
        result = client.web_tasks.run(body=body(reuseKey="typed", outputSchema=Rows), poll_interval_seconds=0.1)
    assert result.outcome == "success", result.error
    assert len(Rows.model_validate(result.result.data).rows) == 2


def test_client_downloads_a_large_result(rows: Live) -> None:
    with intuned(rows) as client:
        result = client.web_tasks.run(body=body(parameters={"rows": 1000}), poll_interval_seconds=0.1)
    assert result.result.type == "file"
    fetched = httpx.get(result.result.file.url, timeout=60)
    assert fetched.headers["content-type"] == result.result.file.content_type == "application/json"
    assert len(fetched.content) == result.result.file.size_bytes
    assert len(fetched.json()) == 1000
    wire = rows.result(result.web_task_id)["result"]
    assert wire["preview"]["rows"] == 1000
    assert httpx.get(wire["csv"]["url"], timeout=60).text.startswith("n,text\r\n0,")


def test_client_returns_a_failed_task(live: Live) -> None:
    save(live.store, "k", "async def run(page, parameters, task):\n    return await page.locator('h1').inner_text()\n")
    with serve("directory") as site, intuned(live) as client:
        private = body(parameters={}, startUrl=site.url)
        result = client.web_tasks.run(body=private, poll_interval_seconds=0.1)
    assert (result.status, result.outcome, result.error.code) == ("completed", "failed", "internal-error")
    assert result.error.details["reason"] == "host-not-allowed"


def test_client_returns_a_rejected_task(serving: Serve) -> None:
    model = ScriptedModel([("give_up", {"reason": "not-a-web-task", "message": "a poem is no web task"})])
    live = serving(engine={"model": model})
    with intuned(live) as client:
        result = client.web_tasks.run(body={"task": "Write a poem"}, poll_interval_seconds=0.1)
    assert (result.status, result.outcome, result.error.code) == ("completed", "failed", "rejected")
    assert result.reuse is None


def test_both_clients_report_a_canceled_task(serving: Serve) -> None:
    with serve("misbehaving") as site:
        live = serving(engine={"allow_hosts": [site.url]})
        save(live.store, "k", HANGS)
        with intuned(live) as client, WebskilletClient(base_url=live.url) as runs:
            task_id = client.web_tasks.start(body=body(parameters={}, startUrl=site.url)).web_task_id
            canceled = live.http.post(f"{BASE}/default/web-tasks/{task_id}/cancel")
            assert canceled.json()["status"] == "canceled"
            assert client.web_tasks.result(web_task_id=task_id).status == "canceled"
            assert runs.runs.get(run_id=task_id).status == "canceled"


def test_client_understands_errors_and_api_keys(rows: Live) -> None:
    keys = ApiKeyStore(rows.store)
    _, key = keys.create("default", "mine")
    other, foreign = keys.create("other", "theirs")
    for wrong in (None, "wtk_wrong"):
        with intuned(rows, api_key=wrong) as client, pytest.raises(AuthenticationError) as refused:
            client.web_tasks.start(body=body())
        assert (refused.value.status_code, refused.value.body["code"]) == (401, "unauthenticated")
    with intuned(rows, api_key=foreign) as client, pytest.raises(AuthenticationError) as refused:
        client.web_tasks.start(body=body())
    assert refused.value.status_code == 403
    with intuned(rows, api_key=foreign, workspace_id="other") as client:
        with pytest.raises(NotFoundError):
            client.web_tasks.result(web_task_id="wt_nothing")
        keys.revoke(other.id)
        with pytest.raises(AuthenticationError):
            client.web_tasks.result(web_task_id="wt_nothing")
    with intuned(rows, api_key=key) as client:
        with pytest.raises(NotFoundError) as missing:
            client.web_tasks.result(web_task_id="wt_nothing")
        assert "wt_nothing" in missing.value.body["message"]
        for wrong_body in ({"task": "  "}, {"task": "x", "startUrl": "ftp://a"}, {"task": "x", "proxy": "http://p:1"}):
            with pytest.raises(ValidationError) as invalid:
                client.web_tasks.start(body=wrong_body)
            assert invalid.value.status_code == 422
            error = invalid.value.body
            assert {"code", "category", "message", "retirable", "details", "correlationId"} == error.keys()
            assert error["details"]["errors"][0]["field"] in ("task", "startUrl", "proxy")


def test_webskillet_client_runs_a_task(rows: Live) -> None:
    with WebskilletClient(base_url=rows.url) as client:
        run = client.runs.run(
            body={"task": TASK, "skilletId": "k", "parameters": {"rows": 2}}, poll_interval_seconds=0.1
        )
        assert (run.status, run.outcome, len(run.result)) == ("completed", "success", 2)
        assert (run.skillet.id, run.skillet.used, run.skillet.created) == ("k", True, False)
        assert client.runs.update(run_id=run.id, body={"title": "Two rows"}).title == "Two rows"
        listed = client.runs.list(limit=10, offset=0)
        assert [(each.id, each.title) for each in listed] == [(run.id, "Two rows")]
        assert client.runs.list(offset=1) == []
        assert [skillet.id for skillet in client.skillets.list()] == ["k"]
        large = client.runs.run(
            body={"task": TASK, "skilletId": "k", "parameters": {"rows": 1000}}, poll_interval_seconds=0.1
        )
        assert len(large.result) == 1000
        assert len(httpx.get(large.resultFile["url"], timeout=60).json()) == 1000


async def test_webskillet_client_reports_failures_and_refusals(live: Live) -> None:
    save(live.store, "k", "async def run(page, parameters, task):\n    return await page.locator('h1').inner_text()\n")
    async with AsyncWebskilletClient(base_url=live.url) as client:
        down = {"task": TASK, "skilletId": "k", "startUrl": "http://127.0.0.1:9/"}
        with pytest.raises(RunFailedError) as failed:
            await client.runs.run(body=down, poll_interval_seconds=0.1)
        assert failed.value.error.code == "internal-error"
        with pytest.raises(successor.NotFoundError, match="wt_nothing"):
            await client.runs.get(run_id="wt_nothing")
        with pytest.raises(successor.ValidationError, match="is not supported yet"):
            await client.runs.start(body={"task": "x", "auth": "wta_1"})
        assert await client.auth_sessions.list() == []
        with pytest.raises(successor.NotFoundError, match="saved logins are not supported yet"):
            await client.auth_sessions.get(auth_session_id="wta_1")
        with pytest.raises(successor.ServerError, match="recording a login is not supported yet") as not_yet:
            await client.auth_sessions.record(body={"name": "shop"})
        assert not_yet.value.status_code == 501


def test_webskillet_client_uses_the_workspace_of_its_key(live: Live) -> None:
    save_in = live.store / "team"
    save_in.mkdir(parents=True)
    _, key = ApiKeyStore(live.store).create("team", "")
    with WebskilletClient(base_url=live.url, api_key=key) as client:
        run_id = client.runs.start(body={"task": TASK, "startUrl": "http://127.0.0.1:9/", "skilletId": "new"}).id
        assert client.runs.get(run_id=run_id).id == run_id
    assert (save_in / "records.sqlite3").is_file()
    with WebskilletClient(base_url=live.url) as client, pytest.raises(successor.AuthenticationError):
        client.runs.list()


def test_attachments_become_signed_urls(live: Live, tmp_path: Path) -> None:
    code = """\
async def run(page, parameters, task):
    from pathlib import Path
    Path("a b.html").write_text("<script>steal()</script>")
    made = await task.attach("a b.html")
    forged = {**made, "path": "/etc/hostname"}
    return {"files": [made] + [{**made, "note": "x" * 100}] * parameters["more"], "forged": forged}
"""
    save(live.store, "k", code, parameters={"more": 0})
    result = live.end(live.start(task=TASK, reuseKey="k", parameters={"more": 0}))["result"]["data"]
    (made,) = result["files"]
    assert "path" not in made
    fetched = httpx.get(made["url"], timeout=60)
    assert fetched.text == "<script>steal()</script>"
    assert fetched.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in fetched.headers["content-security-policy"]
    assert "url" not in result["forged"], "only what the task saved is handed out"
    large = live.end(live.start(task=TASK, reuseKey="k", parameters={"more": 300}))["result"]
    content = httpx.get(large["file"]["url"], timeout=60).content
    assert len(content) == large["file"]["sizeBytes"]
    assert httpx.get(json.loads(content)["files"][7]["url"], timeout=60).text == fetched.text
