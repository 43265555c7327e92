"""Checks of one result against the contract.

All thresholds are constants here, in `page`, `comparison` and `bulk_changes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from engine.contract.comparison import compare
from engine.contract.fairness import is_borne_out, weigh
from engine.contract.learning import check_format
from engine.contract.model import Breach, History, Observed, Severity
from engine.contract.nothing import nothing_there
from engine.contract.overlapping import check_overlap
from engine.contract.page import all_examined, check_page, count_confirmed, empty_confirmed, let_some_through
from engine.contract.patterns import day_position_changed
from engine.contract.profile import ENOUGH_VALUES, improbable, merge, shapes
from engine.contract.provenance import check_signature

CLEAN_RUNS_BEFORE_STATISTICS = 5
_FEWER_ROWS = 0.5  # of the fewest rows of a good run
_MORE_ROWS = 4  # times the most
_PATTERN_KEPT = 0.1  # share of values that must still have the learned pattern; fewer means another column
_SHAPES_NEW = 0.5  # share of values in a shape never met before
_MANY_TWINS = 3  # rows a second time, or values of a key; one or two are as the data may be
_TWINS_SHARE = 0.15
_TWINS_MOST = 0.3  # share of rows up to which equal ones are data; more are a list that repeats itself
_SHORT_TEXT = 5  # characters; shorter texts are marks and scores, which say little
_WITH_DIGITS = frozenset({"number", "phone", "code", "date", "percent"})  # written otherwise, one may look like another
_NAMES = frozenset({"text", "code"})  # things may be named by either
_MISREAD = frozenset({"date", "percent"})  # written otherwise, one of these says something else
_OUT_OF_RANGE = 10.0  # times the largest, or that part of the smallest, median of good runs
_OUT_OF_LENGTH = 4.0  # times the longest, or that part of the shortest, median length
_OUT_OF_ORDER = 0.2  # share of neighbors in the wrong order; fewer is how the site compares
_GARBLED = 2  # values; a single one may have been written so
_VARIED = 0.5  # share of distinct values of a field that cannot all at once be the same
_SPOILT = 0.5  # share of values that read like error messages, or end with an ellipsis


def check(contract: Mapping[str, Any], run: Observed, history: History | None = None) -> list[Breach]:
    """Return how a run's result departs from the contract, structural breaches first.

    Statistical breaches are reported after five clean runs of the revision, or once the same parameters have given a
    good result; those of the number of rows, after two such results.

    Args:
        contract: As ``learn`` returned it.
        run: The run's output and evidence.
        history: The clean runs of the same revision.
    """
    check_format(contract)
    history = history or History()
    own, page, described = contract.get("output", {}), contract.get("page", {}), run.described
    known = merge([own, history.profile]) if history.profile else own
    breaches = list(check_page(page, run))
    filtered = history.same is None and let_some_through(run)
    for path, learned in known.items():
        got = described.get(path)
        if learned["array"] and (got is None or got["rows"][1] == 0):
            stated = page.get("empty_told", False) and "[*]" not in path
            told = empty_confirmed(run) or all_examined(run)
            if (stated or own.get(path, learned)["rows"][0] > 0) and not told:
                few, most = learned["rows"]
                wanted = f"at least one row (good runs had {_span(few, most)}), or `task.empty`"
                breaches += _check_nothing(path, wanted, contract, run)
            continue
        breaches += _check_rows(path, learned, got, history, filtered=filtered)
        if contract.get("sorted") and path in described:
            breaches += _check_order(path, learned, described[path])
    breaches += [*_more_than_data(compare(run, history, known), history)]
    breaches += check_overlap(page, known, run)
    departures = check_signature(contract.get("provenance", {}), run, history)
    borne_out = is_borne_out(contract, history, run.evidence.maps, departures)
    counted = borne_out and count_confirmed(run, page)
    seen = contract.get("provenance", {}).get("fields", {})
    past = history.same
    sudden = past is not None and past.recent and past.never_lost_rows
    weighed = (weigh(b, borne_out=borne_out, counted=counted, seen=seen, sudden=sudden) for b in breaches)
    breaches = [*departures, *weighed]
    reported = [b for b in breaches if b.severity != "statistical" or _enough(b, history)]
    ranks: dict[Severity, int] = {"structural": 0, "doubtful": 1, "statistical": 2, "advisory": 3}
    return sorted(reported, key=lambda b: ranks[b.severity])


def _more_than_data(breaches: Iterable[Breach], history: History) -> Iterator[Breach]:
    """Yield the breaches; one value in all rows, which a sale brings, is not ordinary for several fields at once."""
    found = list(breaches)
    flooded = {breach.path for breach in found if breach.kind == "flooded"}
    several = len(flooded) > 1 and history.same is not None and history.same.recent
    yield from (replace(b, ordinary=b.ordinary and not (several and b.path in flooded)) for b in found)


def _check_nothing(path: str, wanted: str, contract: Mapping[str, Any], run: Observed) -> Iterator[Breach]:
    nothing = nothing_there(contract, run)
    if nothing is None:
        yield Breach("no-rows", path, wanted, "none")
    elif not nothing.told:
        yield Breach("no-rows", path, wanted, f"none; the page shows {nothing.text}", "doubtful")


def _span(least: float, most: float) -> str:
    """Return a range in words.

    >>> _span(12, 12), _span(12, 17)
    ('12', '12 to 17')
    """
    shown = [str(end) if isinstance(end, int) else f"{end:g}" for end in (least, most)]
    return " to ".join(dict.fromkeys(shown))


def _enough(breach: Breach, history: History) -> bool:
    if history.clean_runs >= CLEAN_RUNS_BEFORE_STATISTICS:
        return True
    needed = 2 if breach.kind in ("fewer-rows", "more-rows") else 1
    return history.same is not None and history.same.runs >= needed


def _check_rows(
    path: str, learned: Mapping[str, Any], got: Mapping[str, Any] | None, history: History, *, filtered: bool
) -> Iterator[Breach]:
    if got is None:
        got = {"rows": [1, 1], "seen": 1, "twins": 0.0, "fields": {}}
    if learned["array"]:
        (fewest, most), (low, high) = learned["rows"], got["rows"]
        if history.same is not None and history.same.rows is not None and path == "$":
            fewest, most = history.same.rows
        if low < fewest * _FEWER_ROWS and not filtered:
            yield Breach("fewer-rows", path, f"about {_span(fewest, most)} rows", str(low), "statistical")
        if most and high > most * _MORE_ROWS:
            yield Breach("more-rows", path, f"about {_span(fewest, most)} rows", str(high), "statistical")
    yield from _check_duplicates(path, learned, got)
    content = any(_is_content(field) for field in got["fields"].values())
    for name, field in learned["fields"].items():
        place = (f"{path}[*].{name}" if name else f"{path}[*]") if learned["array"] else f"{path}.{name}".rstrip(".")
        yield from _check_field(place, field, got["fields"].get(name), got["seen"], content=content)


def _check_duplicates(path: str, learned: Mapping[str, Any], got: Mapping[str, Any]) -> Iterator[Breach]:
    """Yield a breach where rows are equal in every field, and good runs had no such rows."""
    apart = learned.get("twins", 1.0) == 0 and learned.get("seen", 0) >= ENOUGH_VALUES
    if apart and got["twins"] > 0 and any(f.get("unique") for f in learned["fields"].values()):
        again = round(got["twins"] * got["seen"])
        many = again > 1 and (again >= _MANY_TWINS or got["twins"] >= _TWINS_SHARE)
        severity: Severity = ("doubtful" if len(learned["fields"]) > 1 else "statistical") if many else "advisory"
        told = f"{again} of {got['seen']} rows a second time"
        few = got["twins"] <= _TWINS_MOST
        yield Breach("duplicates", path, "no row twice", told, severity, ordinary=few)


def _check_order(path: str, learned: Mapping[str, Any], got: Mapping[str, Any]) -> Iterator[Breach]:
    """Yield a breach where every field that was in order is out of order now: one alone may have been so by chance."""
    wrong: list[Breach] = []
    for name, field in learned["fields"].items():
        now, place = got["fields"].get(name, {}), f"{path}[*].{name}"
        if "falls" not in field or "falls" not in now or (field["falls"] > 0) == (field["rises"] > 0):
            continue
        way, others = ("rising", now["falls"]) if field["falls"] == 0 else ("falling", now["rises"])
        if others <= _OUT_OF_ORDER:
            return
        wrong.append(Breach("order", place, f"{way} values", f"{others:.0%} of them go the other way", "doubtful"))
    yield from wrong[:1]


def _is_content(got: Mapping[str, Any]) -> bool:
    """Return True for a field that an error page would not have: an address it has, too."""
    return bool(got["filled"] and got.get("errors", 0.0) < _SPOILT and got["patterns"].get("url", 0.0) < _SPOILT)


def _check_field(
    path: str, learned: Mapping[str, Any], got: Mapping[str, Any] | None, count: int, *, content: bool
) -> Iterator[Breach]:
    filled = got["filled"] if got is not None else 0.0
    # A field that was sometimes missing may be missing in all of a few rows.
    certain = learned["filled"] == 1.0 or (learned["filled"] > 0 and count * learned["filled"] >= 5)
    if filled == 0.0:
        if certain:
            # One page may lack what a few others had; a column does not vanish by itself.
            many = count >= ENOUGH_VALUES and learned.get("seen", 0) - learned.get("blank", 0) >= ENOUGH_VALUES
            wanted = f"a value in {learned['filled']:.0%} of rows"
            yield Breach("field-empty", path, wanted, "none in any row", "structural" if many else "doubtful")
        return
    assert got is not None, "a field with values was described"
    if _unlikely(got["blank"], count, learned):
        seen = learned["seen"]
        yield Breach(
            "field-sparse", path, f"a value in {1 - learned['blank'] / seen:.0%} of rows",
            f"{filled:.0%} (none in {got['blank']} of {count})", "statistical",
        )  # fmt: skip
    yield from _check_kind(path, learned, got)
    yield from _check_spread(path, learned, got)
    if got.get("errors", 0.0) >= _SPOILT and learned.get("errors", 1.0) == 0.0:
        # An error stands alone or again and again; several that differ may well be titles.
        titles = got["seen"] - got["blank"] > 1 and got.get("unique", True)
        severity: Severity = "statistical" if titles else "doubtful"
        # A film may have such a title; with nothing beside it, the heading of an error page stands where it stood.
        yield Breach(
            "error-text", path, "content", "texts that read like error messages", severity, ordinary=content or titles
        )
    if (spoilt := got.get("garbled", 0)) and learned.get("garbled", 1) == 0:
        # Where other letters are right, so is the encoding, and the site itself has it so.
        everywhere = spoilt >= _GARBLED and spoilt == got["marked"]
        yield Breach(
            "garbled", path, "texts in their own letters", f"letters of a wrong encoding in {spoilt} of {count}",
            "structural" if everywhere else "advisory",
        )  # fmt: skip
    if got.get("cut", 0.0) >= _SPOILT and learned.get("cut", 1.0) == 0.0:
        few = got["seen"] - got["blank"] < ENOUGH_VALUES
        cut = f"{got['cut']:.0%} that end with an ellipsis"
        yield Breach("shortened", path, "whole texts", cut, "statistical" if few else "doubtful", ordinary=few)


def _unlikely(blanks: int, count: int, learned: Mapping[str, Any]) -> bool:
    """Return True where so many blanks are improbable at the learned rate."""
    if not learned.get("seen") or not 0 < blanks < count:
        return False
    return improbable(blanks / count, count, (learned["blank"] + 1) / (learned["seen"] + 2))


def _check_kind(path: str, learned: Mapping[str, Any], got: Mapping[str, Any]) -> Iterator[Breach]:
    types = set(learned.get("types", ()))
    if types and not types & set(got["types"]):
        yield Breach("type", path, f"values of type {' or '.join(sorted(types))}", " or ".join(got["types"]))
        return
    main, share = max(learned["patterns"].items(), key=lambda p: p[1], default=("text", 0.0))
    now = max(got["patterns"].items(), key=lambda p: p[1])[0]
    # A few texts may all look like codes or numbers by chance.
    many = got["seen"] >= ENOUGH_VALUES and learned.get("seen", 0) >= ENOUGH_VALUES
    conclusive = many or main not in ("text", "lines")
    if main in ("object", "array") or share < 0.9:
        conclusive = False
    if (
        main == "money"
        and now in ("code", "text")
        and all(known.startswith("a") for known in learned.get("shapes", "€"))
    ):
        conclusive = False  # learnt by an earlier version, which took any three capitals for a currency
    if conclusive and got["patterns"].get(main, 0.0) < _PATTERN_KEPT:
        severity = _of_pattern(learned, got, main, now)
        otherwise = severity == "statistical" and not {main, now} & _MISREAD
        alike = otherwise or {main, now} <= _NAMES
        yield Breach("pattern", path, f"values like a {main}", f"values like a {now}", severity, ordinary=alike)
        return
    known = shapes(learned)
    if known is not None and "shapes" in got:
        new = {s: n for s, n in got["shapes"].items() if s not in known}
        different = sum(new.values()) >= _SHAPES_NEW or day_position_changed(known, new)
        if different and got["seen"] - got["blank"] >= ENOUGH_VALUES:
            most = max(new, key=lambda s: new[s])
            wanted = f"values of the form {' or '.join(sorted(known))}"
            written = not {main, now} & (_MISREAD | {"money"})
            yield Breach("format", path, wanted, most, "statistical", ordinary=written)


def _of_pattern(learned: Mapping[str, Any], got: Mapping[str, Any], main: str, now: str) -> Severity:
    """Return the severity of another pattern class: the site may write the same otherwise, or have one word for all."""
    otherwise = {main, now} <= _WITH_DIGITS or _is_short(learned)
    one_word = now == "text" and main in ("money", "number") and got.get("values") == 1  # "on request", "sold out"
    return "statistical" if otherwise or one_word else "doubtful"


def _is_short(learned: Mapping[str, Any]) -> bool:
    return "length" in learned and bool(learned["length"][1] < _SHORT_TEXT)


def _check_spread(path: str, learned: Mapping[str, Any], got: Mapping[str, Any]) -> Iterator[Breach]:
    values = got["seen"] - got["blank"]
    varied = learned.get("distinct", (0.0, 0.0))[0] >= _VARIED
    if varied and values >= ENOUGH_VALUES and got["distinct"][0] * values <= 1.001:
        names = bool(learned.get("unique")) and _names_rows(learned)
        yield Breach(
            "constant", path, "values that differ from row to row", "one and the same",
            "doubtful" if names else "statistical", ordinary=not names,
        )  # fmt: skip
    elif learned.get("unique") and got.get("unique") is False and _is_key(learned):
        again = round((1 - got["distinct"][0]) * values) if "distinct" in got else 1
        if again >= _MANY_TWINS and again >= _TWINS_SHARE * values:
            yield Breach("key", path, "no value twice", f"{again} values twice", "statistical", ordinary=True)
    if "median" in learned and "median" in got and values >= ENOUGH_VALUES:
        (low, high), median = learned["median"], got["median"][0]
        if median > high * _OUT_OF_RANGE > 0 or 0 <= median * _OUT_OF_RANGE < low:
            yield Breach("range", path, f"numbers of about {_span(low, high)}", f"{median:g}", "statistical")
    if "length" in learned and "length" in got and values >= 3 and learned["patterns"].get("text", 0.0) >= 0.9:
        (shortest, longest), median = learned["length"], got["length"][0]
        if median > longest * _OUT_OF_LENGTH or median * _OUT_OF_LENGTH < shortest:
            yield Breach(
                "length", path, f"texts of about {_span(shortest, longest)} characters", f"{median:g}", "statistical"
            )


def _names_rows(learned: Mapping[str, Any]) -> bool:
    """Return True for texts such as names: what is measured, priced or dated may be the same for all by chance."""
    return bool(learned["patterns"].get("text", 0.0) >= _VARIED) and not _is_short(learned)


def _is_key(learned: Mapping[str, Any]) -> bool:
    """Return True for a field like a name or an ID: unique in many rows, and not a measure."""
    measures = {"money", "percent", "date", "boolean"}
    whole = "median" not in learned or "number" not in learned["types"]
    many = learned.get("seen", 0) >= 4 * ENOUGH_VALUES
    return many and whole and not measures & set(learned["patterns"])
