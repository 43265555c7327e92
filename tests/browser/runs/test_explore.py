"""First runs beside the story: no start URL and no key, and a page whose text tries to instruct the agent."""

from collections.abc import Callable
from pathlib import Path

from engine import AsyncEngine
from engine.models.recorded import RecordedModel
from fixtures_sites import FixtureServer
from tests.support.paths import RECORDINGS
from tests.support.stage import NoModel, Stage


async def test_without_a_start_url_the_agent_decides_and_without_a_key_one_is_minted(
    tmp_path: Path, site: FixtureServer
) -> None:
    origin = site.url.rstrip("/")
    task = f"List the names of the products at {origin}/list"
    model = RecordedModel(RECORDINGS / "nostart.explore.jsonl", substitutions={"site": origin})
    async with AsyncEngine(store=tmp_path, model=model) as engine:
        first = await engine.run(task, allow_hosts=[origin])
    assert first.ok, first.error
    assert len(first.output) == 12
    assert first.reuse is not None
    assert first.reuse.key.startswith("wtr_")
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        again = await engine.run(task, reuse_key=first.reuse.key, allow_hosts=[origin])
    assert again.output == first.output, "it begins where the first run began"
    assert again.model_calls == 0


async def test_text_on_a_page_is_data_and_changes_nothing(stage: Callable[[str], Stage]) -> None:
    s = stage("injected")
    result = await s.run("explore")
    assert result.ok, result.error
    assert [row["name"] for row in result.output][:2] == ["Brass hinge, 80 mm", "Cabinet knob, oak"]
    assert len(result.output) == 12
    assert "hacked" not in str(result.output)
    assert isinstance(s.site, FixtureServer)
    assert s.site.state.collected == [], "nobody sent a secret where the page wanted it"
