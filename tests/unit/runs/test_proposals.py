"""Repairs of automations that are files of the user's repository: proposals, which run where the files do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sandbox
from engine import AsyncEngine, TaskResult
from engine.bundles import BundleStore, PlainBundles, RepositoryStore, write_plain
from engine.testing import ScriptedModel, ScriptedSandbox, outcome
from engine.testing.sandbox import Step
from sandbox import Evidence, ScriptError
from tests.support.numbered import user_git
from tests.support.saved import TASK, save
from tests.support.stage import NoModel
from tests.unit.runs.conftest import URL, told

CODE = "async def run(page, parameters, task):\n    return [{'price': await page.get_by_role('cell').inner_text()}]\n"
MENDED = CODE.replace("cell", "row")
PAGE = Evidence(url=URL, title="Shop", text="Prices 1.5", status=200, documents=((URL, 200),))
GOOD = outcome([{"price": "1.5"}], evidence=PAGE)
BROKEN = outcome(error=ScriptError("TimeoutError", "no such cell", kind="timeout"), evidence=PAGE)
REPAIR = [("write", {"code": MENDED}), ("finish", {"summary": "Read rows"})]


class Repository:
    """A user's repository whose directory has the automation ``k``, and an engine that runs it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.store, self._monkeypatch = root / "repo", root / "store", monkeypatch
        self.root.mkdir()
        save(root / "made", "k", CODE)
        bundle = BundleStore(root / "made" / "default").load("k")
        assert bundle is not None
        write_plain(self.root, "k", bundle)
        user_git(self.root, "init", "-q")
        self.commit()

    def commit(self) -> None:
        user_git(self.root, "add", "-A")
        user_git(self.root, "commit", "-q", "-m", "Change")

    @property
    def bundles(self) -> RepositoryStore:
        return RepositoryStore(self.store / "default", PlainBundles(self.root))

    async def run(self, *steps: Step, model: ScriptedModel | None = None, **changed: Any) -> tuple[TaskResult, Any]:
        scripted = ScriptedSandbox(*steps)
        self._monkeypatch.setattr(sandbox, "Sandbox", lambda **options: scripted)
        arguments = {"start_url": URL, "reuse_key": "k", "ai": "auto" if model else "never"}
        async with AsyncEngine(store=self.store, bundles=self.root, model=model or NoModel()) as engine:
            result = await engine.run(TASK, **arguments | changed)
        return result, [call.code for call in scripted.calls]


@pytest.fixture
def repository(tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch) -> Repository:
    return Repository(tmp_path, monkeypatch)


async def test_a_repair_leaves_the_files_alone_and_is_paid_once(repository: Repository) -> None:
    result, _ = await repository.run(BROKEN, GOOD, GOOD, model=ScriptedModel(REPAIR))
    assert result.ok, result.error
    assert user_git(repository.root, "status", "--porcelain") == ""
    assert [w for w in result.warnings if "bundles diff k --patch | git apply" in w]
    proposal = repository.bundles.proposal("k")
    assert proposal is not None
    assert proposal.automation == MENDED

    again, codes = await repository.run(BROKEN, GOOD, model=ScriptedModel())
    assert (again.ok, again.model_calls, codes) == (True, 0, [CODE, MENDED])
    assert again.attempts[-1].revision == proposal.committed.id
    assert [w for w in again.warnings if "waits as a proposal" in w]
    without, codes = await repository.run(BROKEN, GOOD)
    assert (without.ok, codes) == (True, [CODE, MENDED])


async def test_committed_files_that_work_run_also_beside_a_proposal(repository: Repository) -> None:
    await repository.run(BROKEN, GOOD, GOOD, model=ScriptedModel(REPAIR))
    result, codes = await repository.run(GOOD)
    assert (result.ok, codes, result.warnings) == (True, [CODE], ())


async def test_a_proposal_that_fails_too_is_what_the_next_repair_begins_with(repository: Repository) -> None:
    await repository.run(BROKEN, GOOD, GOOD, model=ScriptedModel(REPAIR))
    model = ScriptedModel([("write", {"code": MENDED.replace("row", "term")}), ("finish", {"summary": "Read terms"})])
    result, _ = await repository.run(BROKEN, BROKEN, GOOD, GOOD, model=model)
    assert result.ok, result.error
    assert "get_by_role('row')" in told(model)[0]
    patch = repository.bundles.patch("k")
    assert ("-    return [{'price': await page.get_by_role('cell')" in patch, "get_by_role('term')" in patch) == (
        True, True,
    )  # fmt: skip


async def test_edits_that_are_not_committed_are_told_and_do_not_run(repository: Repository) -> None:
    (repository.root / "k" / "automation.py").write_text(MENDED)
    result, codes = await repository.run(GOOD)
    assert codes == [CODE]
    assert [w for w in result.warnings if "edits that are not committed (automation.py)" in w]
    repository.commit()
    _, codes = await repository.run(GOOD)
    assert codes == [MENDED]


async def test_files_that_were_never_committed_fail_the_run_before_a_model_is_paid(repository: Repository) -> None:
    (repository.root / "k").rename(repository.root / "new")
    result, codes = await repository.run(reuse_key="new", model=ScriptedModel())
    assert result.error is not None
    assert (codes, "new is not committed" in result.error.message) == ([], True)


async def test_edits_are_committed_by_the_user_and_not_adopted(repository: Repository) -> None:
    (repository.root / "k" / "NOTES.md").write_text("The list is in a table.\n")
    async with AsyncEngine(store=repository.store, bundles=repository.root, model=NoModel()) as engine:
        result = await engine.adopt("k")
    assert result.error is not None
    assert (result.error.reason, "commit the edit there" in result.error.message) == ("bundle", True)
