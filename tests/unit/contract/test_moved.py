"""Values that have moved are told from values that have changed, from one earlier output on."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.contract import History, check, learn
from engine.storage.database import Database
from tests.unit.contract.pages import CleanRuns, run_of, shops

Rows = list[dict[str, Any]]
PRICES: list[float | None] = [12.5, 8.9, 30.0, 19.99, 4.2, 55.0, 17.3, 9.1, 22.4, 61.0, 3.3, 41.7]


def books(prices: list[float | None] = PRICES, *, names: list[str] | None = None) -> Rows:
    titles = names or [f"Title {chr(65 + n)} of {n * 7 % 11}" for n in range(len(PRICES))]
    return [
        {"title": title, "price": price, "rank": n + 1}
        for n, (title, price) in enumerate(zip(titles, prices, strict=False))
    ]


def titles() -> list[str]:
    return [str(row["title"]) for row in books()]


def once(output: Any, database: Database) -> CleanRuns:
    return CleanRuns(database, run_of(output, {"q": "a"}))


def found(past: CleanRuns, output: Any) -> list[tuple[str, str]]:
    return [(b.kind, b.severity) for b in past.breaches(run_of(output, {"q": "a"}))]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: books([*PRICES[:3], *PRICES[4:]]),
        lambda: books(PRICES[-1:] + PRICES[:-1]),
        lambda: [row | {"rank": n + 2} for n, row in enumerate(books([7.0, *PRICES], names=titles()))],
    ],
    ids=["one price is missing", "the last price came first", "a pinned price"],
)
def test_values_of_the_rows_beside_are_a_breach_from_one_output_on(
    wrong: Callable[[], Rows], database: Database
) -> None:
    past = once(books(), database)
    breaches = past.breaches(run_of(wrong(), {"q": "a"}))
    assert [(b.kind, b.path) for b in breaches if b.structural] == [("shifted", "$[*].price")]
    assert "that of a row beside" in breaches[0].got
    assert found(past, books()) == []


def test_names_that_moved_against_all_else_are_a_breach(database: Database) -> None:
    past = once(shops(20), database)
    names = ["Pinned", *(str(row["name"]) for row in shops(20))]
    wrong = [row | {"name": name} for row, name in zip(shops(20), names, strict=False)]
    assert ("shifted", "structural") in found(past, wrong)


def raised(price: float) -> float:
    return price + 4.5


@pytest.mark.parametrize(
    "right",
    [
        lambda: books([raised(p) for p in PRICES]),
        lambda: books([*PRICES[::-1]], names=titles()[::-1]),
        lambda: books([7.0, *PRICES], names=["A new title", *titles()]),
        lambda: books([*PRICES[:2], 8.8, *PRICES[3:]]),
        lambda: books(PRICES[1:], names=titles()[1:]),
    ],
    ids=["dearer", "the other way round", "a new row first", "one price", "the first row is gone"],
)
def test_rows_that_come_go_and_change_are_not_shifted(right: Callable[[], Rows], database: Database) -> None:
    past = once(books(), database)
    assert not {"shifted", "scale"} & set(past.kinds(run_of(right(), {"q": "a"})))


def test_series_that_went_on_is_not_shifted(database: Database) -> None:
    weeks = [{"team": f"Team {n}", "next": f"2025-03-{n + 1:02}", "round": 2 * n + 1} for n in range(8)]
    later = [{"team": f"Team {n}", "next": f"2025-03-{n + 2:02}", "round": 2 * n + 3} for n in range(8)]
    assert found(once(weeks, database), later) == []


def test_day_and_month_exchanged_are_a_breach_in_any_writing(database: Database) -> None:
    for form in ("2025-{m:02}-{d:02}", "{d:02}/{m:02}/2025", "{d}.{m}.2025", "2025-{m:02}-{d:02}T10:00"):
        days = [(1 + n, 1 + n * 5 % 12) for n in range(20)]
        was = [row | {"since": form.format(d=d, m=m)} for row, (d, m) in zip(shops(20), days, strict=True)]
        turned = [(m, d) if d <= 12 else (d, m) for d, m in days]
        now = [row | {"since": form.format(d=d, m=m)} for row, (d, m) in zip(shops(20), turned, strict=True)]
        past = once(was, database)
        past.revision = form
        past.add(run_of(was, {"q": "a"}))
        assert ("exchanged", "structural") in found(past, now), form
        some = [new if n % 2 else old for n, (old, new) in enumerate(zip(was, now, strict=True))]
        assert "exchanged" not in [kind for kind, _ in found(past, some)], "other days"


@pytest.mark.parametrize("factor", [1.2, 1 / 1.2, 0.86, 2.2046])
def test_one_factor_for_all_numbers_expires_only_after_months(
    factor: float, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = [datetime(2026, 3, 1, tzinfo=UTC)]
    monkeypatch.setattr("engine.storage.run_history.now", lambda: at[0].isoformat(timespec="microseconds"))
    past = once(books(), database)
    wrong = books([round(p * factor, 2) for p in PRICES])
    assert found(past, wrong) == [("scale", "statistical")]
    at[0] += timedelta(days=40)
    assert found(past, wrong) == [("scale", "statistical")]
    at[0] += timedelta(days=80)
    assert found(past, wrong) == [("scale", "advisory")]
    each = books([round(p * (1.05 + n % 4 / 20), 2) for n, p in enumerate(PRICES)])
    assert found(past, each) == [], "prices that rise one by one"


def letters(*digests: str, kind: str = "application/pdf") -> Rows:
    return [
        {
            "subject": f"Letter {chr(65 + n)}",
            "scan": {
                "name": f"{n}.pdf", "content_type": kind, "size": 900 + n, "path": f"/{n}",
                "sha256": hashlib.sha256(digest.encode()).hexdigest(),
            },
        }
        for n, digest in enumerate(digests)
    ]  # fmt: skip


def test_files_are_held_against_those_of_the_same_row(database: Database) -> None:
    past = once(letters(*"12345"), database)
    assert ("file", "structural") in found(past, letters(*"23451")), "of other rows"
    assert found(past, letters(*"12344")) == [("file", "doubtful")], "of one other row, which may be right"
    assert ("file", "doubtful") in found(past, letters(*"99999")), "one for all"
    assert ("file", "structural") in found(past, letters(*"6789a", kind="text/html")), "a page in place of each"
    assert found(past, letters(*"12346")) == [], "one was replaced"
    assert found(past, letters(*"abcde")) == [], "made anew each time"


def test_single_file_is_held_against_its_own_past(database: Database) -> None:
    (before,), (page,), (newer,) = letters("1"), letters("2", kind="text/html"), letters("2")
    past = once({"invoice": before["scan"], "number": "A-17"}, database)
    assert found(past, {"invoice": page["scan"], "number": "A-17"}) == [("file", "doubtful")]
    assert found(past, {"invoice": newer["scan"], "number": "A-18"}) == []


def loans(clerks: str, *, days: int = 0) -> Rows:
    names = {"a": "A. Stone", "b": "B. Reed", "c": "C. Hill", "d": "D. Marsh"}
    return [
        {
            "item": f"Map of {at * 37 % 101} Lane",
            "place": f"{at + 1}.",
            "days": 3 * at % 8 + days,
            "clerk": names[clerk],
        }
        for at, clerk in enumerate(clerks)
    ]


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (loans("aabbbccdd"), True),  # sorted apart from its rows
        (loans("aabbbccdd", days=1), False),  # all has changed
        (loans("bacadcbda"), False),  # other values: one clerk more often
        (loans("cabadcbdb"), False),  # two exchanged
        ([row | {"place": f"{at + 1}."} for at, row in enumerate(loans("bacadcbdb")[::-1])], False),
    ],
    ids=["sorted apart", "all changed", "others", "two exchanged", "rows in another order"],
)
def test_values_that_stand_in_other_rows_are_a_breach(after: Rows, told: bool, database: Database) -> None:
    past = once(loans("bacadcbdb"), database)
    assert (("reassigned", "statistical") in found(past, after)) == told


def test_values_that_were_exchanged_before_may_be_so_again(database: Database) -> None:
    past = CleanRuns(database, *(run_of(loans(clerks), {"q": "a"}) for clerks in ("bacadcbdb", "abbccadbd")))
    assert "reassigned" not in past.kinds(run_of(loans("aabbbccdd"), {"q": "a"}))


def test_texts_and_numbers_are_compared_like_rows(database: Database) -> None:
    names = [str(row["name"]) for row in shops(20)]
    for number, output in enumerate((names, {"names": names})):
        past = CleanRuns(database, *(run_of(output, {"q": "a"}) for _ in range(3)))
        past.revision = str(number)
        for _ in range(3):
            past.add(run_of(output, {"q": "a"}))

        def like(values: list[str], output: Any = output) -> Any:
            return values if isinstance(output, list) else {"names": values}

        path = "$[*]" if isinstance(output, list) else "$.names[*]"
        cut = past.breaches(run_of(like([name[:6] + "…" for name in names]), {"q": "a"}))
        assert ("shortened", path) in [(b.kind, b.path) for b in cut]
        assert found(past, like([name.upper() for name in names])) == [("recased", "statistical")]
        assert found(past, like(names[:9])) == [("fewer-rows", "statistical"), ("cut-off", "statistical")]
        assert found(past, like([f"New: {name}" for name in names])) != []
        assert found(past, like([f"{name} Ltd" if n == 3 else name for n, name in enumerate(names)])) == []


BOOK = {"title": "The Mill", "price": {"amount": 19.99, "currency": "GBP"}, "author": "A. Stone", "pages": 214}


def test_single_object_is_compared_with_its_own_past(database: Database) -> None:
    past = CleanRuns(database, *(run_of(BOOK, {"q": "a"}) for _ in range(2)))
    other = {"title": "The River", "price": {"amount": 8.5, "currency": "EUR"}, "author": "B. Lane", "pages": 96}
    assert found(past, other) == [("replaced", "statistical")]
    pence = BOOK | {"price": {"amount": 1999.0, "currency": "GBP"}}
    assert found(past, pence) == [("scale", "statistical")]
    dearer = BOOK | {"price": {"amount": 21.5, "currency": "GBP"}, "pages": 220}
    assert found(past, dearer) == []
    assert found(once(BOOK, database), other | {"price": BOOK["price"]}) == [], "seen once, it may be of the day"


def test_output_of_another_object_is_a_breach(database: Database) -> None:
    others = [BOOK | {"title": f"Volume {n}", "pages": 200 + n} for n in range(3)]
    past = CleanRuns(database, *(run_of(book, {"q": str(n)}) for n, book in enumerate(others)))
    past.add(run_of(others[0], {"q": "0"}))
    assert "same-output" in past.kinds(run_of(others[1], {"q": "0"}))


def test_values_beside_a_list_are_kept_with_it(database: Database) -> None:
    past = once({"total": 1834.5, "rows": books()}, database)
    assert found(past, {"total": 183450.0, "rows": books()}) == [("scale", "statistical")]
    assert found(past, {"total": 1840.5, "rows": books()}) == []


def test_scalar_is_compared_with_its_past(database: Database) -> None:
    past = once(1834.5, database)
    assert found(past, 183450.0) == [("scale", "statistical")]
    assert found(past, 1829.0) == []


def test_without_history_nothing_has_moved() -> None:
    assert check(learn([run_of(books())]), run_of(books(PRICES[-1:] + PRICES[:-1])), History()) == []
