"""Hosts that replays may reach, and the message of a run that was refused one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, Event, InvalidRequest, TaskResult
from engine.bundles import BundleStore
from engine.execution.network import NetworkAccess
from engine.testing import ScriptedModel
from fixtures_sites import FixtureServer
from sandbox import PoolOptions
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

# `cdn.example` does not exist; whether it is looked up at all is what tells the modes apart.
FETCHES = """\
async def run(page, parameters, task):
    await page.evaluate("fetch('http://cdn.example/data.js').catch(() => null)")
    return [{"title": await page.title()}]
"""
MOVES = """\
async def run(page, parameters, task):
    await page.goto("http://moved.example/")
    return [{"title": await page.title()}]
"""
STAYS = MOVES.replace('    await page.goto("http://moved.example/")\n', "")
REFUSED = "policy: not among the allowed hosts"


async def run(store: Path, site: FixtureServer, model: Any = None, ai: str = "never", **options: Any) -> Any:
    events: list[Event] = []
    url = site.url.rstrip("/") + "/list"
    async with AsyncEngine(store=store, model=model or NoModel(), pool=PoolOptions(spare=0), **options) as engine:
        result: TaskResult = await engine.run(TASK, start_url=url, reuse_key="k", ai=ai, on_event=events.append)
    refused = [dict(event.data["hosts"]) for event in events if event.type == "egress.refused"]
    return result, refused


@pytest.mark.parametrize("egress", ["learned", ["example.org", "*.example.net"]])
async def test_a_subresource_of_an_unknown_host_is_a_warning(tmp_path: Path, site: FixtureServer, egress: Any) -> None:
    save(tmp_path, "k", FETCHES)
    result, refused = await run(tmp_path, site, egress=egress)
    assert result.ok, result.error
    assert refused == [{"cdn.example:80": REFUSED}]
    assert [warning for warning in result.warnings if "cdn.example:80" in warning]


@pytest.mark.parametrize(
    ("egress", "hosts"), [("learned", ("cdn.example:443",)), ("public", ()), (["cdn.example"], ())]
)
async def test_known_hosts_are_tried(tmp_path: Path, site: FixtureServer, egress: Any, hosts: tuple[str, ...]) -> None:
    save(tmp_path, "k", FETCHES, hosts=hosts)
    result, refused = await run(tmp_path, site, egress=egress)
    assert result.ok, result.error
    assert (refused, result.warnings) == ([], ())


async def test_a_page_at_an_unknown_host_fails_and_names_it(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", MOVES)
    result, _ = await run(tmp_path, site)
    assert result.error is not None
    assert result.error.reason == "host-not-allowed"
    assert result.error.details["hosts"] == ["moved.example:80"]


async def test_a_repair_may_reach_what_the_replay_could_not(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", MOVES, hosts=("old.example:80",))
    look = "await page.request.get('http://moved.example/')"
    model = ScriptedModel(
        [("run", {"code": look})], [("write", {"code": STAYS})], [("finish", {"summary": "It stays where it is"})]
    )
    result, _ = await run(tmp_path, site, model, ai="auto")
    assert result.ok, result.error
    shown = str(model.requests[0].messages)
    assert "kept from hosts it had not needed before: moved.example:80" in shown
    bundle = BundleStore(tmp_path / "default").load_active("k")
    assert bundle is not None
    assert bundle.meta.allowed_hosts == (site.url.split("/")[2], "old.example:80")
    # With the whole Internet open to it, the name was looked up, in vain.
    assert "moved.example:80" not in str(result.warnings)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"egress": "everything"}, "egress"),
        ({"egress": ["not a host"]}, "egress"),
        ({"egress": ["https://example.com"]}, "egress"),
        ({"egress": [1]}, "egress"),
        ({"proxy": "socks5://127.0.0.1:1080"}, "proxy"),
        ({"proxy": "http://user:pass word@proxy"}, "proxy"),
    ],
)
def test_malformed_options_are_refused(tmp_path: Path, options: Any, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        AsyncEngine(store=tmp_path, **options)
    assert caught.value.details["field"] == field
    assert "pass word" not in str(caught.value)


@pytest.mark.parametrize(
    ("start_url", "hosts"),
    [
        ("https://www.example.com/x", ("*.example.com", "cdn.net", "example.com")),
        ("https://example.com", ("*.example.com", "cdn.net", "example.com")),
        ("http://10.0.0.1:80/", ("10.0.0.1", "cdn.net")),
        ("https://bücher.example/", ("*.xn--bcher-kva.example", "cdn.net", "xn--bcher-kva.example")),
        (None, ("cdn.net",)),
    ],
)
def test_what_a_replay_reaches(start_url: str | None, hosts: tuple[str, ...]) -> None:
    network = NetworkAccess.parse("learned", None)
    assert network.replaying(network.egress(()), ["cdn.net:443"], start_url).hosts == hosts
