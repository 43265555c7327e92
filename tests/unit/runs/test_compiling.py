"""Compiling: one rewrite without a browser, held against the code with one, and measured."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sandbox
from engine import AsyncEngine, TaskResult
from engine.bundles import Bundle, BundleStore
from engine.contract import Observed, learn
from engine.models.base import ModelRequest
from engine.runs import runner
from engine.testing import ScriptedModel, ScriptedSandbox, outcome
from engine.testing.sandbox import Step
from sandbox import Evidence, Host, Outcome, ScriptError
from sandbox.read_evidence import Source
from tests.support.saved import TASK, save
from tests.support.stage import NoModel
from tests.unit.runs.conftest import URL
from tests.unit.runs.test_without_browser import PAGE, WEB

TOWNS = [f"Town number {n}" for n in range(7)]


def gave(town: str, *, web: bool = False, rows: Any = None, **page: Any) -> Outcome:
    shown: dict[str, Any] = {"url": URL, "status": 200, "output_read": True, "text": town, "inputs": (("url", town),)}
    made = outcome([f"{town} lamps", "Chairs"] if rows is None else rows, evidence=Evidence(**shown | page))
    return replace(made, seconds=0.012 if web else 1.5, peak_memory_mb=9.0 if web else 310.0)


def answers(code: str) -> ScriptedModel:
    return ScriptedModel(ask=lambda request: json.dumps({"code": code}))


class Store:
    """An automation with a browser that ran well in some towns."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch, code: str = PAGE, **saved: Any) -> None:
        self.root, self.patch = root, patch
        contract = learn([Observed(["Town number 9 lamps", "Chairs"], Evidence())])
        save(root, "k", code, parameters={"town": "x"}, contract=contract, start_url=URL, **saved)

    def sandbox(self, *steps: Step) -> ScriptedSandbox:
        scripted = ScriptedSandbox(*steps)
        self.patch.setattr(sandbox, "Sandbox", lambda **options: scripted)
        return scripted

    async def replay(self, *towns: str, web: bool = False) -> list[TaskResult]:
        self.sandbox(*(gave(town, web=web) for town in towns))
        async with AsyncEngine(store=self.root, model=NoModel()) as engine:
            return [await engine.run(TASK, reuse_key="k", parameters={"town": town}, ai="never") for town in towns]

    async def compile(self, model: ScriptedModel, *steps: Step) -> tuple[TaskResult, ScriptedSandbox]:
        scripted = self.sandbox(*steps)
        async with AsyncEngine(store=self.root, model=model) as engine:
            return await engine.compile("k"), scripted

    @property
    def bundle(self) -> Bundle:
        bundle = BundleStore(self.root / "default").load("k")
        assert bundle is not None
        return bundle


