"""Results that a person found right, and where their values stood."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, EngineError, InvalidRequest, TaskNotFound, TaskResult
from engine.bundles import BundleStore, Revision
from engine.errors import BundleNotFound
from engine.testing import outcome
from sandbox import Outcome
from tests.unit.runs.test_doubtful import CODE, FIGURE, books, gave, kinds, replay, seen, store

__all__ = ["replay", "store"]  # fixtures

Accept = Callable[..., Revision]


@pytest.fixture
def accept(store: Path) -> Accept:
    def accepted(key: str = "k", task_id: str | None = None) -> Revision:
        with Engine(store=store) as engine:
            return engine.accept(key, task_id)

    return accepted


def euros() -> Outcome:
    return gave(books(), price="€{:.2f}")


async def test_refused_result_is_accepted_once_and_known_from_then_on(store: Path, replay: Any, accept: Accept) -> None:
    refused = await replay(euros())
    assert refused.error is not None
    assert f"webtasks accept k {refused.web_task_id}" in refused.error.message
    revision = accept()
    assert revision.trailers["Reason"] == "accept"
    assert "€" in revision.body
    again = await replay(euros())
    assert (again.output, again.warnings, kinds(again)) == (books(), (), ["replay"])
    assert again.reuse is not None
    assert (again.reuse.revision_id, again.reuse.trust) == (revision.id, "candidate")
    assert (await replay(gave(books()))).ok, "what was right before is right still"
    with pytest.raises(InvalidRequest, match="nothing waits"):
        accept()
    bundle = BundleStore(store / "default").load("k")
    assert bundle is not None
    assert bundle.automation == CODE


async def test_lenient_result_is_accepted_by_its_task(replay: Any, accept: Accept) -> None:
    lenient = await replay(gave(books(), **FIGURE), trust="lenient")
    await replay(euros())
    accept("k", lenient.web_task_id)
    assert (await replay(gave(books(), **FIGURE))).warnings == ()
    assert (await replay(euros())).error is not None


async def test_what_does_not_wait_is_not_accepted(store: Path, replay: Any, accept: Accept) -> None:
    good = await replay(gave(books()), provenance="full")
    for key, task_id, error, words in (
        ("k", None, InvalidRequest, "nothing waits"),
        ("k", good.web_task_id, InvalidRequest, "nothing waits"),
        ("k", "wt_none", TaskNotFound, "wt_none"),
        ("other", None, BundleNotFound, "other"),
    ):
        with pytest.raises(error, match=words):
            accept(key, task_id)
    refused = await replay(euros())
    saved = BundleStore(store / "default")
    saved.pin("k")
    with pytest.raises(InvalidRequest, match="pinned"):
        accept()
    saved.unpin("k")
    bundle = saved.load("k")
    assert bundle is not None
    with saved.lock("k"):
        saved.commit("k", type(bundle)(**{**vars(bundle), "automation": CODE + "# new\n"}), subject="Other code")
    with pytest.raises(InvalidRequest, match="another since task"):
        accept("k", refused.web_task_id)


async def test_values_tell_where_they_stood(store: Path, replay: Any) -> None:
    plain = await replay(gave(books()))
    with pytest.raises(EngineError, match="was not kept"):
        plain.provenance("$[0].price")
    result = await replay(gave(books()), provenance="full")
    with Engine(store=store) as engine:
        later = engine.result(result.web_task_id)
    copied: TaskResult = pickle.loads(pickle.dumps(result))
    for found in (result, later, copied):
        (origin,) = found.provenance("$[1].price")
        assert (origin.value, origin.text, origin.label) == (4.75, "£4.75", "Price")
        assert origin.headings == ("All sea books",)
        assert origin.url == "http://127.0.0.1:9/list"
    assert len(result.provenance()) > 10
    with pytest.raises(InvalidRequest, match="nothing at"):
        result.provenance("$[99].price")
    with pytest.raises(EngineError, match="ask the engine"):
        TaskResult.model_validate_json(result.model_dump_json()).provenance()


async def test_failure_tells_where_its_values_stood_without_secrets(store: Path, replay: Any) -> None:
    page = seen(books(), price="€{:.2f}", said="Signed in with hunter-zwo")
    account = {"parameters": {"category": "sea", "word": "hunter-zwo"}, "secrets": ["word"]}
    from tests.support.saved import save

    saved = BundleStore(store / "default").load("k")
    assert saved is not None
    save(
        store, "k", CODE, parameters={"category": "sea", "word": ""}, contract=dict(saved.contract),
        schema=dict(saved.meta.output_schema or {}), start_url=saved.meta.start_url,
    )  # fmt: skip
    refused = await replay(outcome(books(), evidence=page), **account)
    assert refused.error is not None
    (origin,) = refused.provenance("$[0].price")
    assert origin.text == "€3.50"
    assert origin.headings[-1] == "Signed in with [secret:word]"
    (kept,) = store.rglob("read.json.gz")
    assert kept.parent == store / "default" / "results" / refused.web_task_id, "where it expires with the task"
