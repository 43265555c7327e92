"""Findings on the first runs of new code: what of their output is not borne out by what the code read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.contract.model import Observed
from engine.contract.provenance import attached, choices
from engine.contract.provenance.computed import is_computed
from engine.contract.provenance.findings import Finding
from engine.contract.provenance.reading import Reading, is_seen, read
from engine.contract.provenance.signature import learn_from, leaves_out
from engine.contract.provenance.struck import any_replaced
from engine.contract.provenance.tables import last_name
from engine.contract.provenance.units import senses, words_of

_KINDS = {"html": "a page", "csv": "text", "zip": "a zip archive", "image": "an image"}
_ANCHORED = 0.9  # share of values that must stand on what was read
_STRAY = 0.02  # share of values that may stand elsewhere
_SAME = 0.9  # share of rows in which two fields come from one spot
_ROWS = 3  # from which on a coincidence is none


def first_run_findings(runs: Sequence[Observed], task: str = "") -> list[Finding]:
    """Return what of the first runs of new code is not borne out by what it read.

    Args:
        runs: The first run and those with other parameters.
        task: The task's text.
    """
    if not any(run.evidence.maps or run.evidence.answers or run.evidence.unmapped for run in runs):
        return [Finding("no-page", "$", "the code read no page, no response and no file at all")]
    readings = read([run for run in runs if is_seen(run)])
    if not readings:
        return []
    known = learn_from(readings, task)
    return [
        *_unanchored(readings, known, task), *_mixed(readings, known), *_other_labels(readings, known, task),
        *_same_spots(readings), *_unnamed(known), *_untold(known, task), *_left_out(known),
        *_totals(readings, known), *_misnamed_files(readings),
    ]  # fmt: skip


def _misnamed_files(readings: Sequence[Reading]) -> Iterator[Finding]:
    """Yield the fields of saved files that hold something else than their names say."""
    found: dict[str, list[str]] = {}
    for path, name, kind in (each for reading in readings for each in attached.misnamed(reading)):
        found.setdefault(path, []).append(f"{name!r} holds {_KINDS.get(kind, kind)}")
    for path, texts in found.items():
        yield Finding("misnamed", path, f"{texts[0]}, as {len(texts)} of the saved files", certain=False)


def _unanchored(readings: Sequence[Reading], known: Mapping[str, Any], task: str) -> Iterator[Finding]:
    """Yield the fields whose values were not read: typed in, defaults, or taken from a table of the code's own."""
    for path, field in known["fields"].items():
        share = 1 - field["found"] / field["count"]
        if (
            share <= 1 - _ANCHORED
            or choices.choice_of(path, known["choices"].get(path, _NO_CHOICE), known["about"]) is not None
        ):
            continue
        missing = [
            value
            for reading in readings
            for _, value in reading.fields.get(path, ([], []))[1]
            if not reading.document.is_of_page(value)
        ]
        if len(missing) <= (1 - _ANCHORED) * field["count"]:
            continue
        if len(set(map(repr, missing))) > 1 and all(map(_is_number, missing)) and is_computed(path, task):
            continue
        shown = ", ".join(repr(value) for value in dict.fromkeys(map(_short, missing[:40])) if value)[:120]
        one = len(set(map(repr, missing))) == 1 and len(missing) > 1
        text = f"{len(missing)} of {field['count']} values stand nowhere on what the code read, such as {shown}"
        if one:
            text = f"{missing[0]!r} in {len(missing)} of {field['count']} rows stands nowhere on what the code read"
        yield Finding("unanchored", path, text, certain=one or field["found"] > 0, constant=one)


_NO_CHOICE: Mapping[str, Any] = {"rows": 0, "places": {}}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _short(value: Any) -> Any:
    return value[:40] if isinstance(value, str) else value


