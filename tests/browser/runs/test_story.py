"""The main path on every site: explore and commit, replay, redesign, repair and commit, replay.

The demo goes it on the directory, see tests/browser/cli/test_demo.py.
"""

from collections.abc import Callable

import pytest

from engine import TaskResult
from engine.bundles import BundleStore
from tests.apps.scenarios import SCENARIOS
from tests.support.stage import Stage


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(SCENARIOS.keys() - {"directory"}))
async def test_explore_replay_redesign_repair(name: str, stage: Callable[[str], Stage]) -> None:
    s = stage(name)

    first = await s.run("explore")
    assert first.ok, first.error
    assert first.model_calls > 0
    assert first.reuse is not None
    assert (first.reuse.used, first.reuse.created) == (False, True)

    second = await s.run(parameters=s.scenario.other_parameters)
    assert second.ok, second.error
    assert (second.model_calls, second.cost.ai_usd) == (0, 0)
    assert second.output != first.output
    assert second.reuse is not None
    assert second.reuse.revision_id == first.reuse.revision_id, "a replay commits nothing"

    s.site.version = "v2"
    third = await s.run("repair")
    assert third.ok, third.error
    assert third.reuse is not None
    assert (third.reuse.used, third.reuse.created, third.reuse.updated) == (True, False, True)
    if not s.scenario.writes:
        assert data(third) == data(first), "the same data under another design"

    history = BundleStore(s.store / "default").history(s.scenario.site)
    assert [r.id for r in history] == [third.reuse.revision_id, first.reuse.revision_id]
    assert {"Task-Id", "Model", "Cost-Usd", "Reason"} <= history[0].trailers.keys()

    fourth = await s.run(parameters=s.scenario.other_parameters)
    assert fourth.ok, fourth.error
    assert fourth.model_calls == 0
    assert fourth.reuse is not None
    assert fourth.reuse.revision_id == third.reuse.revision_id
    if not s.scenario.writes:
        assert data(fourth) == data(second)


def data(result: TaskResult) -> object:
    """The output, but for what names the run: the place of a saved file, and the name that the design gives it."""

    def plain(value: object) -> object:
        if isinstance(value, dict):
            place = {"path", "name", "content_type"} if "sha256" in value else set()
            return {k: plain(v) for k, v in value.items() if k not in place}
        return [plain(v) for v in value] if isinstance(value, list) else value

    return plain(result.output)
