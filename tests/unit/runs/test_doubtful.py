"""Results that may be right: one question to the model, a failure without one, a warning where the request says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import TaskResult
from engine.bundles import BundleStore
from engine.contract import Observed, learn
from engine.task.schema import infer
from engine.testing import ScriptedModel, Turn, outcome
from engine.testing.sandbox import Step
from sandbox import Evidence, Host, Outcome
from tests.support.maps import Sheet
from tests.support.saved import TASK, save
from tests.unit.runs.conftest import URL, Run, told

Rows = list[dict[str, Any]]
CODE = """\
async def run(page, parameters, task):
    await page.get_by_label("Category").fill(parameters["category"])
    return [{"title": await row.inner_text()} for row in await page.get_by_role("row").all()]
"""
WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "ivory", "jasper", "knoll", "larch"]


def books(category: str = "sea", number: int = 8) -> Rows:
    titles = [f"{category} {WORDS[n % 12]} {WORDS[n // 12]}" for n in range(number)]
    return [{"title": title, "price": 3.5 + n * 1.25} for n, title in enumerate(titles)]


def seen(
    rows: Rows, category: str = "sea", *, heads: tuple[str, str] = ("Title", "Price"), price: str = "£{:.2f}",
    said: str = "",
) -> Evidence:  # fmt: skip
    sheet = Sheet(URL, "Books").heading(f"All {category} books")
    if said:
        sheet.heading(said, 2)
    sheet.table(heads, [[row["title"], price.format(row["price"])] for row in rows])
    return Evidence(
        url=URL, text="Books", status=200, documents=((URL, 200),), inputs=(("url", category),), output_read=True,
        maps=(sheet.map(),),
    )  # fmt: skip


def gave(rows: Rows, category: str = "sea", **page: Any) -> Outcome:
    return outcome(rows, evidence=seen(rows, category, **page))


@pytest.fixture
def store(tmp_path: Path, git: None) -> Path:
    """One automation under the key ``k``, with a signature that two proving runs gave."""
    runs = [
        Observed(books(name), seen(books(name), name), parameters={"category": name}) for name in ("sea", "mountain")
    ]
    save(
        tmp_path, "k", CODE, parameters={"category": "sea"}, contract=learn(runs, TASK), schema=infer([books()]),
        start_url=URL,
    )  # fmt: skip
    return tmp_path


@pytest.fixture
def replay(store: Path, run: Run) -> Callable[..., Any]:
    async def start(*steps: Step, **changed: Any) -> TaskResult:
        return (await run(*steps, **{"parameters": {"category": "sea"}} | changed))[0]

    return start


def answers(verdict: str, *turns: list[Turn]) -> ScriptedModel:
    return ScriptedModel(*turns, ask=lambda request: f'{{"verdict": "{verdict}", "why": "so it is"}}')


def kinds(result: TaskResult) -> list[str]:
    return [attempt.kind for attempt in result.attempts]


def subjects(store: Path) -> list[str]:
    return [revision.subject for revision in BundleStore(store / "default").history("k")]


FIGURE = {"heads": ("Title", "Figure")}


async def test_other_words_are_asked_about_once_and_then_admitted(store: Path, replay: Any) -> None:
    model = answers("legitimate")
    result = await replay(gave(books(), **FIGURE), model=model)
    assert result.output == books(), result.error
    assert kinds(result) == ["replay", "confirm"]
    assert "not met before" in result.warnings[0]
    question = str(model.requests[0].messages)
    assert ("labeled \\'price" in question, "labeled \\'figure" in question, question.count("3.5")) == (True, True, 1)
    assert len(model.requests[0].system) + len(question) < 1_400, "a small question"
    for columns in (FIGURE, {}):
        again = await replay(gave(books(), **columns))
        assert (again.ok, again.warnings, kinds(again)) == (True, (), ["replay"])
    assert subjects(store) == ["Widen: data or words not met before", "Saved by hand"]


async def test_other_words_fail_as_drift_in_words_without_a_model(store: Path, replay: Any) -> None:
    result = await replay(gave(books(), **FIGURE))
    assert result.error is not None
    assert result.error.reason == "drift"
    (breach,) = result.error.details["breaches"]
    assert breach["severity"] == "doubtful"
    assert "'price'" in breach["expected"]
    assert "'figure'" in breach["got"]
    assert subjects(store) == ["Saved by hand"]


async def test_words_that_were_found_right_are_no_doubt_about_other_parameters(replay: Any) -> None:
    other = {"parameters": {"category": "desert"}}
    assert (await replay(gave(books("desert"), "desert", **FIGURE), **other)).error is not None
    result = await replay(
        gave(books(), **FIGURE), gave(books("desert"), "desert", **FIGURE), model=answers("legitimate")
    )
    assert result.ok, result.error
    assert kinds(result) == ["replay", "confirm", "check"]


async def test_words_that_mean_something_else_are_repaired(replay: Any) -> None:
    give_up: list[Turn] = [("give_up", {"reason": "impossible", "message": "it is gone"})]
    result = await replay(gave(books(), **FIGURE), model=answers("drift", give_up))
    assert kinds(result) == ["replay", "confirm", "repair"]
    again = answers("drift", give_up)
    result = await replay(gave(books(), **FIGURE), model=again)
    assert kinds(result)[:2] == ["replay", "confirm"]
    assert all(request.purpose == "agent" for request in again.requests), "the same is not asked twice"


async def test_another_currency_is_asked_of_no_model(replay: Any) -> None:
    give_up: list[Turn] = [("give_up", {"reason": "impossible", "message": "it is gone"})]
    model = answers("legitimate", give_up)
    result = await replay(gave(books(), price="€{:.2f}"), model=model)
    assert kinds(result) == ["replay", "repair"]
    assert "€" in told(model)[0]


async def test_a_repair_is_shown_where_it_reads_otherwise(replay: Any) -> None:
    work: list[Turn] = [
        ("write", {"code": CODE + "# mended\n"}),
        ("finish", {"summary": "Mend", "other_parameters": {"category": "mountain"}}),
    ]
    why = {"why_right": "the shop now sells in euros, as its page says"}
    model = answers("drift", work, [("finish", {**work[1][1], **why})])
    euros = {"price": "€{:.2f}"}
    result = await replay(
        gave(books(), **euros), gave(books(), **euros), gave(books("mountain"), "mountain", **euros), model=model
    )
    assert result.ok, (result.error, told(model))
    shown = next(text for text in told(model)[1:] if "does not stand where" in text)
    assert ("£" in shown, "€" in shown, len(shown) < 600) == (True, True, True)
    assert (await replay(gave(books(), **euros))).ok, "the repair is what later runs are held against"
    assert (await replay(gave(books()))).error is not None


async def test_lenient_result_has_a_warning_and_later_runs_are_not_held_against_it(replay: Any) -> None:
    lenient = await replay(gave(books(), **FIGURE), trust="lenient")
    assert (lenient.output, kinds(lenient)) == (books(), ["replay"])
    assert all('with trust="lenient"' in warning for warning in lenient.warnings)
    assert "'figure'" in lenient.warnings[0]
    assert (await replay(gave(books(), **FIGURE))).error is not None


async def test_lenient_request_takes_fewer_rows_with_a_warning(replay: Any) -> None:
    for _ in range(2):
        assert (await replay(gave(books(number=40)))).ok
    assert (await replay(gave(books(number=9)))).error is not None
    lenient = await replay(gave(books(number=9)), trust="lenient")
    assert (lenient.output, kinds(lenient)) == (books(number=9), ["replay"])
    assert "about 40 rows" in str(lenient.warnings)


async def test_lenient_request_fails_by_another_currency(replay: Any) -> None:
    result = await replay(gave(books(), price="€{:.2f}"), trust="lenient")
    assert result.error is not None
    assert result.error.reason == "drift"


async def test_secret_on_the_page_is_no_new_heading(store: Path, replay: Any) -> None:
    account = {"parameters": {"category": "sea", "user": "jane-roe-77"}, "secrets": ["user"]}
    runs = [
        Observed(books(name), seen(books(name), name, said="Signed in as [secret:user]"), parameters={"category": name})
        for name in ("sea", "mountain")
    ]
    save(
        store, "k", CODE, parameters={"category": "sea", "user": ""}, contract=learn(runs, TASK),
        schema=infer([books()]), start_url=URL,
    )  # fmt: skip
    for _ in range(2):
        result = await replay(gave(books(), said="Signed in as jane-roe-77"), **account)
        assert (result.ok, result.warnings) == (True, ()), result.error
    assert all(b"jane-roe-77" not in file.read_bytes() for file in store.rglob("*.sqlite3"))


async def test_automation_of_an_earlier_version_learns_where_its_values_stand(store: Path, replay: Any) -> None:
    contract = learn([Observed(books(), Evidence(url=URL), parameters={"category": "sea"})])
    assert "provenance" not in contract
    save(store, "k", CODE, parameters={"category": "sea"}, contract=contract, schema=infer([books()]), start_url=URL)
    first = await replay(gave(books()))
    assert (first.ok, first.warnings) == (True, ())
    euros = await replay(gave(books(), price="€{:.2f}"))
    assert euros.error is not None
    assert "€" in euros.error.message


async def test_what_is_doubtful_behind_an_action_is_asked_about_and_nothing_is_run_again(replay: Any) -> None:
    async def order(host: Host) -> Outcome:
        await host.gate("order", None)
        await host.gate_closed("order", None, None)
        return gave(books(), **FIGURE)

    without = await replay(order)
    assert without.error is not None
    assert (without.error.reason, without.effect) == ("failed-behind-gate", "performed")
    result = await replay(order, model=answers("legitimate"))
    assert (result.ok, result.effect, kinds(result)) == (True, "performed", ["replay", "confirm"])
