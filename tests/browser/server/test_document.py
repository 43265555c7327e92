"""The OpenAPI document is correct: generated calls get no server error, and only answers that it lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import just
from schemathesis import GenerationMode

from engine.server.keys import ApiKeyStore
from fixtures_sites import serve
from tests.support.live import BASE, Live
from tests.support.saved import TASK, save

CHECKS = [
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
    schemathesis.checks.negative_data_rejection,
    schemathesis.checks.ignored_auth,
]
RECORD = "/api/v1/authsessions/record"
HANGS = "async def run(page, parameters, task):\n    await page.goto(task.start_url + 'hang')\n"
PATHS = [
    f"{BASE}/{{workspaceId}}/web-tasks/start",
    f"{BASE}/{{workspaceId}}/web-tasks",
    f"{BASE}/{{workspaceId}}/web-tasks/{{webTaskId}}/result",
    f"{BASE}/{{workspaceId}}/web-tasks/{{webTaskId}}/provenance",
    f"{BASE}/{{workspaceId}}/web-tasks/{{webTaskId}}/cancel",
    f"{BASE}/{{workspaceId}}/web-tasks/{{webTaskId}}/events",
    "/api/v1/runs/start",
    "/api/v1/runs",
    "/api/v1/runs/{id}",
    "/api/v1/runs/{id}/cancel",
    "/api/v1/runs/{id}/events",
    "/api/v1/skillets",
    "/api/v1/authsessions",
    RECORD,
    "/api/v1/authsessions/{id}",
    "/files/{workspaceId}/{path}",
    "/health",
    "/healthz",
    "/metrics",
    "/",
    "/docs",
    "/assets/style.css",
    "/openapi.json",
]


@dataclass
class Busy:
    """A server with a task in each state.

    Its only slot is taken, so that tasks of generated calls stay pending or find the queue full, and need no browser.
    """

    live: Live
    key: str
    ended: list[str]
    alive: list[str]
    calls: int = 0

    def aim(self, case: schemathesis.Case, mode: GenerationMode) -> None:
        """Point half of the calls at a workspace and a task that exist."""
        self.calls += 1
        if self.calls % 2 or mode is GenerationMode.NEGATIVE:  # an invalid call must stay invalid
            return
        # The stream of a running task does not end, and canceling the task would give its slot to the next.
        known = self.ended if case.path.endswith(("/cancel", "/events")) else self.ended + self.alive
        for name in case.path_parameters or {}:
            if name == "workspaceId":
                case.path_parameters[name] = "default"
            elif name in ("id", "webTaskId"):
                case.path_parameters[name] = known[self.calls // 2 % len(known)]


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Busy]:
    store = tmp_path_factory.mktemp("busy")
    with serve("misbehaving") as site:
        live = Live(store, {}, {"allow_hosts": [site.url], "max_tasks": 1, "max_pending": 3})
        try:
            save(store, "hangs", HANGS)
            save(store, "k", "async def run(page, parameters, task):\n    return [{'n': 'x' * 70_000, 'm': 1}]\n")
            ended = [live.start(task=TASK, reuseKey="k"), live.start(task=TASK)]
            assert [live.end(task_id)["outcome"] for task_id in ended] == ["success", "failed"]
            hanging: dict[str, Any] = {"task": TASK, "reuseKey": "hangs", "startUrl": site.url, "timeout": 3600}
            alive = [live.start(**hanging) for _ in range(3)]
            ended.append(alive.pop())
            live.http.post(f"/api/v1/runs/{ended[-1]}/cancel")
            _, key = ApiKeyStore(store).create("default", "generated")
            yield Busy(live, key, ended, alive)
        finally:
            live.stop()


def test_document_lists_every_route(busy: Busy) -> None:
    document = busy.live.http.get("/openapi.json").json()
    assert list(document["paths"]) == PATHS
    assert document["components"]["securitySchemes"]["key"]["name"] == "x-api-key"


def call(busy: Busy, path: str, examples: int) -> int:
    """Call the operations of a path with generated data, valid and invalid; return the number of calls."""
    schema = schemathesis.openapi.from_url(f"{busy.live.url}/openapi.json")
    schema.config.generation.update(with_security_parameters=False)  # every call has the key
    before = busy.calls

    def one(case: schemathesis.Case, mode: GenerationMode) -> None:
        busy.aim(case, mode)
        answer = case.call_and_validate(headers={"x-api-key": busy.key}, checks=CHECKS, timeout=60)
        assert answer.status_code < 500 or (answer.status_code, case.path) == (501, RECORD), answer.text

    run = settings(
        max_examples=examples, deadline=None, database=None, derandomize=examples < 100,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip
    for found in schema.include(path=path).get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            if mode is GenerationMode.POSITIVE or operation.body or operation.query:
                run(given(case=operation.as_strategy(generation_mode=mode), mode=just(mode))(one))()
    return busy.calls - before


@pytest.mark.parametrize("path", PATHS)
def test_generated_calls_get_only_documented_answers(busy: Busy, path: str) -> None:
    assert call(busy, path, 15) >= 1


@pytest.mark.soak
def test_thousands_of_generated_calls_get_only_documented_answers(
    busy: Busy, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = sum(call(busy, path, 300) for path in PATHS)
    with capsys.disabled():
        print(f"\n{calls} generated calls")  # noqa: T201  the number is reported
    assert calls >= 3000
