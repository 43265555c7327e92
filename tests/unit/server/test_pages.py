"""The pages for people, and the figures for Prometheus."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine import InvalidRequest
from engine.server.keys import ApiKeyStore
from engine.server.serve import ServerOptions
from tests.support.live import Live


def references(page: str) -> list[str]:
    return re.findall(r"(?:href|src)=[\"']([^\"'#]+)", page)


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_need_no_key_and_load_nothing_from_elsewhere(live: Live, path: str) -> None:
    ApiKeyStore(live.store).create("default", "")
    page = live.http.get(path)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert references(page.text)
    for each in references(page.text):
        assert not urlsplit(each).netloc, each
        wants_key = each == "/metrics"
        assert live.http.get(each).status_code == (401 if wants_key else 200), each


def test_front_page_says_how_to_call_the_server(live: Live) -> None:
    assert "No API key is needed" in live.http.get("/").text
    assert f"curl {live.url}/api/v1/workspace/default/web-tasks/start" in live.http.get("/").text
    ApiKeyStore(live.store).create("default", "")
    assert "x-api-key: KEY" in live.http.get("/").text


def test_reference_has_every_call_and_every_object(live: Live) -> None:
    document, page = live.http.get("/openapi.json").json(), live.http.get("/docs").text
    for path, methods in document["paths"].items():
        assert page.count(f"<code>{path}</code>") == len(methods)
        for operation in methods.values():
            assert f"id='{operation['operationId']}'" in page
    for name in document["components"]["schemas"]:
        assert f"<h3 id='{name}'>" in page
    for target in re.findall(r'href="#(\w+)"', page):
        assert f"id='{target}'" in page, target
    assert "JSON Schema (draft 2020-12) of the result." in page, "a field's meaning"


def test_health_has_its_usual_name(live: Live) -> None:
    ApiKeyStore(live.store).create("default", "")
    assert live.http.get("/healthz").json() == live.http.get("/health").json()


class Figures:
    """Samples in Prometheus' text format, by name and labels."""

    def __init__(self, text: str) -> None:
        families = text_string_to_metric_families(text)
        self.samples = [sample for family in families for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float:
        (found,) = [each.value for each in self.samples if (each.name, each.labels) == (name, labels)]
        return found

    @property
    def workspaces(self) -> set[str]:
        return {each.labels["workspace"] for each in self.samples if each.name == "webtasks_tasks"}


def test_metrics_count_calls_connections_and_tasks(live: Live) -> None:
    task = live.start(task="x", startUrl="http://127.0.0.1:9/", reuseKey="k")
    live.end(task)
    for _ in range(3):
        live.http.get("/healthz")
    live.http.get("/nothing")
    answer = live.http.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = Figures(answer.text)
    assert found("webtasks_calls_total", operation="getHealthz", status="200") == 3
    assert found("webtasks_calls_total", operation="none", status="404") == 1
    assert found("webtasks_call_seconds_count", operation="getHealthz") == 3
    assert found("webtasks_call_seconds_bucket", operation="getHealthz", le="+Inf") == 3
    assert found("webtasks_connections") == 1
    assert found("webtasks_tasks", workspace="default", state="failed") == 1
    assert found("webtasks_tasks", workspace="default", state="pending") == 0
    assert found("webtasks_model_usd_today", workspace="default") == 0


def test_metrics_need_a_key_and_show_its_workspace_only(live: Live) -> None:
    for workspace in ("default", "other"):
        live.http.get(f"/api/v1/workspace/{workspace}/web-tasks")
        live.http.post(f"/api/v1/workspace/{workspace}/web-tasks/start", json={"task": "x", "ai": "never"})
    assert Figures(live.http.get("/metrics").text).workspaces == {"default", "other"}
    _, key = ApiKeyStore(live.store).create("other", "")
    assert live.http.get("/metrics").status_code == 401
    assert live.http.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 401
    for headers in ({"x-api-key": key}, {"authorization": f"Bearer {key}"}):
        assert Figures(live.http.get("/metrics", headers=headers).text).workspaces == {"other"}
    bearer = {"authorization": f"Bearer {key}"}
    assert live.http.get("/api/v1/runs", headers=bearer).status_code == 401, "elsewhere the key is a header of its own"


@pytest.mark.parametrize("path", ["/docs", "/healthz/x", "/metrics", "/assets"])
def test_base_path_may_not_hide_a_page(path: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="base_path"):
        ServerOptions(store=tmp_path, base_path=path)
