"""Breaches of fields and rows: from which run on they are reported, and how strictly."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.contract import check, learn
from engine.storage.database import Database
from tests.unit.contract.pages import CleanRuns, run_of, shops

Rows = list[dict[str, Any]]


def every(n: int, field: str, value: Any) -> Callable[[], Rows]:
    def rows() -> Rows:
        return [row | {field: value} if i % n == 0 else row for i, row in enumerate(shops(20))]

    return rows


# Each change of twenty good rows, and what is first said of it where the same parameters gave them once before.
CHANGES: dict[str, tuple[Callable[[], Rows], str]] = {
    "the prices are gone": (lambda: shops(20, price=None), "field-empty"),
    "some prices are gone": (every(3, "price", None), "lost"),
    "prices are texts": (lambda: shops(20, price=lambda r: f"{r['price']:.2f}"), "type"),
    "prices are a hundred times as much": (lambda: shops(20, price=lambda r: r["price"] * 100), "scale"),
    "all prices are zero": (lambda: shops(20, price=0.0), "constant"),
    "the month comes first": (lambda: shops(20, since=lambda r: f"{r['since'][3:6]}{r['since'][:2]}/2020"), "format"),
    "the date is words": (lambda: shops(20, since="some time ago"), "pattern"),
    "the date is ISO": (lambda: shops(20, since=lambda r: f"2020-{r['since'][3:5]}-{r['since'][:2]}"), "format"),
    "name and town are swapped": (lambda: [r | {"name": r["town"], "town": r["name"]} for r in shops(20)], "swapped"),
    "the town is the name": (lambda: shops(20, town=lambda r: r["name"]), "swapped"),
    "the name is the whole row": (lambda: shops(20, name=lambda r: "\n".join(map(str, r.values()))), "pattern"),
    "all names are the first": (lambda: shops(20, name="Andover & Sons a"), "constant"),
    "notes are one letter": (lambda: shops(20, note=lambda r: r["note"][:1] + r["name"][:1]), "length"),
    "names are numbers": (lambda: shops(20, name=lambda r: str(r["price"])), "pattern"),
    "half of the rows come twice": (lambda: [*shops(20), *shops(10)], "duplicates"),
    "names are shortened": (lambda: shops(20, name=lambda r: r["name"][:12] + "…"), "shortened"),
    "only the first page": (lambda: shops(12), "cut-off"),
    "only the last page": (lambda: shops(20)[-9:], "cut-off"),
    "errors for notes": (lambda: shops(20, note="Something went wrong"), "error-text"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_bulk_change_is_a_breach_on_the_second_run_of_the_same_parameters(change: str, database: Database) -> None:
    make, kind = CHANGES[change]
    past = CleanRuns(database, run_of(shops(20), {"q": "a"}))
    assert kind in past.kinds(run_of(make(), {"q": "a"}))
    assert past.kinds(run_of(shops(20), {"q": "a"})) == []


NEEDS_THE_SAME = {
    "some prices are gone", "prices are a hundred times as much", "only the first page", "only the last page",
}  # fmt: skip


@pytest.mark.parametrize("change", sorted(set(CHANGES) - NEEDS_THE_SAME))
def test_a_bulk_change_with_other_parameters_is_a_breach_after_five_clean_runs(change: str, database: Database) -> None:
    make, _ = CHANGES[change]
    past = CleanRuns(database, *(run_of(shops(20, 20 * n), {"q": str(n)}) for n in range(5)))
    assert past.kinds(run_of(make(), {"q": "other"})) != []


def test_the_number_of_rows_is_compared_with_the_same_parameters(database: Database) -> None:
    past = CleanRuns(database, *(run_of(shops(n), {"q": q}) for n, q in ((40, "a"), (3, "b"), (41, "a"))))
    assert past.kinds(run_of(shops(40)[5:17], {"q": "a"})) == ["fewer-rows"]
    assert past.kinds(run_of(shops(12), {"q": "c"})) == []
    assert past.kinds(run_of(shops(200), {"q": "a"})) == ["more-rows"]


def test_an_often_empty_field_may_be_empty(database: Database) -> None:
    half: Rows = [row | {"note": None} if i % 2 else row for i, row in enumerate(shops(20))]
    past = CleanRuns(database, *(run_of(half, {"q": "a"}) for _ in range(5)))
    assert past.kinds(run_of(shops(20), {"q": "a"})) == []
    assert past.kinds(run_of(shops(3, 4, note=None), {"q": "a"})) == ["fewer-rows"]


def test_a_field_that_other_parameters_lack_may_not_vanish(database: Database) -> None:
    """The contract admits the field's absence for other parameters, and still expects it for these."""
    past = CleanRuns(database, run_of(shops(20), {"q": "a"}), run_of(shops(20, 40, price=None), {"q": "b"}))
    assert past.kinds(run_of(shops(20, price=None), {"q": "a"})) == ["field-empty"]
    assert past.kinds(run_of(shops(20, 40, price=None), {"q": "b"})) == []