def _mixed(readings: Sequence[Reading], known: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the fields that were read from places that differ: another column, another part of the page."""
    for path, field in known["fields"].items():
        if not field["found"]:
            continue
        for trait in ("label", "path", "region"):
            had = field[trait]
            if not had or len(had) < 2 or (trait == "path" and "[*]" not in path):
                continue
            most = max(had.values())
            stray = field["found"] - most
            if stray > _STRAY * field["found"]:
                places = tuple(sorted(had, key=lambda text: -had[text])[:2])
                what = {"label": "labeled", "path": "in", "region": "in the part"}[trait]
                named = trait == "label" and all(had)
                text = f"read from places that differ: {what} {' and '.join(map(repr, places))}"
                yield Finding("mixed", path, text, certain=named, places=places)
                break
        struck = field["struck"] or {}
        if struck.get("yes") and any(
            any_replaced(reading.document, (anchor for _, anchor in reading.fields.get(path, ([], []))[0]))
            for reading in readings
        ):
            yield Finding(
                "struck", path, f"{struck['yes']} of {field['found']} values are struck through", certain=False
            )


def _other_labels(readings: Sequence[Reading], known: Mapping[str, Any], task: str) -> Iterator[Finding]:
    """Yield the fields read from a place with another name, where one with the field's own name is there."""
    labels: Counter[str] = Counter()
    for reading in readings:
        labels.update({reading.lens.mask(text.place.label) for text in reading.document.texts if text.place.label})
    for path, field in known["fields"].items():
        mine = words_of(last_name(path))
        had = [label for label in (field["label"] or {}) if label]
        if not mine or not had or any(words_of(label) & mine for label in had):
            continue
        taken = {label for other, f in known["fields"].items() if other != path for label in f["label"] or ()}
        if taken.issuperset(had):  # the name of what holds them all, as of rows that are lists
            continue
        better = [label for label in labels if words_of(label) & mine]
        whole = [label for label in better if label not in taken and mine <= words_of(label) | senses(label).units]
        if whole:
            yield Finding(
                "other-label", path, f"read from {had[0]!r}, though there is {whole[0]!r}",
                certain=not words_of(had[0]) & words_of(task),
            )  # fmt: skip


def _same_spots(readings: Sequence[Reading]) -> Iterator[Finding]:
    """Yield pairs of fields that are read from one spot, and are no two parts of one text."""
    same: Counter[tuple[str, str]] = Counter()
    both: Counter[tuple[str, str]] = Counter()
    for reading in readings:
        for table in reading.tables:
            for row in table.rows:
                spots = {path: anchors[0].spot for path, anchors in row.anchors.items() if len(anchors) == 1}
                paths = sorted(spots)
                for at, a in enumerate(paths):
                    for b in paths[at + 1 :]:
                        both[a, b] += 1
                        same[a, b] += spots[a].key == spots[b].key and spots[a].span is not None
    for (a, b), count in same.items():
        if count >= max(_ROWS, _SAME * both[a, b]):
            yield Finding("same-spot", a, f"read from the same spot as {b}, in {count} of {both[a, b]} rows")


def _unnamed(known: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the parameters that nothing names in all runs, and that no filter in the code explains."""
    for name in [] if _is_filtered(known) else _nameless(known):
        yield Finding(
            "parameter", name,
            "no address, heading, form field, text or row of what was read names it in all runs", certain=False,
        )  # fmt: skip


def _nameless(known: Mapping[str, Any]) -> list[str]:
    return [name for name, described in known["parameters"].items() if not described["by"]]


def _is_filtered(known: Mapping[str, Any]) -> bool:
    """Return True where code read more items than it returned."""
    return any(map(leaves_out, known["tables"].values()))


def _untold(known: Mapping[str, Any], task: str) -> Iterator[Finding]:
    """Yield the fields of two states that the page does not tell, or tells otherwise."""
    for path, described in known["choices"].items():
        if is_computed(path, task):
            continue
        values = {value for words in described["places"].values() for counts in words.values() for value in counts}
        told = choices.unlike(path, described)
        if told is not None:
            text = " and ".join(repr(each) for each in told[:3])
            yield Finding("boolean", path, f"always {next(iter(values))}, though the page says {text}")
        elif (
            len(values) > 1 and described["rows"] > _ROWS and choices.choice_of(path, described, known["about"]) is None
        ):
            yield Finding("boolean", path, "no text of the page goes with its values", certain=False)


def _left_out(known: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield lists that leave out items which were read, and rows that mix items."""
    for path, table in known["tables"].items():
        if not table["many"]:
            continue
        if leaves_out(table) and not _nameless(known):
            yield Finding(
                "left-out", path, f"{table['left']} of {table['items']} items that were read are not in the output",
                certain=False,
            )  # fmt: skip
        if table["rows"] >= _ROWS and 0 < table["apart"] <= (1 - _ANCHORED) * table["rows"]:
            yield Finding(
                "apart", path, f"{table['apart']} of {table['rows']} rows have values of several items of the page",
                certain=False,
            )  # fmt: skip


def _totals(readings: Sequence[Reading], known: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the totals that a page states, and that the items read from it do not reach; not where code filters."""
    if _is_filtered(known) and _nameless(known):
        return
    for reading in readings:
        lists = [table for table in reading.tables if table.table.many and table.table.sources]
        if not lists:
            continue
        count = len(lists[0].table.sources)
        homes = {reading.document.map_of[r.item] for r in lists[0].rows if r.item is not None and r.item >= 0}
        for at in sorted(homes):
            page = reading.document.maps[at]
            stated = [*page.totals, *([("aria-rowcount", page.row_count)] if page.row_count else [])]
            missing = [(text, total) for text, total in stated if total > count]
            if missing and not any(total == count for _, total in stated):
                text, total = min(missing, key=lambda pair: pair[1])
                yield Finding(
                    "total", lists[0].path, f"{count} rows, though the page states {total} ({text!r})", certain=False
                )
                return