@pytest.fixture
async def store(tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store(tmp_path, monkeypatch)
    assert all(result.ok for result in await made.replay(*TOWNS))
    return made


async def test_rewrite_that_gives_the_same_is_committed_with_what_it_saves(store: Store) -> None:
    known = TOWNS[:1:-1]
    sources = (Source("HTML", "GET", "/list", 1, 100),)
    own = f"POST {URL}rpc list"
    steps = [
        gave(known[0], sources=sources, own_signatures=(own,)),
        *map(gave, known[1:]),
        *(gave(town, web=True) for town in known),
    ]
    model = answers(WEB)
    result, scripted = await store.compile(model, *steps)
    assert result.ok, result.error
    assert [call.code for call in scripted.calls] == [PAGE] * 5 + [WEB] * 5
    assert [call.parameters["town"] for call in scripted.calls] == known * 2
    assert [own in call.options["harmless"] for call in scripted.calls] == [False] * 5 + [True] * 5, "a page sends it"
    assert (store.bundle.kind, store.bundle.automation, result.output) == ("web", WEB, [f"{known[0]} lamps", "Chairs"])
    revision = store.bundle.committed
    assert (revision.subject, revision.trailers["Reason"]) == ("Compile: without a browser", "compile")
    assert "on 5 parameter sets. Per run, before: 1.500 s, 310 MiB; after: 0.012 s, 9 MiB." in revision.body
    assert [attempt.kind for attempt in result.attempts] == ["compile"]
    asked: ModelRequest = model.requests[0]
    assert (asked.purpose, len(model.requests)) == ("compile", 1)
    for fact in (PAGE.strip(), "HTML GET /list 100 %", known[0]):
        assert fact in asked.messages[0]["content"][0]["text"]
    assert all(each.ok for each in await store.replay("Town number 3", web=True))


@pytest.mark.parametrize(
    ("code", "steps", "said"),
    [
        (WEB, [gave("x", rows=["other"])], "gave another result"),
        (WEB, [gave(TOWNS[-1]), gave("x", rows=["other"])], '"Town number 5"} gave another result'),
        (WEB.replace("await ", ""), [], "nothing was awaited"),
        (PAGE, [], "run(web"),
        ("", [], "only a browser"),
        (WEB, [outcome(error=ScriptError("NotOnPage", "no li"), evidence=Evidence(url=URL))], "no li"),
    ],
)
async def test_rewrite_that_gives_another_leaves_all_as_it_was(
    store: Store, code: str, steps: list[Step], said: str
) -> None:
    before = store.bundle
    model = answers(code)
    result, _ = await store.compile(model, *map(gave, TOWNS[:1:-1]), *steps)
    assert result.error is not None
    assert said in result.error.message
    assert (store.bundle, len(model.requests)) == (before, 1)


async def test_code_that_fails_itself_costs_no_model(store: Store) -> None:
    model = answers(WEB)
    broken = outcome(error=ScriptError("TimeoutError", "no list", kind="timeout"), evidence=Evidence(url=URL))
    result, _ = await store.compile(model, gave(TOWNS[-1]), broken)
    assert result.error is not None
    assert (result.error.reason, model.requests) == ("drift", [])


async def test_what_writes_is_compiled_already_or_pinned_is_refused_before_the_model_is_asked(
    tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = answers(WEB)
    writes = Store(tmp_path / "writes", monkeypatch, effects="write")
    async with AsyncEngine(store=writes.root, model=model) as engine:
        writes.sandbox()
        result = await engine.compile("k", parameters={"town": "x"})
        assert result.error is not None
        assert "changes something on the site" in result.error.message
    pinned = Store(tmp_path / "pinned", monkeypatch)
    BundleStore(pinned.root / "default").pin("k")
    async with AsyncEngine(store=pinned.root, model=model) as engine:
        pinned.sandbox()
        result = await engine.compile("k", parameters={"town": "x"})
        assert result.error is not None
        assert result.error.reason == "pinned"
        assert not model.requests


BY_REQUESTS = """\
async def run(page, parameters, task):
    return await (await page.request.get(task.start_url, params={"town": parameters["town"]})).json()
"""


async def test_code_that_only_sends_requests_is_compiled_without_a_model(
    tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, monkeypatch, code=BY_REQUESTS)
    assert (await store.replay(TOWNS[0]))[0].ok
    store.sandbox(gave(TOWNS[0]), gave(TOWNS[0], web=True))
    async with AsyncEngine(store=store.root, model=NoModel()) as engine:
        result = await engine.compile("k")
    assert result.ok, result.error
    assert (store.bundle.kind, result.model_calls) == ("web", 0)
    assert BY_REQUESTS.replace("run(", "run_by_requests(", 1) in store.bundle.automation


async def test_new_code_that_only_sends_requests_is_saved_without_a_browser(
    tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "Sandbox", lambda **options: ScriptedSandbox(*map(gave, [*TOWNS[:2], *TOWNS[:2]])))
    finish = "finish", {"summary": "List", "other_parameters": {"town": TOWNS[1]}}
    model = ScriptedModel([("write", {"code": BY_REQUESTS}), finish])
    async with AsyncEngine(store=tmp_path, model=model) as engine:
        result = await engine.run(TASK, start_url=URL, reuse_key="k", parameters={"town": TOWNS[0]})
    assert result.ok, result.error
    assert result.reuse is not None
    assert (result.reuse.kind, result.model_calls) == ("web", 1)


async def test_saved_code_that_only_sends_requests_loses_its_browser_once_it_gave_the_same(
    tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, monkeypatch, code=BY_REQUESTS)
    assert (await store.replay(TOWNS[0]))[0].ok, "one set says too little"
    shadow = [*map(gave, TOWNS[1::-1]), *(gave(town, web=True) for town in TOWNS[1::-1])]
    store.sandbox(gave(TOWNS[1]), *shadow)
    async with AsyncEngine(store=store.root, model=NoModel()) as engine:
        result = await engine.run(TASK, reuse_key="k", parameters={"town": TOWNS[1]}, ai="never")
    assert result.ok, result.error
    assert result.reuse is not None
    assert (result.reuse.kind, result.reuse.updated, result.output) == ("web", True, [f"{TOWNS[1]} lamps", "Chairs"])
    assert store.bundle.kind == "web"


async def test_saved_code_that_gives_another_without_its_browser_keeps_it_and_is_not_tried_again(
    tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, monkeypatch, code=BY_REQUESTS)
    assert (await store.replay(TOWNS[0]))[0].ok
    scripted = store.sandbox(gave(TOWNS[1]), *map(gave, TOWNS[1::-1]), gave("x", rows=["other"]), gave(TOWNS[1]))
    async with AsyncEngine(store=store.root, model=NoModel()) as engine:
        results = [await engine.run(TASK, reuse_key="k", parameters={"town": TOWNS[1]}, ai="never") for _ in range(2)]
    assert [result.ok for result in results] == [True, True]
    assert (store.bundle.kind, len(scripted.calls)) == ("page", 5)


async def test_trouble_of_the_site_for_a_moment_leaves_the_version_without_a_browser_for_the_next_run(
    tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, monkeypatch, code=BY_REQUESTS)
    assert (await store.replay(TOWNS[0]))[0].ok
    busy = outcome(error=ScriptError("Error", "no rows"), evidence=Evidence(url=URL, answers=((URL, 503),)))
    shadow = [*map(gave, TOWNS[1::-1]), *(gave(town, web=True) for town in TOWNS[1::-1])]
    store.sandbox(gave(TOWNS[1]), busy, gave(TOWNS[1]), *shadow)
    async with AsyncEngine(store=store.root, model=NoModel()) as engine:
        results = [await engine.run(TASK, reuse_key="k", parameters={"town": TOWNS[1]}, ai="never") for _ in range(2)]
    assert [result.reuse and result.reuse.kind for result in results] == ["page", "web"], [r.error for r in results]


async def test_good_result_does_not_wait_forever_for_its_version_without_a_browser(
    tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(host: Host) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(runner, "_MOST_UNASKED_SECONDS", 0.05)
    store = Store(tmp_path, monkeypatch, code=BY_REQUESTS)
    assert (await store.replay(TOWNS[0]))[0].ok
    scripted = store.sandbox(gave(TOWNS[1]), hang, gave(TOWNS[1]))
    async with AsyncEngine(store=store.root, model=NoModel()) as engine:
        results = [await engine.run(TASK, reuse_key="k", parameters={"town": TOWNS[1]}, ai="never") for _ in range(2)]
    assert [result.output for result in results] == [[f"{TOWNS[1]} lamps", "Chairs"]] * 2
    assert (store.bundle.kind, len(scripted.calls)) == ("page", 3)


@pytest.mark.parametrize("allowed", [True, False])
async def test_nothing_is_compiled_unasked_where_it_costs_money_unless_that_is_allowed(
    store: Store, allowed: bool
) -> None:
    known = TOWNS[:1:-1]
    store.sandbox(gave(known[0]), *map(gave, known), *(gave(town, web=True) for town in known))
    model = answers(WEB)
    async with AsyncEngine(store=store.root, model=model, compile="auto" if allowed else "never") as engine:
        result = await engine.run(TASK, reuse_key="k", parameters={"town": known[0]})
    assert result.ok, result.error
    assert (store.bundle.kind, len(model.requests)) == (("web", 1) if allowed else ("page", 0))


async def test_rewrite_that_failed_unasked_is_not_paid_for_again(store: Store) -> None:
    known = TOWNS[:1:-1]
    store.sandbox(gave(known[0]), *map(gave, known), gave("x", rows=["other"]), gave(known[0]))
    model = answers(WEB)
    async with AsyncEngine(store=store.root, model=model, compile="auto") as engine:
        results = [await engine.run(TASK, reuse_key="k", parameters={"town": known[0]}) for _ in range(2)]
    assert all(result.ok for result in results)
    assert (store.bundle.kind, len(model.requests)) == ("page", 1)


async def test_a_site_that_cannot_be_reached_is_no_drift(
    tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, monkeypatch)
    await store.replay("Town number 1", "Town number 2")
    error = ScriptError("Error", f"Page.goto: net::ERR_CONNECTION_REFUSED at {URL}", kind="navigation")
    refused = outcome(None, error=error, evidence=Evidence(refused=(("shop.example:443", "refused"),)))
    result, _ = await store.compile(answers(""), refused)
    assert result.error is not None
    assert result.error.reason == "connection-refused", result.error
