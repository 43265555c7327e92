"""Values that flood a field, and fields of two values that lose one, beyond what chance explains."""

from typing import Any

from engine.storage.database import Database
from tests.unit.contract.pages import CleanRuns, run_of, shops

Rows = list[dict[str, Any]]


def some(every: int, **change: Any) -> Rows:
    return [row | change if n % every == 0 else row for n, row in enumerate(shops(20))]


def kinds(past: CleanRuns, output: Rows, **parameters: Any) -> list[str]:
    return past.kinds(run_of(output, {"q": "a"} | parameters))


def stated(*open_: bool) -> Rows:
    return [row | {"open": is_open} for row, is_open in zip(shops(len(open_)), open_, strict=True)]


def test_value_that_was_rare_floods_a_field(database: Database) -> None:
    past = CleanRuns(database, run_of(shops(20), {"q": "a"}))
    for change in ({"note": "See the shop for details"}, {"price": 0.0}):
        assert "flooded" in kinds(past, some(3, **change))
    assert "flooded" in kinds(past, some(2, town="Elsewhere"))
    assert "flooded" not in kinds(past, some(10, note="See the shop for details"))
    assert "flooded" not in kinds(past, some(3, town="Harrow")), "it was a frequent one"
    assert "flooded" not in kinds(past, some(3, town="Newtown"), near="newtown")


def test_states_that_some_rows_reach_are_no_flood(database: Database) -> None:
    orders: Rows = [{"order": f"A-{n}", "state": ("packed", "sent", "paid")[n % 3]} for n in range(18)]
    past = CleanRuns(database, run_of(orders, {"q": "a"}))
    assert kinds(past, [row | {"state": "sent"} if row["state"] == "packed" else row for row in orders]) == []
    assert kinds(past, [row | {"state": "lost"} if n < 5 else row for n, row in enumerate(orders)]) == []


def test_one_value_among_new_rows_is_weighed_by_all_good_runs(database: Database) -> None:
    past = CleanRuns(database, *(run_of(shops(20, 20 * n), {"q": str(n)}) for n in range(5)))
    other = [row | {"note": "n/a"} if n % 2 else row for n, row in enumerate(shops(20, 200))]
    found = [b for b in past.breaches(run_of(other, {"q": "new"})) if b.kind == "flooded"]
    assert [(b.severity, b.ordinary) for b in found] == [("statistical", True)]
    assert past.kinds(run_of(shops(20, 200), {"q": "new"})) == []


def test_field_of_two_values_flips_or_collapses(database: Database) -> None:
    mixed = [n % 3 == 0 for n in range(18)]
    past = CleanRuns(database, run_of(stated(*mixed), {"q": "a"}))
    assert kinds(past, stated(*(not each for each in mixed))) == ["flipped"]
    assert kinds(past, stated(*[False] * 18)) == ["collapsed"]
    assert kinds(past, stated(*[True] * 18)) == ["collapsed"]
    assert kinds(past, stated(*mixed[:-3], False, False, False)) == []
    assert kinds(past, stated(*(True if n < 9 else each for n, each in enumerate(mixed)))) == []
    few = CleanRuns(database, run_of(stated(True, True, *[False] * 16), {"q": "b"}))
    assert few.kinds(run_of(stated(*[False] * 18), {"q": "b"})) == [], "two that came back are ordinary"


def test_two_values_of_new_rows_collapse_only_beyond_chance(database: Database) -> None:
    mixed = [n % 2 == 0 for n in range(18)]
    past = CleanRuns(database, run_of(stated(*mixed), {"q": "a"}))
    new = [row | {"open": True} for row in shops(18, 60)]
    found = [b for b in past.breaches(run_of(new, {"q": "a"})) if b.kind == "collapsed"]
    assert [b.ordinary for b in found] == [True]
    assert "collapsed" not in kinds(past, new[:5])


def test_one_amount_for_all_rows_is_ordinary_in_one_field_alone(database: Database) -> None:
    ships: Rows = [{"name": f"Ship {n}", "built": 1900 + 3 * n, "length": 20.5 + n} for n in range(12)]
    past = CleanRuns(database, run_of(ships, {"q": "a"}))

    def ordinary(**change: Any) -> set[bool]:
        found = past.breaches(run_of([row | change for row in ships], {"q": "a"}))
        return {b.ordinary for b in found if b.kind == "flooded"}

    assert ordinary(length=33.5) == {True}
    assert ordinary(length=33.5, built=1950) == {False}
