"""Pages that code cannot mend, served by a fixture: the right reason, a screenshot, no model call, no commit."""

import asyncio
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, Event, Limits, TaskResult
from engine.contract import Observed, learn
from engine.testing import ScriptedModel
from fixtures_sites import FixtureServer, serve
from fixtures_sites.misbehaving import PASSWORD, USER
from sandbox import Evidence, PoolOptions
from tests.support.saved import TASK, save
from tests.support.serving import refusing
from tests.support.stage import NoModel, tree

NAMES = """\
async def run(page, parameters, task):
    await page.get_by_role("heading", level=3).first.wait_for()
    return [{"name": name} for name in await page.get_by_role("heading", level=3).all_inner_texts()]
"""
REASONS = {
    "/500": "http-error",
    "/502": "http-error",
    "/503": "maintenance",
    "/404": "http-error",
    "/401": "login-required",
    "/403": "access-denied",
    "/429": "site-rate-limit",
    "/dead": "connection-lost",
    "/hang": "site-timeout",
    "/bot-wall": "bot-wall",
    "/bot-wall?status=403": "bot-wall",
    "/captcha": "bot-wall",
    "/login-expired": "login-required",
    "/paywall": "paywall",
    "/paywall?status=402": "paywall",
    "/error-200": "error-page",
    "/redirect-private": "host-not-allowed",
    "/redirect-loop": "redirect-loop",
}
QUICK = Limits(retries=0, action_timeout=4)


@pytest.fixture
def urls(site: FixtureServer) -> Iterator[dict[str, str]]:
    """Address → reason, for every kind."""
    with refusing() as refused:
        elsewhere = {refused: "connection-refused", "http://nowhere.invalid/": "dns"}
        yield {site.url.rstrip("/") + path: reason for path, reason in REASONS.items()} | elsewhere


async def run_all(store: Path, urls: Mapping[str, str]) -> dict[str, TaskResult]:
    """One run at each address, on a key of its own, with a model that must not be asked."""
    async with AsyncEngine(
        store=store, model=NoModel(), limits=QUICK, max_tasks=3, pool=PoolOptions(spare=0)
    ) as engine:
        runs = [engine.run(TASK, start_url=url, reuse_key=f"k{n}") for n, url in enumerate(urls)]
        return dict(zip(urls, await asyncio.gather(*runs), strict=True))


def check(results: Mapping[str, TaskResult], urls: Mapping[str, str]) -> None:
    assert {url: r.error and r.error.reason for url, r in results.items()} == urls
    assert {r.model_calls for r in results.values()} == {0}
    for url, result in results.items():
        assert result.error is not None
        assert result.error.code == ("timeout" if result.error.reason == "site-timeout" else "internal-error")
        assert Path(result.error.details["screenshot"]).read_bytes().startswith(b"\x89PNG"), url


async def test_a_saved_automation_before_every_wall(tmp_path: Path, urls: dict[str, str]) -> None:
    contract = learn([Observed([{"name": "a"}], Evidence())])
    for number in range(len(urls)):
        save(tmp_path, f"k{number}", NAMES, contract=contract)
    before = tree(tmp_path / "default" / "bundles")
    check(await run_all(tmp_path, urls), urls)
    assert tree(tmp_path / "default" / "bundles") == before


async def test_a_first_run_before_every_wall(tmp_path: Path, urls: dict[str, str]) -> None:
    results = await run_all(tmp_path, urls)
    check(results, urls)
    assert {r.reuse for r in results.values()} == {None}


async def run(store: Path, url: str, events: list[Event] | None = None, **changed: Any) -> TaskResult:
    options = {"limits": changed.pop("limits", QUICK), "pool": PoolOptions(spare=0)}
    async with AsyncEngine(store=store, model=NoModel(), **options) as engine:
        told = events if events is not None else []
        arguments = {"start_url": url, "reuse_key": "k", "on_event": told.append} | changed
        return await engine.run(TASK, **arguments)


@pytest.mark.parametrize("saved", [True, False])
async def test_a_certificate_that_nobody_trusts(tmp_path: Path, saved: bool) -> None:
    if saved:
        save(tmp_path, "k", NAMES)
    with serve("misbehaving", tls=True) as site:
        result = await run(tmp_path, site.url)
    assert result.error is not None
    assert result.error.reason == "tls"
    assert result.model_calls == 0


