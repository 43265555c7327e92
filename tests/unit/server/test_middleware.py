"""Access to the server: no calls by web pages, none without an API key where one is required, none above the limits."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine import EngineError
from engine.server.keys import ApiKeyStore
from engine.server.serve import Server, ServerOptions
from engine.storage.tasks import TaskRecords
from tests.support.live import BASE, Live, Serve

START = f"{BASE}/default/web-tasks/start"
TASK = {"task": "x", "ai": "never"}


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One server for all tests whose calls start nothing and leave nothing behind."""
    live = Live(tmp_path_factory.mktemp("untouched"), {}, {})
    yield live
    live.stop()


def post(live: Live, **headers: str) -> Any:
    return live.http.post(START, content=json.dumps(TASK), headers={"content-type": "application/json", **headers})


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "a@127.0.0.1", ""])
def test_foreign_host_names_are_refused(untouched: Live, host: str) -> None:
    assert post(untouched, host=host).status_code == 421
    assert untouched.http.get("/health", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "[::1]:8484", "127.0.0.1"])
def test_loopback_host_names_are_accepted(untouched: Live, host: str) -> None:
    assert untouched.http.get("/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:3000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_calls_by_web_pages_are_refused(untouched: Live, headers: dict[str, str]) -> None:
    refused = post(untouched, **headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "access-control-allow-origin" not in refused.headers
    assert untouched.http.get("/api/v1/runs", headers=headers).status_code == 403
    assert untouched.http.get("/api/v1/runs").json() == [], "nothing was started"


def test_cross_site_navigation_may_get_but_not_post(untouched: Live) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert untouched.http.get("/health", headers=headers).status_code == 200
    assert untouched.http.post(START, json=TASK, headers=headers).status_code == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_content_types_other_than_json_are_refused(untouched: Live, kind: str) -> None:
    refused = untouched.http.post(START, content=json.dumps(TASK), headers={"content-type": kind})
    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported-media-type")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 100_000, b"\xff", b'{"task":"\\ud800"}', b'{"task":"x","timeout":NaN}', b"null"]
)
def test_malformed_bodies_are_invalid_requests(untouched: Live, body: bytes) -> None:
    refused = untouched.http.post(START, content=body, headers={"content-type": "application/json"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")


def test_too_large_bodies_are_refused(serving: Serve) -> None:
    live = serving(max_body_bytes=1000)
    large = json.dumps({**TASK, "parameters": {"x": "y" * 2000}}).encode()
    headers = {"content-type": "application/json"}
    assert live.http.post(START, content=large, headers=headers).status_code == 413
    chunks = (large[n : n + 100] for n in range(0, len(large), 100))  # without a Content-Length
    assert live.http.post(START, content=chunks, headers=headers).status_code == 413
    assert live.http.post(START, json=TASK).status_code == 200


def test_calls_may_not_allow_private_addresses(untouched: Live) -> None:
    refused = untouched.http.post(START, json={**TASK, "allowHosts": ["http://127.0.0.1:9"]})
    assert refused.status_code == 422
    assert refused.json()["details"]["errors"][0]["field"] == "allowHosts"


@pytest.mark.parametrize("path", [START, "/api/v1/runs/start"])
def test_calls_above_the_operators_limits_are_refused(serving: Serve, path: str) -> None:
    live = serving(max_timeout=60.0, max_usd=0.1)
    for asked in ({"timeout": 61}, {"budgetUsd": 0.11}):
        refused = live.http.post(path, json={**TASK, **asked})
        (field,) = asked
        assert refused.status_code == 422
        assert f"{field} may be at most" in refused.json()["message"]
    assert live.http.post(path, json={**TASK, "timeout": 60, "budgetUsd": 0.1}).status_code == 200


def test_calls_without_limits_get_the_operators(serving: Serve) -> None:
    live = serving(max_timeout=60.0, max_usd=0.1)
    task_id = live.http.post(START, json=TASK).json()["webTaskId"]
    with closing(TaskRecords(live.store / "default" / "records.sqlite3")) as records:
        limits = records.request(task_id).limits
    assert (limits.timeout, limits.budget_usd) == (60, 0.1)


def test_api_keys_stay_required_once_one_was_created(live: Live) -> None:
    assert post(live).status_code == 200
    keys = ApiKeyStore(live.store)
    key, text = keys.create("default", "")
    assert post(live).status_code == 401
    assert post(live, **{"x-api-key": text}).status_code == 200
    ApiKeyStore(live.store).revoke(key.id)
    assert post(live, **{"x-api-key": text}).status_code == 401
    assert post(live).status_code == 401, "with every key revoked, calls still require one"
    assert live.http.get("/health").status_code == 200


def test_api_keys_are_stored_as_hashes_only(tmp_path: Path) -> None:
    _, text = ApiKeyStore(tmp_path).create("default", "mine")
    files = [path for path in (tmp_path / ".server").iterdir() if path.suffix != ".lock"]
    assert [path.name for path in files] == ["keys.json"]
    assert text not in files[0].read_text()
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def test_damaged_key_file_refuses_all_calls(live: Live) -> None:
    ApiKeyStore(live.store).create("default", "")
    (live.store / ".server" / "keys.json").write_text("{}")
    assert post(live).status_code == 503


async def test_server_beyond_loopback_requires_an_api_key(tmp_path: Path) -> None:
    options = ServerOptions(store=tmp_path, host="0.0.0.0", port=0)
    with pytest.raises(EngineError, match="webtasks keys create"):
        Server(options, lambda name: pytest.fail("no engine may be made"))
    key, _ = ApiKeyStore(tmp_path).create("default", "")
    ApiKeyStore(tmp_path).revoke(key.id)
    with pytest.raises(EngineError, match="webtasks keys create"):
        Server(options, lambda name: pytest.fail("no engine may be made"))


async def test_server_with_public_url_requires_an_api_key(tmp_path: Path) -> None:
    options = ServerOptions(store=tmp_path, port=0, public_url="https://tasks.example")
    with pytest.raises(EngineError, match=r"^https://tasks\.example is reachable .*`webtasks keys create`"):
        Server(options, lambda name: pytest.fail("no engine may be made"))
    local = ServerOptions(store=tmp_path, port=0, public_url="http://localhost:9")
    server = Server(local, lambda name: pytest.fail("no engine may be made"))
    assert not server.keys_required
    server._socket.close()


async def test_port_in_use_is_reported(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        options = ServerOptions(store=tmp_path, port=taken.getsockname()[1])
        with pytest.raises(EngineError, match="the port is in use"):
            Server(options, lambda name: pytest.fail("no engine may be made"))


def test_reading_a_workspace_does_not_create_it(live: Live) -> None:
    assert live.http.get(f"{BASE}/nobody/web-tasks").json() == []
    assert live.http.get(f"{BASE}/nobody/web-tasks/wt_1/result").status_code == 404
    assert live.http.post(f"{BASE}/{'x' * 300}/web-tasks/start", json=TASK).status_code == 422
    assert live.http.post(f"{BASE}/a.b/web-tasks/start", json=TASK).status_code == 422
    assert [path.name for path in live.store.iterdir()] == [".server"]


def test_wrong_method_is_answered_with_the_allowed_ones(untouched: Live) -> None:
    refused = untouched.http.delete("/api/v1/runs/x")
    assert refused.status_code == 405
    assert {"GET", "PATCH"} <= set(refused.headers["allow"].split(", "))
