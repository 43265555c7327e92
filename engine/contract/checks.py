"""The checks of one result against what good results were.

The thresholds are few, and all of them are here, in `page`, in `comparison` and in `systematic`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.contract.comparison import compare
from engine.contract.learning import check_form
from engine.contract.model import Breach, History, Observed, Severity
from engine.contract.page import check_page, empty_confirmed
from engine.contract.patterns import day_moved
from engine.contract.profile import ENOUGH_VALUES, improbable, merge, shapes

CLEAN_RUNS_BEFORE_STATISTICS = 5
_FEWER_ROWS = 0.5  # of the fewest rows of a good run
_MORE_ROWS = 4  # times the most
_PATTERN_KEPT = 0.1  # share of values that must still have the learnt pattern; fewer means another column
_SHAPES_NEW = 0.5  # share of values in a shape never met before
_OUT_OF_RANGE = 10.0  # times the largest, or that part of the smallest, median of good runs
_OUT_OF_LENGTH = 4.0  # times the longest, or that part of the shortest, median length
_OUT_OF_ORDER = 0.2  # share of neighbors in the wrong order; fewer is how the site compares
_GARBLED = 2  # values; one may be what somebody wrote
_VARIED = 0.5  # share of distinct values of a field that cannot all at once be the same
_SPOILT = 0.5  # share of values that read like error messages, or end with an ellipsis


def check(contract: Mapping[str, Any], run: Observed, history: History | None = None) -> list[Breach]:
    """How a run's result departs from the contract; the structural departures first.

    Statistical breaches are told after five clean runs of the revision, or once the same parameters have given a good
    result before; of the number of rows after two such results.

    Args:
        contract: As ``learn`` made it.
        run: What came back.
        history: What clean runs of the same revision have shown.
    """
    check_form(contract)
    history = history or History()
    own, page, described = contract.get("output", {}), contract.get("page", {}), run.described
    known = merge([own, history.profile]) if history.profile else own
    breaches = list(check_page(page, run))
    for path, learnt in known.items():
        got = described.get(path)
        if learnt["array"] and (got is None or got["rows"][1] == 0):
            told = page.get("empty_told", False) and "[*]" not in path
            if (told or own.get(path, learnt)["rows"][0] > 0) and not empty_confirmed(run):
                few, most = learnt["rows"]
                wanted = f"at least one row (good runs had {few} to {most}), or `task.empty`"
                breaches.append(Breach("no-rows", path, wanted, "none"))
            continue
        breaches += _check_rows(path, learnt, got, history)
        if contract.get("sorted") and path in described:
            breaches += _check_order(path, learnt, described[path])
    breaches += compare(run, history, known)
    told = [b for b in breaches if b.severity != "statistical" or _enough(b, history)]
    ranks: dict[Severity, int] = {"structural": 0, "statistical": 1, "advisory": 2}
    return sorted(told, key=lambda b: ranks[b.severity])


def _enough(breach: Breach, history: History) -> bool:
    if history.clean_runs >= CLEAN_RUNS_BEFORE_STATISTICS:
        return True
    needed = 2 if breach.kind in ("fewer-rows", "more-rows") else 1
    return history.same is not None and history.same.runs >= needed


def _check_rows(
    path: str, learnt: Mapping[str, Any], got: Mapping[str, Any] | None, history: History
) -> Iterator[Breach]:
    if got is None:
        got = {"rows": [1, 1], "seen": 1, "twins": 0.0, "fields": {}}
    if learnt["array"]:
        (fewest, most), (low, high) = learnt["rows"], got["rows"]
        if history.same is not None and history.same.rows is not None and path == "$":
            fewest, most = history.same.rows
        if low < fewest * _FEWER_ROWS:
            yield Breach("fewer-rows", path, f"about {fewest} to {most} rows", str(low), "statistical")
        if most and high > most * _MORE_ROWS:
            yield Breach("more-rows", path, f"about {fewest} to {most} rows", str(high), "statistical")
    yield from _check_twins(path, learnt, got)
    for name, field in learnt["fields"].items():
        place = (f"{path}[*].{name}" if name else f"{path}[*]") if learnt["array"] else f"{path}.{name}".rstrip(".")
        yield from _check_field(place, field, got["fields"].get(name), got["seen"])


def _check_twins(path: str, learnt: Mapping[str, Any], got: Mapping[str, Any]) -> Iterator[Breach]:
    """Rows that are alike in every field, where good rows told themselves apart."""
    apart = learnt.get("twins", 1.0) == 0 and learnt.get("seen", 0) >= ENOUGH_VALUES
    if apart and got["twins"] > 0 and any(f.get("unique") for f in learnt["fields"].values()):
        again = round(got["twins"] * got["seen"])
        yield Breach(
            "duplicates", path, "no row twice", f"{again} of {got['seen']} rows a second time",
            "structural" if len(learnt["fields"]) > 1 else "statistical",
        )  # fmt: skip


def _check_order(path: str, learnt: Mapping[str, Any], got: Mapping[str, Any]) -> Iterator[Breach]:
    """Of the fields that were in order, whether all are out of it now: one alone may have been so by chance."""
    wrong: list[Breach] = []
    for name, field in learnt["fields"].items():
        now, place = got["fields"].get(name, {}), f"{path}[*].{name}"
        if "falls" not in field or "falls" not in now or (field["falls"] > 0) == (field["rises"] > 0):
            continue
        way, others = ("rising", now["falls"]) if field["falls"] == 0 else ("falling", now["rises"])
        if others <= _OUT_OF_ORDER:
            return
        wrong.append(Breach("order", place, f"{way} values", f"{others:.0%} of them go the other way"))
    yield from wrong[:1]


def _check_field(path: str, learnt: Mapping[str, Any], got: Mapping[str, Any] | None, count: int) -> Iterator[Breach]:
    filled = got["filled"] if got is not None else 0.0
    # In few rows a field that was sometimes missing may be missing in all of them.
    certain = learnt["filled"] == 1.0 or (learnt["filled"] > 0 and count * learnt["filled"] >= 5)
    if filled == 0.0:
        if certain:
            yield Breach("field-empty", path, f"a value in {learnt['filled']:.0%} of rows", "none in any row")
        return
    assert got is not None, "a field with values was described"
    if _unlikely(got["blank"], count, learnt):
        seen = learnt["seen"]
        yield Breach(
            "field-sparse", path, f"a value in {1 - learnt['blank'] / seen:.0%} of rows",
            f"{filled:.0%} (none in {got['blank']} of {count})", "statistical",
        )  # fmt: skip
    yield from _check_kind(path, learnt, got)
    yield from _check_spread(path, learnt, got)
    if got.get("errors", 0.0) >= _SPOILT and learnt.get("errors", 1.0) == 0.0:
        yield Breach("error-text", path, "content", "texts that read like error messages")
    if (spoilt := got.get("garbled", 0)) and learnt.get("garbled", 1) == 0:
        # Where some letters are right and others are not, the encoding is: then it is what somebody wrote.
        everywhere = spoilt >= _GARBLED and spoilt == got["marked"]
        yield Breach(
            "garbled", path, "texts in their own letters", f"letters of a wrong encoding in {spoilt} of {count}",
            "structural" if everywhere else "advisory",
        )  # fmt: skip
    if got.get("cut", 0.0) >= _SPOILT and learnt.get("cut", 1.0) == 0.0:
        yield Breach("shortened", path, "whole texts", f"{got['cut']:.0%} that end with an ellipsis")


def _unlikely(blanks: int, count: int, learnt: Mapping[str, Any]) -> bool:
    """Whether so many blanks cannot come of the share that was learnt."""
    if not learnt.get("seen") or not 0 < blanks < count:
        return False
    return improbable(blanks / count, count, (learnt["blank"] + 1) / (learnt["seen"] + 2))


def _check_kind(path: str, learnt: Mapping[str, Any], got: Mapping[str, Any]) -> Iterator[Breach]:
    types = set(learnt.get("types", ()))
    if types and not types & set(got["types"]):
        yield Breach("type", path, f"values of type {' or '.join(sorted(types))}", " or ".join(got["types"]))
        return
    main, share = max(learnt["patterns"].items(), key=lambda p: p[1], default=("text", 0.0))
    now = max(got["patterns"].items(), key=lambda p: p[1])[0]
    # Few texts may all look like codes or numbers.
    telling = main not in ("text", "lines") or (got["seen"] >= ENOUGH_VALUES and learnt.get("seen", 0) >= ENOUGH_VALUES)
    if main in ("object", "array") or share < 0.9:
        telling = False
    if telling and got["patterns"].get(main, 0.0) < _PATTERN_KEPT:
        yield Breach("pattern", path, f"values like a {main}", f"values like a {now}")
        return
    known = shapes(learnt)
    if known is not None and "shapes" in got:
        new = {s: n for s, n in got["shapes"].items() if s not in known}
        if (sum(new.values()) >= _SHAPES_NEW or day_moved(known, new)) and got["seen"] - got["blank"] >= ENOUGH_VALUES:
            most = max(new, key=lambda s: new[s])
            yield Breach("format", path, f"values of the form {' or '.join(sorted(known))}", most, "statistical")


def _check_spread(path: str, learnt: Mapping[str, Any], got: Mapping[str, Any]) -> Iterator[Breach]:
    values = got["seen"] - got["blank"]
    varied = learnt.get("distinct", (0.0, 0.0))[0] >= _VARIED
    if varied and values >= ENOUGH_VALUES and got["distinct"][0] * values <= 1.001:
        yield Breach(
            "constant", path, "values that differ from row to row", "one and the same",
            "structural" if learnt.get("unique") else "statistical",
        )  # fmt: skip
    elif learnt.get("unique") and got.get("unique") is False and _is_key(learnt):
        yield Breach("key", path, "no value twice", "some values twice", "statistical")
    if "median" in learnt and "median" in got and values >= ENOUGH_VALUES:
        (low, high), median = learnt["median"], got["median"][0]
        if median > high * _OUT_OF_RANGE > 0 or 0 <= median * _OUT_OF_RANGE < low:
            yield Breach("range", path, f"numbers of about {low:g} to {high:g}", f"{median:g}", "statistical")
    if "length" in learnt and "length" in got and values >= 3 and learnt["patterns"].get("text", 0.0) >= 0.9:
        (shortest, longest), median = learnt["length"], got["length"][0]
        if median > longest * _OUT_OF_LENGTH or median * _OUT_OF_LENGTH < shortest:
            yield Breach(
                "length", path, f"texts of about {shortest:g} to {longest:g} characters", f"{median:g}", "statistical"
            )


def _is_key(learnt: Mapping[str, Any]) -> bool:
    """What was never twice in many rows, and is no measure: a name, a number of something, an address."""
    measures = {"money", "percent", "date", "boolean"}
    whole = "median" not in learnt or "number" not in learnt["types"]
    many = learnt.get("seen", 0) >= 4 * ENOUGH_VALUES
    return many and whole and not measures & set(learnt["patterns"])