def test_the_order_is_checked_only_if_the_task_states_one() -> None:
    good = run_of(sorted(shops(20), key=lambda r: r["price"]))
    shuffled = run_of(shops(20)[::-1])
    assert [b.kind for b in check(learn([good], "All shops, cheapest first"), shuffled)] == ["order"]
    assert check(learn([good], "All shops"), shuffled) == []
    nearly = [*good.output[1:3], good.output[0], *good.output[3:]]
    assert check(learn([good], "All shops, cheapest first"), run_of(nearly)) == []


def test_fewer_rows_than_the_page_shows_are_a_breach() -> None:
    good = run_of(shops(20), groups=(("tr in tbody", 20), ("p in div", 3)))
    half = run_of(shops(10), groups=(("tr in tbody", 20),))
    assert [b.kind for b in check(learn([good]), half)] == ["shown"]
    assert check(learn([good]), run_of(shops(20), groups=(("li in ul", 40),))) == []
    assert check(learn([good]), run_of(shops(20), groups=(("tr in tbody", 21),))) == [], "a row of sums"


def test_another_title_and_other_landmarks_are_advisory() -> None:
    good = run_of(shops(20), {"q": "Roofing"}, title="Roofing | Trades Guide", landmarks=("main", "table: Name"))
    other = run_of(shops(20), {"q": "Roofing"}, title="Sign in", landmarks=("form",))
    assert [(b.kind, b.severity) for b in check(learn([good]), other)] == [
        ("title", "advisory"), ("landmarks", "advisory"),
    ]  # fmt: skip
    plain = run_of(shops(20), {"q": "Thatching"}, title="Thatching, page 2 | Trades Guide", landmarks=("main",))
    assert check(learn([good]), plain) == []


def test_the_output_of_other_parameters_is_a_breach_unless_the_page_shows_the_parameter(database: Database) -> None:
    past = CleanRuns(database, *(run_of(shops(20, 20 * n), {"q": f"town {n}"}) for n in range(5)))
    stale = run_of(shops(20), {"q": "Penrith"})
    assert past.kinds(stale) == ["same-output"]
    assert past.kinds(replace(stale, account="another")) == [], "two accounts may be shown the same"
    assert past.kinds(run_of(shops(20), {"q": "Penrith"}, title="Shops in Penrith")) == []
    assert "same-output" in past.kinds(run_of(shops(20), {"q": "town 3"}, title="town 3"))
    assert past.kinds(run_of(shops(20), {"q": " TOWN 0"})) == []


def test_stable_values_that_all_change_at_once_are_a_breach(database: Database) -> None:
    steady = [run_of(shops(20), {"q": "a"}) for _ in range(3)]
    past = CleanRuns(database, *steady)
    other = run_of(shops(20, price=lambda r: r["price"] + 7), {"q": "a"})
    assert past.kinds(other) == ["changed"]
    past.add(other)
    past.add(steady[0])
    assert past.kinds(other) == [], "now it is known to change"


def test_stable_rows_that_are_all_replaced_are_a_breach(database: Database) -> None:
    past = CleanRuns(database, *(run_of(shops(20), {"q": "a"}) for _ in range(3)))
    assert past.kinds(run_of(shops(20, 20), {"q": "a"})) == ["replaced"]


def test_stability_within_minutes_does_not_bind_the_next_day(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=20 * n) for n in itertools.count())
    at = [timedelta()]
    monkeypatch.setattr(
        "engine.storage.run_history.now", lambda: (next(times) + at[0]).isoformat(timespec="microseconds")
    )
    past = CleanRuns(database, *(run_of(shops(20), {"q": "a"}) for _ in range(3)))
    news, prices = run_of(shops(20, 20), {"q": "a"}), run_of(shops(20, price=lambda r: r["price"] + 7), {"q": "a"})
    for run, kind in ((news, "replaced"), (prices, "changed")):
        at[0] = timedelta()
        assert [(b.kind, b.severity) for b in past.breaches(run)] == [(kind, "statistical")]
        at[0] = timedelta(hours=20)
        assert [(b.kind, b.severity) for b in past.breaches(run)] == [(kind, "advisory")]
    past.add(run_of(shops(20), {"q": "a"}))
    at[0] = timedelta(hours=60)
    for run, kind in ((news, "replaced"), (prices, "changed")):
        found = [(b.kind, b.severity) for b in past.breaches(run)]
        assert found == [(kind, "statistical")], "what stayed for most of a day stays for two"


def test_a_list_that_is_new_each_time_is_accepted(database: Database) -> None:
    past = CleanRuns(database, *(run_of(shops(20, 20 * n), {"q": "a"}) for n in range(5)))
    assert past.kinds(run_of(shops(20, 200), {"q": "a"})) == []
