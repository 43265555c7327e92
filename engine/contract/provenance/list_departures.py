"""Departures of lists, parameters, states, files and messages: what a whole output is, by what the pages say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.contract.model import Breach, History, PreviousOutput, Severity
from engine.contract.outputs import Row, compact, row_text
from engine.contract.provenance import choices, letters, marks
from engine.contract.provenance.field_departures import Case
from engine.contract.provenance.parameters import SEARCHED, row_shares, signs
from engine.contract.provenance.phrases import narrows, says_aside, says_instead
from engine.contract.provenance.signature import LEFT_OUT, describe_table, phrases, states
from engine.contract.provenance.spellings import normal
from engine.contract.provenance.units import change

_NEW = 0.1  # share of rows of which a departure is told; of few, two
_TOGETHER = 0.05  # share of rows that may mix items, in a list whose rows never did
_MIXED = 0.1  # share of rows from which on they do
_LEFT_MORE = 0.15
_EACH = 0.98  # share of rows that name a parameter, from which on all must
_MOST = 0.9
_NOT_SHARED = 0.02  # share of rows in common, up to which the lists of two parameters are apart
_OTHERS_ROWS, _MOSTLY_OTHERS = 0.2, 0.4  # share of rows that are those of other parameters: asked about, or wrong
_TELLING = 3  # characters of a parameter that tells a row
_BY_PAGE = frozenset({"h1", "heading", "state", "title", "crumb", "text"})
_STRONG = frozenset({"state", "rows", "heading"})


def check_lists(case: Case) -> Iterator[Breach]:
    """Yield the departures of lists: rows of mixed items, items left out, other marks, a further page."""
    read = case.chosen_places
    for table in case.reading.tables:
        known = case.known["tables"].get(table.path)
        if known is None or not table.rows or not known["rows"]:
            continue
        if not table.table.many:
            yield from marks.check_values(table, marks.odd_values(table), known["odd"])
            continue
        now = describe_table(case.reading, table)
        mixed = now["apart"]
        if known["apart"] <= _TOGETHER * known["rows"] and mixed >= max(_MIXED * now["rows"], min(2, now["rows"])):
            yield Breach(
                "apart", table.path, "rows that each stand in one item of the page",
                f"{mixed} of {now['rows']} rows have values of several items",
            )  # fmt: skip
        before = known["left"] / known["items"] if known["items"] else 1.0
        share = now["left"] / now["items"] if now["items"] else 0.0
        if before < LEFT_OUT and share > before + _LEFT_MORE and now["left"] >= 2:
            yield Breach(
                "left-out", table.path, "all items that were read",
                f"{now['left']} of {now['items']} items of the page are not in the output", "doubtful",
            )  # fmt: skip
        yield from marks.check(
            case.reading, table, known["marks"], said=case.known["said"], about=case.about, read=read
        )
        yield from marks.check_values(table, now["odd"], known["odd"])
        if not case.known.get("divided"):
            yield from letters.check(case.reading, table)
        if now["pages"] and not known["pages"]:
            pages = ", ".join(case.reading.run.evidence.next_pages[:3])
            yield Breach("pages", table.path, "no further page left", f"the page leads on to {pages}", "doubtful")


def check_parameters(case: Case) -> Iterator[Breach]:
    """Yield the parameters that what was read does not name any more."""
    if not any(table.rows for table in case.reading.tables):
        return
    found, shares = signs(case.reading), row_shares(case.reading)
    for name, known in case.known["parameters"].items():
        if name not in found:
            continue
        had, now = set(known["by"]), found[name]
        lost = had - now - {"url", "typed"}
        told = f"named by {', '.join(sorted(now)) or 'nothing'}"
        was = f"{name} named by {', '.join(sorted(had))}"
        if (had & (_BY_PAGE | {"rows"}) and not now - {"url", "typed"}) or ("url" in had and not now):
            yield Breach("parameter", "$", was, told)
        elif lost:
            yield Breach("parameter", "$", was, told, "doubtful" if lost & _STRONG else "advisory")
        yield from _rows_of_parameter(name, known, shares[name])


def _rows_of_parameter(name: str, known: Mapping[str, Any], now: tuple[float, float, int]) -> Iterator[Breach]:
    own, free, count = now
    if not count or not known["rows"]:
        return
    if known["own"] >= _EACH and own < 1:
        expected, got = f"{name} in a cell of every row", f"in {own:.0%} of {count} rows"
        yield Breach("rows", "$", expected, got, "structural" if own < _MOST else "doubtful")
    elif known["free"] >= _EACH and free > 0 and (1 - free) * count >= max(2, _TOGETHER * count):
        yield Breach("rows", "$", f"{name} in every row", f"in {free:.0%} of {count} rows", "doubtful")


def check_choices(case: Case) -> Iterator[Breach]:
    """Yield the Booleans and names of states that the page says otherwise than before."""
    fields = choices.chosen(case.reading)
    for path, choice in case.choices.items():
        rows = fields.get(path)
        if choice is None or not rows:
            continue
        against: Counter[str] = Counter()
        unknown: Counter[str] = Counter()
        gone = 0
        values = set(choice.words.values())
        for value, texts in choices.told(case.reading, rows, choice):
            known = [text for text in texts if text in choice.words]
            if known:
                against.update(known[:1] if all(choice.words[text] != value for text in known) else [])
            elif texts == [""]:
                gone += 1
            elif value in values and not any(choices.contains_known(text, value, choice.words) for text in texts):
                unknown[" | ".join(texts)[:60]] += 1
        yield from _told_of_choice(path, choice, len(rows), against, unknown, gone)


def _told_of_choice(
    path: str, choice: choices.Choice, count: int, against: Counter[str], unknown: Counter[str], gone: int
) -> Iterator[Breach]:
    least = max(_NEW * count, min(2, count))
    words = ", ".join(f"{text!r} for {value}" for text, value in list(choice.words.items())[:4])
    if against:
        text, _ = against.most_common(1)[0]
        yield Breach(
            "state", path, f"values read from {words}",
            f"{sum(against.values())} of {count} say the contrary of their text, such as {text!r}",
        )  # fmt: skip
    if sum(unknown.values()) >= least:
        text, _ = unknown.most_common(1)[0]
        yield Breach(
            "state", path, f"values read from {words}", f"{text!r} in {sum(unknown.values())} of {count}", "doubtful"
        )
    if gone >= least and gone == count:
        yield Breach("state", path, f"values read from {words}", f"no text there in {gone} of {count}", "doubtful")


def check_forms(case: Case) -> Iterator[Breach]:
    """Yield the form fields that are set otherwise than in all good runs, and not by a parameter."""
    if case.known["runs"] < 2:
        return
    forms, single = set(case.known.get("forms", ())), not any(t.table.many for t in case.reading.tables)
    for name, values in states(case.reading).items():
        had = case.known["state"].get(name, [])
        if single and forms.isdisjoint((name,)) and name.startswith("radio "):
            # One of several variants is chosen, of a thing that had none.
            got = f"{name!r} set to {min(values)!r}"
            yield Breach("form", "$", "nothing to choose from on the page", got, "doubtful")
            continue
        if odd := [each for each in values if each not in had and (says_aside(each) or narrows(f"{name} {each}"))]:
            yield Breach("form", "$", "nothing but what was asked for", f"{name!r} set to {odd[0]!r}", "doubtful")
            continue
        fresh = sorted(values - set(had))
        if len(had) == 1 and fresh and "{" not in had[0] and had[0]:
            weight = change(had, fresh, case.about)
            if weight:
                yield Breach(
                    "form", "$", f"{name!r} set to {had[0]!r}", repr(fresh[0]),
                    "structural" if weight == "other" else "doubtful",
                )  # fmt: skip


def check_phrases(case: Case) -> Iterator[Breach]:
    """Yield what the page says of things that were not asked for, and never said before."""
    if not any(table.rows for table in case.reading.tables):
        return
    said = set(case.known["said"])
    for masked, text in phrases(case.reading, case.chosen_places).items():
        if masked not in said:
            severity: Severity = "advisory"
            if _above_rows(case, text):
                severity = "structural" if says_instead(text) else "doubtful"
            yield Breach("instead", "$", "a page that shows what was asked for", f"it says {text[:120]!r}", severity)
            if severity != "advisory":
                return


def _above_rows(case: Case, said: str) -> bool:
    """Return True where a text stands before the rows of the output, on the same page; before one of single values."""
    many = any(table.table.many for table in case.reading.tables)
    ends: dict[int, int] = {}
    for anchors, _ in case.reading.fields.values():
        for _, anchor in anchors:
            text = anchor.spot.text
            ends[text.map] = (min if many else max)(ends.get(text.map, text.number), text.number)
    return any(t.plain == said and t.number < ends.get(t.map, -1) for t in case.reading.document.texts)


def check_others(case: Case, history: History) -> Iterator[Breach]:
    """Yield a breach where rows are those that other parameters gave, and the lists were apart so far."""
    rows = [row for row in compact(case.reading.run.legible) if row]
    mine = [row_text(row) for row in rows]
    if not mine:
        return
    many = any(table.table.many for table in case.reading.tables)
    past = [one for one in (history.same, *history.others_of_account) if one is not None]
    shared = max((_overlap(a, b) for at, a in enumerate(past) for b in past[:at]), default=case.known.get("shared"))
    known = [part for part in (shared, case.known.get("shared")) if part is not None]
    if not known or max(known) > _NOT_SHARED:
        return
    asked = dict(case.reading.run.parameters)
    others = [(other, {row_text(row) for row in other.output}) for other in history.others_of_account]
    # A filter that is lost gives all rows; a search for common words holds those of some narrower one.
    whole = all(len(theirs & set(mine)) >= _MOST * len(theirs) for _, theirs in others)
    for other, theirs in others:
        own = [normal(v) for n, v in asked.items() if isinstance(v, str) and v != other.parameters.get(n)]
        both = sum(text in theirs and not _names_all(row, own) for text, row in zip(mine, rows, strict=True))
        enough = max(3, _OTHERS_ROWS * len(mine)) if many else len(mine)
        if dict(other.parameters) == asked or both < enough or not (many or len(rows[0]) > 1):
            continue
        instead = both >= _MOST * max(len(mine), len(theirs))
        if not (instead or whole) and _names_anew(case, other.parameters):
            continue
        yield Breach(
            "other-rows", "$", "rows of its own for each set of parameters",
            f"{both} of {len(mine)} rows are those of {dict(other.parameters)}",
            "structural" if both >= _MOSTLY_OTHERS * len(mine) else "doubtful",
        )  # fmt: skip
        return


def _names_anew(case: Case, before: Mapping[str, Any]) -> bool:
    """Return True where what was read names each parameter that was asked for anew, as it does in good runs."""
    found, known = signs(case.reading), case.known["parameters"]
    anew = [name for name, value in case.reading.run.parameters.items() if value != before.get(name)]
    told = {name: found.get(name, set()) for name in anew if name in known}
    return bool(told) and all(
        by & set(known[name]["by"]) & (_BY_PAGE | {"rows"}) or by >= SEARCHED for name, by in told.items()
    )


def _names_all(row: Row, values: Sequence[str]) -> bool:
    """Return True where a row names all that was asked for anew: a search for words may find what another found."""
    cells = [normal(cell) for cell in row.values() if isinstance(cell, str)]
    return bool(values) and all(len(v) >= _TELLING and any(v in cell for cell in cells) for v in values)


def _overlap(a: PreviousOutput, b: PreviousOutput) -> float:
    one, two = {row_text(row) for row in a.output}, {row_text(row) for row in b.output}
    return len(one & two) / min(len(one), len(two)) if one and two else 0.0