LOGIN = """\
async def run(page, parameters, task):
    await page.get_by_label("User name").fill(parameters["user"])
    await page.get_by_label("Password").fill(parameters["password"])
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("heading", name="Orders of").wait_for()
    return await page.get_by_role("row").all_inner_texts()
"""


async def test_wrong_credentials_are_no_fault_of_the_code(tmp_path: Path, site: FixtureServer) -> None:
    login = {"user": USER, "password": PASSWORD}
    save(tmp_path, "k", LOGIN, parameters=login, contract={"page": {"login": True}})
    good = await run(tmp_path, site.url + "account", parameters=login)
    assert good.ok, good.error
    result = await run(tmp_path, site.url + "account", parameters=login | {"password": "lantern-43"})
    assert result.error is not None
    assert result.error.reason == "wrong-credentials"
    assert result.model_calls == 0


SHELF = """\
async def run(page, parameters, task):
    await page.goto(f"{task.start_url}?name={parameters['shelf']}")
    await page.get_by_role("heading", level=3).first.wait_for()
    return await page.get_by_role("heading", level=3).all_inner_texts()
"""


async def test_a_parameter_that_the_site_does_not_know(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", SHELF, parameters={"shelf": "tools"})
    good = await run(tmp_path, site.url + "shelf", parameters={"shelf": "tools"})
    assert good.ok, good.error
    result = await run(tmp_path, site.url + "shelf", parameters={"shelf": "garden"})
    assert result.error is not None
    assert result.error.reason == "unknown-parameter"
    assert [(a.kind, a.outcome) for a in result.attempts] == [("replay", "failed"), ("check", "success")]
    assert result.model_calls == 0


async def test_a_site_that_goes_down_during_the_check_is_no_fault_of_the_code(
    tmp_path: Path, site: FixtureServer
) -> None:
    save(tmp_path, "k", SHELF, parameters={"shelf": "tools"})
    good = await run(tmp_path, site.url + "shelf", parameters={"shelf": "tools"})
    assert good.ok, good.error

    def closes(event: Event) -> None:
        if event.type == "check.started":
            site.close()

    result = await run(tmp_path, site.url + "shelf", parameters={"shelf": "garden"}, on_event=closes)
    assert result.error is not None
    assert result.error.reason == "connection-refused"
    assert result.model_calls == 0


FLOOD = "async def run(page, parameters, task):\n    while True:\n        print('x' * 100_000)\n"


async def test_our_own_limits_are_named(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", FLOOD)
    result = await run(tmp_path, site.url)
    assert result.error is not None
    assert result.error.reason == "limit-output-bytes"
    assert result.model_calls == 0


FETCH = """\
async def run(page, parameters, task):
    response = await page.request.get(task.start_url.replace("list", parameters["path"]), timeout=2000)
    return [{"name": row} for row in await response.json()]
"""


@pytest.mark.parametrize(
    ("path", "reason"), [("500", "http-error"), ("dead", "connection-lost"), ("hang", "site-timeout")]
)
async def test_what_the_code_fetches_beside_the_page_is_triaged_too(
    tmp_path: Path, site: FixtureServer, path: str, reason: str
) -> None:
    save(tmp_path, "k", FETCH, parameters={"path": "x"})
    result = await run(tmp_path, site.url + "list", parameters={"path": path})
    assert result.error is not None
    assert result.error.reason == reason
    assert result.model_calls == 0


# What passes by itself is tried again.

PATIENT = Limits(retries=2, action_timeout=5)


def waits(events: list[Event]) -> list[Event]:
    return [event for event in events if event.type == "retry.waiting"]


@pytest.mark.parametrize("how", ["/500", "/429&after=1", "/dead"])
async def test_a_site_that_is_away_for_a_moment_is_tried_again(tmp_path: Path, site: FixtureServer, how: str) -> None:
    save(tmp_path, "k", NAMES)
    events: list[Event] = []
    result = await run(tmp_path, f"{site.url}flaky?how={how}", events, limits=PATIENT)
    assert result.ok, result.error
    assert [a.kind for a in result.attempts] == ["replay", "replay"]
    (waited,) = waits(events)
    assert waited.data["retries_left"] == 1


async def test_a_first_run_waits_for_the_site_before_the_model_is_asked(tmp_path: Path, site: FixtureServer) -> None:
    events: list[Event] = []
    model = ScriptedModel([("give_up", {"reason": "site-broken", "message": "no"})])
    url = f"{site.url}flaky?how=/502"
    async with AsyncEngine(store=tmp_path, model=model, limits=PATIENT, pool=PoolOptions(spare=0)) as engine:
        result = await engine.run(TASK, start_url=url, on_event=events.append)
    assert result.error is not None
    assert result.error.reason == "site-broken"
    assert [e.type for e in events if e.type in ("retry.waiting", "agent.step")] == ["retry.waiting", "agent.step"]


async def test_tries_are_few_and_the_last_ones_cause_is_told(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", NAMES)
    events: list[Event] = []
    result = await run(tmp_path, f"{site.url}502", events, limits=Limits(retries=1))
    assert result.error is not None
    assert result.error.reason == "http-error"
    assert len(waits(events)) == 1


@pytest.mark.parametrize(
    ("path", "timeout"),
    [("503", 600), ("404", 600), ("502", 5)],
    ids=["asks for two minutes", "404", "no time"],
)
async def test_what_does_not_pass_in_time_is_not_tried_again(
    tmp_path: Path, site: FixtureServer, path: str, timeout: float
) -> None:
    save(tmp_path, "k", NAMES)
    events: list[Event] = []
    result = await run(tmp_path, site.url + path, events, limits=PATIENT, timeout=timeout)
    assert result.error is not None
    assert not waits(events)
    if path == "503":
        assert result.error.details["retry_after"] == "120"


SENDS = """\
async def run(page, parameters, task):
    await page.request.post(task.start_url + "collect", data="an order")
    await page.goto(task.start_url + "502")
    await page.get_by_role("heading", level=3).first.wait_for(timeout=500)
"""


@pytest.mark.parametrize("effects", ["read", "write"])
async def test_what_may_have_been_sent_is_not_sent_again(tmp_path: Path, site: FixtureServer, effects: str) -> None:
    save(tmp_path, "k", SENDS, effects=effects)
    events: list[Event] = []
    result = await run(tmp_path, site.url, events, limits=PATIENT)
    assert result.error is not None
    assert result.error.reason == "http-error"
    assert not waits(events)
    assert len(site.state.collected) == 1


async def test_a_name_that_is_not_looked_up_for_now_is_looked_up_again(
    tmp_path: Path, site: FixtureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up, asked = socket.getaddrinfo, []

    def unsteady(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "shop.test":
            asked.append(host)
            if len(asked) == 1:
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            host = "127.0.0.1"
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", unsteady)
    save(tmp_path, "k", NAMES)
    events: list[Event] = []
    result = await run(tmp_path, f"http://shop.test:{site.port}/list", events, limits=PATIENT)
    assert result.ok, result.error
    assert [event.data["reason"] for event in waits(events)] == ["dns"]


# What a screenshot may show.

TYPES = """\
async def run(page, parameters, task):
    await page.get_by_label({field!r}).fill(parameters["password"])
    raise KeyError("after typing")
"""


@pytest.mark.parametrize(("field", "kept"), [("Password", True), ("User name", False)])
async def test_a_screenshot_shows_no_secret(tmp_path: Path, site: FixtureServer, field: str, kept: bool) -> None:
    secret = {"password": "correct-horse"}
    save(tmp_path, "k", TYPES.format(field=field), parameters=secret)
    result = await run(tmp_path, site.url + "login", parameters=secret, ai="never")
    assert result.error is not None
    assert ("screenshot" in result.error.details) == kept
    # one for the error, one for the report
    assert sorted(path.name for path in tmp_path.rglob("*.png")) == (["001.png", "failure.png"] if kept else [])
    assert not kept or Path(result.error.details["screenshot"]).is_file()


async def test_a_good_run_takes_no_screenshot_and_keeps_no_files(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", NAMES)
    result = await run(tmp_path, site.url + "list")
    assert result.ok, result.error
    assert not (tmp_path / "default" / "files").exists()
