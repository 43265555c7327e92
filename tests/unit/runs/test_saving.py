"""Saving an automation is tried before the model is paid; an output that was paid for is given."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.bundles import BundleStore
from engine.errors import StoreError
from engine.testing import ScriptedModel, outcome
from sandbox import Evidence
from tests.support.saved import save
from tests.unit.runs.conftest import URL, Run

CODE = """\
async def run(page, parameters, task):
    return [{"name": name} for name in await page.get_by_role("listitem").all_inner_texts()]
"""
ROWS = [{"name": "Ada"}, {"name": "Ben"}]
GOOD = outcome(ROWS, evidence=Evidence(url=URL, text="Ada Ben", status=200, documents=((URL, 200),)))


def model() -> ScriptedModel:
    return ScriptedModel([("write", {"code": CODE}), ("finish", {"summary": "List"})])


def no_git(store: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shutil, "which", lambda name: None)


def file_where_the_repository_is_made(store: Path, patch: pytest.MonkeyPatch) -> None:
    (store / "default" / "tmp").mkdir(parents=True)
    (store / "default" / "tmp" / "k").write_text("")


def file_instead_of_the_bundles(store: Path, patch: pytest.MonkeyPatch) -> None:
    (store / "default").mkdir()
    (store / "default" / "bundles").write_text("")


def full_disk(store: Path, patch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(store)
    patch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=5 << 20))


@pytest.mark.parametrize("trouble", [no_git, file_where_the_repository_is_made, file_instead_of_the_bundles, full_disk])
async def test_store_that_cannot_take_a_commit_is_found_before_the_model_is_asked(
    trouble: Callable[[Path, pytest.MonkeyPatch], None], tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble(tmp_path, monkeypatch)
    asked = model()
    result, scripted = await run(model=asked)
    assert result.error is not None
    assert (result.error.reason, result.model_calls, asked.requests, scripted.calls) == ("store", 0, [], [])


async def test_trial_leaves_nothing_behind(tmp_path: Path, git: None) -> None:
    store = BundleStore(tmp_path / "default")
    for _ in range(2):
        store.check_can_save("new")
    assert [path.name for path in store.root.iterdir()] == ["tmp"]
    save(tmp_path, "k", CODE)
    before = {path: path.stat().st_mtime_ns for path in store.path("k").rglob("*") if path.is_file()}
    store.check_can_save("k")
    assert {path: path.stat().st_mtime_ns for path in store.path("k").rglob("*") if path.is_file()} == before
    assert list((tmp_path / "default" / "tmp").iterdir()) == []


async def test_output_is_given_where_the_commit_fails_after_the_model_was_paid(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_full(*_: object, **__: object) -> None:
        raise StoreError("no space left on device")

    monkeypatch.setattr(BundleStore, "commit", is_full)
    result, _ = await run(GOOD, GOOD, model=model())
    assert result.ok, result.error
    assert (result.output, result.reuse) == (ROWS, None)
    assert "could not be saved" in result.warnings[-1]
    assert "no space left on device" in result.warnings[-1]
