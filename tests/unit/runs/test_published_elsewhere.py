"""A first run of a key that another machine publishes first, to the git remote that both share."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from engine.api.workspace import Workspace
from engine.bundles import BundleStore
from engine.bundles.git_remote import GitRemote
from engine.bundles.remote import RemoteBundleStore
from engine.contract import Observed, learn
from engine.task.schema import infer
from engine.testing import ScriptedModel, outcome
from sandbox import Evidence, GateDecision, Host, Outcome, ScriptError
from tests.support.saved import save
from tests.unit.runs.conftest import URL, Run, told
from tests.unit.runs.test_browser_options import CODE, GOOD

ROWS = [{"name": "Ada"}, {"name": "Ben"}]


@pytest.fixture
def there(tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch) -> RemoteBundleStore:
    """Another machine's store; the engine's own has the same remote."""
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "hub.git")], check=True)
    remote = GitRemote(tmp_path / "hub.git")
    here = RemoteBundleStore(tmp_path / "default", remote)
    monkeypatch.setattr(Workspace, "bundles", property(lambda workspace: here))
    return RemoteBundleStore(tmp_path / "there", remote)


def publish(there: RemoteBundleStore) -> None:
    made = there.root.parent / "made"
    save(made, "k", "winner", contract=learn([Observed(ROWS, Evidence())]), start_url=URL, schema=infer([ROWS]))
    bundle = BundleStore(made / "default").load("k")
    assert bundle is not None
    there.commit("k", bundle, subject="Written there")


async def test_the_loser_replays_the_winners_revision(there: RemoteBundleStore, run: Run) -> None:
    async def lose(host: Host) -> Outcome:
        publish(there)
        return GOOD

    model = ScriptedModel([("write", {"code": CODE}), ("finish", {"summary": "List"})])
    result, scripted = await run(lose, GOOD, GOOD, model=model)
    assert result.ok, (result.error, told(model))
    assert [attempt.kind for attempt in result.attempts] == ["explore", "replay"]
    assert scripted.calls[-1].code == "winner"
    assert result.reuse is not None
    winner = there.head("k")
    assert winner is not None
    assert (result.reuse.revision_id, result.reuse.created) == (winner.id, False)


async def test_the_loser_acts_once_and_keeps_its_result(there: RemoteBundleStore, run: Run) -> None:
    async def order(host: Host) -> Outcome:
        assert await host.gate("place the order", None) == GateDecision.GO
        await host.gate_closed("place the order", None, None)
        publish(there)
        return outcome(ROWS, evidence=Evidence(url=URL, text="Ada Ben", status=200, documents=((URL, 200),)))

    code = CODE.replace("    return", '    async with task.irreversible("place the order"):\n        pass\n    return')
    stopped = ScriptError("RehearsalComplete", "place the order", kind="rehearsal")

    async def rehearse(host: Host) -> Outcome:
        assert await host.gate("place the order", None) == GateDecision.REHEARSE
        return outcome(error=stopped, evidence=GOOD.evidence)

    model = ScriptedModel([("write", {"code": code}), ("finish", {"summary": "Order"})])
    result, _ = await run(rehearse, order, model=model)
    assert result.ok, (result.error, told(model))
    assert (result.effect, result.output) == ("performed", ROWS)
    assert "published" in " ".join(result.warnings)
