"""First runs beside the story: no start URL and no key, and a page whose text tries to instruct the agent."""

from collections.abc import Callable
from pathlib import Path

from engine import AsyncEngine
from fixtures_sites import FixtureServer
from tests.support import nostart
from tests.support.stage import NoModel, Stage


async def test_without_a_start_url_the_agent_decides_and_without_a_key_one_is_minted(
    tmp_path: Path, site: FixtureServer
) -> None:
    request = nostart.request(site.url)
    async with AsyncEngine(store=tmp_path, model=nostart.recorded(site.url)) as engine:
        first = await engine.run(**request)
    assert first.ok, first.error
    assert len(first.output) == 12
    assert first.reuse is not None
    assert first.reuse.key.startswith("wtr_")
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        again = await engine.run(reuse_key=first.reuse.key, **request)
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
