"""Automations without a browser: when they are written, taken, repaired, and given up for one with a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import Event
from engine.bundles import Bundle, BundleStore
from engine.contract import Observed, learn
from engine.task.event_text import event_line
from engine.testing import ScriptedModel, Turn, outcome
from sandbox import Evidence, GateDecision, Host, Outcome, ScriptError
from sandbox.read_evidence import Source
from tests.support.saved import save
from tests.unit.runs.conftest import URL, Run, told

PAGE = """\
async def run(page, parameters, task):
    await page.goto(f"{task.start_url}?town={parameters['town']}")
    return await page.locator("li").all_inner_texts()
"""
WEB = """\
async def run(web, parameters, task):
    shops = await web.get(task.start_url, params={"town": parameters["town"]})
    return shops.css("li").texts
"""
ASHBY, CORRAN = ["Lamps", "Chairs"], ["Desks", "Stools", "Benches"]
ALL = (Source("JSON", "GET", "/shops.json", 1, 100),)
TOWN = {"town": "Ashby"}
GIVE_UP: list[Turn] = [("give_up", {"reason": "impossible", "message": "no"})]


def gave(value: Any, town: str = "Ashby", **page: Any) -> Outcome:
    shown = {"url": URL, "status": 200, "output_read": True, "text": "\n".join(value), "documents": ((URL, 200),)}
    return outcome(value, evidence=Evidence(**shown | {"inputs": (("url", town),)} | page))


def write(code: str = PAGE) -> Turn:
    return "write", {"code": code}


def finish(**said: Any) -> Turn:
    return "finish", {"summary": "List shops", "other_parameters": {"town": "Corran"}, **said}


def saved(store: Path) -> Bundle:
    bundle = BundleStore(store / "default").load("k")
    assert bundle is not None
    return bundle


@pytest.fixture
def light(tmp_path: Path, git: None) -> Path:
    """A saved automation without a browser."""
    save(tmp_path, "k", WEB, parameters=TOWN, contract=learn([Observed(ASHBY, Evidence())]), start_url=URL)
    return tmp_path


async def test_version_that_gives_the_same_on_both_sets_is_saved(run: Run, tmp_path: Path) -> None:
    events: list[Event] = []
    model = ScriptedModel([write()], [finish(web=WEB)])
    steps = gave(ASHBY, sources=ALL), gave(CORRAN, "Corran"), gave(ASHBY), gave(CORRAN, "Corran")
    result, scripted = await run(*steps, model=model, parameters=TOWN, on_event=events.append)
    assert result.ok, told(model)
    assert (saved(tmp_path).kind, saved(tmp_path).automation, result.output) == ("web", WEB, ASHBY)
    assert result.reuse is not None
    assert result.reuse.to_wire()["kind"] == "web"
    assert [call.code for call in scripted.calls] == [PAGE, PAGE, WEB, WEB]
    assert [call.parameters["town"] for call in scripted.calls] == ["Ashby", "Corran", "Ashby", "Corran"]
    assert [call.options["sources"] for call in scripted.calls] == [True, False, False, False], (
        "only in one proving run"
    )
    assert "the values returned are all in: JSON GET /shops.json 100 %" in told(model)[1]
    lines = [line.text for event in events if (line := event_line(event)) is not None]
    assert "without a browser it gives the same, and is saved so" in lines
    again, _ = await run(gave(ASHBY), parameters=TOWN)
    assert (again.model_calls, again.reuse and again.reuse.kind) == (0, "web")


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        (gave(ASHBY[:1]), None, "instead of"),
        (gave(ASHBY), gave(CORRAN[:2], "Corran"), "instead of"),
        (outcome(error=ScriptError("WebError", "no such page"), evidence=Evidence(url=URL)), None, "no such page"),
    ],
)
async def test_version_that_gives_another_is_left_and_costs_no_turn(
    run: Run, tmp_path: Path, first: Outcome, second: Outcome | None, why: str
) -> None:
    events: list[Event] = []
    model = ScriptedModel([write(), finish(web=WEB)])
    steps = gave(ASHBY), gave(CORRAN, "Corran"), first, *([second] if second is not None else [])
    result, _ = await run(*steps, model=model, parameters=TOWN, on_event=events.append)
    assert result.ok, told(model)
    assert (saved(tmp_path).kind, result.output, result.model_calls) == ("page", ASHBY, 1)
    (told_of,) = [event.data for event in events if event.type == "candidate.lighter"]
    assert not told_of["taken"]
    assert why in told_of["problem"]


@pytest.mark.parametrize(
    ("web", "why"),
    [
        (PAGE, "does not take (web"),
        (WEB.replace("await ", ""), "nothing was awaited"),
        (WEB.replace("return", "import playwright\n    return"), "no Playwright"),
    ],
)
async def test_version_that_is_none_is_not_run(run: Run, tmp_path: Path, web: str, why: str) -> None:
    events: list[Event] = []
    model = ScriptedModel([write(), finish(web=web)])
    steps = gave(ASHBY), gave(CORRAN, "Corran")
    result, _ = await run(*steps, model=model, parameters=TOWN, on_event=events.append)
    assert result.ok
    assert saved(tmp_path).kind == "page"
    assert why in next(event.data["problem"] for event in events if event.type == "candidate.lighter")


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ({"sources": (Source("HTML", "GET", "/", 1, 60),)}, PAGE),
        ({"sources": ALL, "state_changing": (("POST", URL),)}, PAGE),
        ({"sources": ALL}, WEB),
        ({}, PAGE),
    ],
)
async def test_nothing_is_told_where_a_browser_is_needed_or_none_is_used(
    run: Run, page: dict[str, Any], code: str
) -> None:
    model = ScriptedModel([write(code)], GIVE_UP)
    await run(gave(ASHBY, **page), model=model, parameters=TOWN)
    assert "are all in" not in str(told(model))


async def test_code_without_a_browser_may_be_written_at_once(run: Run, tmp_path: Path) -> None:
    model = ScriptedModel([write(WEB), finish()])
    result, scripted = await run(gave(ASHBY), gave(CORRAN, "Corran"), model=model, parameters=TOWN)
    assert result.ok, told(model)
    assert (saved(tmp_path).kind, len(scripted.calls), result.model_calls) == ("web", 2, 1)
    assert {call.options["probe"] for call in scripted.calls} == {""}


async def test_code_without_a_browser_that_fails_three_times_has_to_take_a_page(run: Run, tmp_path: Path) -> None:
    failed = outcome(error=ScriptError("NotOnPage", "no li"), evidence=Evidence(url=URL, status=200))
    tries = [[write(f"{WEB}# {number}\n")] for number in range(4)]
    model = ScriptedModel(*tries, [write(), finish()])
    result, scripted = await run(
        failed, failed, failed, gave(ASHBY), gave(CORRAN, "Corran"), model=model, parameters=TOWN
    )
    assert result.ok, told(model)
    assert "where only a browser gives this, write run(page, parameters, task)" in told(model)[2]
    assert "this needs a browser" in told(model)[4]
    assert (saved(tmp_path).kind, len(scripted.calls)) == ("page", 5)


async def test_repair_may_go_to_a_browser_and_the_commit_says_why(light: Path, run: Run) -> None:
    gone = outcome(error=ScriptError("NotOnPage", "there is no li on the page"), evidence=Evidence(url=URL, status=200))
    model = ScriptedModel([write(), finish()])
    result, scripted = await run(gone, gave(ASHBY), gave(CORRAN, "Corran"), model=model, parameters=TOWN)
    assert result.ok, told(model)
    assert len(scripted.sessions) == 1, "there was no page that the run left"
    assert "as that run left it" not in told(model)[0]
    assert "(without a browser; where only one gives this, write run(page, …))" in told(model)[0]
    bundle = saved(light)
    assert bundle.kind == "page"
    assert "In a browser from now on, for before: NotOnPage: there is no li" in bundle.committed.body


async def test_repair_may_do_without_a_browser_and_the_commit_says_why(tmp_path: Path, git: None, run: Run) -> None:
    save(tmp_path, "k", PAGE, parameters=TOWN, contract=learn([Observed(ASHBY, Evidence())]), start_url=URL)
    broken = outcome(error=ScriptError("TimeoutError", "no li", kind="timeout"), evidence=Evidence(url=URL, status=200))
    model = ScriptedModel([write(WEB), finish()])
    result, _ = await run(broken, gave(ASHBY), gave(CORRAN, "Corran"), model=model, parameters=TOWN)
    assert result.ok, told(model)
    assert "Without a browser from now on, for before: TimeoutError: no li" in saved(tmp_path).committed.body


@pytest.mark.parametrize("status", [403, 503])
async def test_site_that_asks_for_a_browser_gets_one_and_no_other_try(light: Path, run: Run, status: int) -> None:
    wall = Evidence(url=URL, status=status, title="Just a moment...", challenge=True, documents=((URL, status),))
    turned_away = outcome(error=ScriptError("WebError", f"{URL}: status {status}"), evidence=wall)
    model = ScriptedModel([write(f"{WEB}# again\n")], [write(), finish(web=f"{WEB}# again\n")])
    result, scripted = await run(turned_away, gave(ASHBY), gave(CORRAN, "Corran"), model=model, parameters=TOWN)
    assert result.ok, (result.error, told(model))
    assert [call.code for call in scripted.calls] == [WEB, PAGE, PAGE]
    assert saved(light).kind == "page"


async def test_wall_before_code_without_a_browser_fails_without_a_model(light: Path, run: Run) -> None:
    wall = Evidence(url=URL, status=403, title="Just a moment...", challenge=True, documents=((URL, 403),))
    result, _ = await run(outcome(error=ScriptError("WebError", "status 403"), evidence=wall), parameters=TOWN)
    assert result.error is not None
    assert result.error.reason == "bot-wall"


async def test_site_that_does_not_answer_is_told_of_and_not_repaired(light: Path, run: Run) -> None:
    failed = ScriptError("WebError", f"{URL} cannot be reached: dns", kind="navigation")
    model = ScriptedModel()
    result, _ = await run(outcome(error=failed, evidence=Evidence()), model=model, parameters=TOWN)
    assert result.error is not None
    assert (result.error.reason, model.requests) == ("dns", [])


async def test_irreversible_action_is_passed_once_without_a_browser_too(light: Path, run: Run) -> None:
    async def orders(host: Host) -> Outcome:
        assert await host.gate("place the order", None) == GateDecision.GO
        await host.gate_closed("place the order", None, "WebError")
        return outcome(error=ScriptError("WebError", "no answer"), evidence=Evidence(url=URL, status=200))

    model = ScriptedModel()
    result, scripted = await run(orders, model=model, parameters=TOWN)
    assert result.error is not None
    assert (result.error.reason, result.effect, len(scripted.calls)) == ("failed-behind-gate", "unknown", 1)


@pytest.mark.parametrize(("window", "offered"), [(8_192, False), (None, True)])
async def test_only_a_model_whose_prompt_describes_it_is_offered_code_without_a_browser(
    run: Run, monkeypatch: pytest.MonkeyPatch, window: int | None, *, offered: bool
) -> None:
    model = ScriptedModel([write()], [finish()])

    async def context_window() -> int | None:
        return window

    monkeypatch.setattr(model, "context_window", context_window, raising=False)
    result, _ = await run(gave(ASHBY, sources=ALL), gave(CORRAN, "Corran"), model=model, parameters=TOWN)
    assert result.ok, told(model)
    assert ("finish with web" in "".join(told(model))) == offered
