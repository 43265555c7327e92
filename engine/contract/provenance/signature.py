"""Signatures: what a page says about each field, list, parameter and file in good runs; learnt, and merged.

They are JSON, a few KiB, and hold no values: parameters and the row's own values are placeholders, digits are masked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from engine.contract.model import Observed
from engine.contract.outputs import row_text
from engine.contract.provenance import attached, choices, echoes, letters, marks, reads, surroundings
from engine.contract.provenance.anchors import Anchored, namesakes_of, rivals_of
from engine.contract.provenance.computed import computed_fields
from engine.contract.provenance.looks import TRAITS
from engine.contract.provenance.parameters import row_shares, signs
from engine.contract.provenance.phrases import says_aside, says_instead, says_nothing, says_place, says_stale
from engine.contract.provenance.reading import Reading, is_seen, read, read_once
from engine.contract.provenance.units import words_of

FORMAT = 1
MOST_LOOKS = 8
"""The different texts of one trait of a field that are kept; of more, none means anything."""
LEFT_OUT = 0.05
"""The share of items that code leaves out, from which on it is code that filters."""
_MOST_WORDS = 80  # of the task
_MOST_SAID = 20  # phrases
_MAIN_REGIONS = frozenset({"", "main", "region", "tabpanel", "search"})
_MOST_STATES = 40
_CHOSEN = ("select", "radio", "checkbox", "current")
_MOST_CHOICES = 4  # values that one form field had; more are chosen by the run or the day

_COUNTED = ("count", "found", "zeros", "rivals")  # of a field

Signature = dict[str, Any]


def learn_signature(runs: Sequence[Observed], task: str = "") -> Signature:
    """Return the signature of good runs of the same code.

    Args:
        runs: The runs, with their maps; secrets left out of the parameters.
        task: The task's text: a wording that it explains is no surprise later.
    """
    return learn_from(read(runs), task)


def learn_from(readings: Sequence[Reading], task: str = "") -> Signature:
    """Return the signature of runs that were read already."""
    read_something = [reading for reading in readings if is_seen(reading.run)]
    merged = merge_signatures([_describe(reading) for reading in read_something])
    merged["about"] = sorted({*merged["about"], *sorted(words_of(task))[:_MOST_WORDS]})
    merged["computed"] = computed_fields(merged["fields"], task)
    if (shared := _shared(readings)) is not None:
        merged["shared"] = shared
    return merged


def widen_signature(signature: Mapping[str, Any], run: Observed) -> Signature:
    """Return a signature that admits one more good run, too."""
    if not is_seen(run):
        return dict(signature)
    return merge_signatures([signature, signature_of(run, signature)])


def signature_of(run: Observed, known: Mapping[str, Any]) -> Signature:
    """Return the signature of one more good run, to be merged with others; empty where it read nothing.

    Args:
        known: A signature of earlier runs, which tells where each field is read.
    """
    return learn_from([read_once(run, known.get("fields", {}))]) if run.evidence.maps else {}


def merge_signatures(parts: Sequence[Mapping[str, Any]]) -> Signature:
    """Return the signature that admits all that the parts admit."""
    known = [part for part in parts if part]
    return {
        "format": FORMAT,
        "runs": sum(part["runs"] for part in known),
        "about": sorted({word for part in known for word in part["about"]})[:_MOST_WORDS],
        "fields": _merge_by_path([part["fields"] for part in known], _merge_field),
        "tables": _merge_by_path([part["tables"] for part in known], _merge_table),
        "parameters": _merge_by_path([part["parameters"] for part in known], _merge_parameter),
        "choices": choices.merge([part["choices"] for part in known]),
        "files": attached.merge([part["files"] for part in known]),
        "state": _merge_states([part["state"] for part in known]),
        "forms": sorted({name for part in known for name in part.get("forms", ())})[:_MOST_STATES],
        "computed": sorted({path for part in known for path in part.get("computed", ())}),
        "echoes": echoes.merge([part["echoes"] for part in known if "echoes" in part]),
        "divided": any(part.get("divided") for part in known),
        "reads": reads.merge([part["reads"] for part in known]),
        "around": surroundings.merge([part["around"] for part in known]),
        "said": sorted({text for part in known for text in part["said"]})[:_MOST_SAID],
        "shared": max((part["shared"] for part in known if part.get("shared") is not None), default=None),
    }


def _describe(reading: Reading) -> Signature:
    return {
        "format": FORMAT,
        "runs": 1,
        "about": sorted({word for page in reading.document.maps for word in words_of(reading.lens.mask(page.title))}),
        "fields": {path: _describe_field(reading, path) for path in reading.fields},
        "tables": {
            table.path: describe_table(reading, table) | {"marks": marks.describe(reading, table)}
            for table in reading.tables
            if table.table.sources
        },
        "parameters": _describe_parameters(reading),
        "choices": choices.describe(reading),
        "files": attached.describe(reading),
        "state": {name: sorted(values) for name, values in states(reading).items()},
        "forms": sorted(states(reading)),
        "divided": letters.is_divided(reading),
        "echoes": echoes.describe(reading),
        "reads": reads.describe(reading.run, reading.lens),
        "around": surroundings.describe(reading),
        "said": sorted({*phrases(reading), *marks.phrases(reading)})[:_MOST_SAID],
        "shared": None,
    }


def _describe_field(reading: Reading, path: str) -> dict[str, Any]:
    found, missing = reading.fields[path]
    described: dict[str, Any] = {"count": len(found) + len(missing), "found": len(found)}
    described["rivals"] = rivals_of(reading.document, [anchor for _, anchor in found])
    described["namesakes"] = namesakes_of(reading.document, [anchor for _, anchor in found])
    described["zeros"] = sum(a.value == 0 and not isinstance(a.value, bool) for _, a in found)
    looks, often = {id(a.look): a.look for _, a in found}, Counter(id(a.look) for _, a in found)
    for trait in (*TRAITS, "raw", "path"):
        counts: Counter[str] = Counter()
        for key, look in looks.items():
            counts[look.trait(trait) if trait in TRAITS else getattr(look, trait)] += often[key]
        described[trait] = _few(counts)
    return described


def _few(counts: Mapping[str, int]) -> dict[str, int] | None:
    """Return the counts, or None where there are too many to mean anything."""
    return dict(sorted(counts.items())) if len(counts) <= MOST_LOOKS else None


def _merge_field(known: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {name: sum(each.get(name, 0) for each in known) for name in _COUNTED}
    # Earlier versions did not count these: there may have been some.
    merged["namesakes"] = sum(each.get("namesakes", each["found"]) for each in known)
    for trait in (*TRAITS, "raw", "path"):
        total: Counter[str] | None = Counter()
        for each in known:
            total = None if total is None or each[trait] is None else total + Counter(each[trait])
        merged[trait] = None if total is None else _few(total)
    return merged


def describe_table(reading: Reading, table: Anchored) -> dict[str, Any]:
    """Return how the rows of a table stand to the items of the page; without their marks."""
    placed = [row for row in table.rows if row.item is not None]
    items = {row.item for row in placed if row.item is not None and row.item >= 0}
    document = reading.document
    around = {document.container_of[item] for item in items}
    members = {item for container in around for item in document.members[container]}
    whole = not document.sampled and len(table.rows) == len(table.table.sources)
    return {
        "many": table.table.many,
        "rows": len(table.rows),
        "apart": sum(not row.together for row in placed),
        "items": len(members) if table.table.many and whole else 0,
        "left": len(members - items) if table.table.many and whole else 0,
        "pages": bool(reading.run.evidence.next_pages),
        "odd": marks.odd_values(table),
    }


def leaves_out(table: Mapping[str, Any]) -> bool:
    """Return True for a list, as `describe_table` describes it, of which code read more items than it returned."""
    return bool(table["many"] and table["left"] > LEFT_OUT * table["items"])


def _merge_table(known: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "many": any(each["many"] for each in known),
        "pages": any(each["pages"] for each in known),
        "marks": marks.merge([each["marks"] for each in known]),
        **{name: sum(each[name] for each in known) for name in ("rows", "apart", "items", "left", "odd")},
    }


def _describe_parameters(reading: Reading) -> dict[str, dict[str, Any]]:
    shares, found = row_shares(reading), signs(reading)
    empty = not any(table.table.sources for table in reading.tables)
    return {
        name: {"by": sorted(found[name]), "own": own, "free": free, "rows": count}
        for name, (own, free, count) in shares.items()
        if not empty
    }


def _merge_parameter(known: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    with_rows = [each for each in known if each["rows"]]
    return {
        "by": sorted(set.intersection(*(set(each["by"]) for each in known))),
        "own": min((each["own"] for each in with_rows), default=0.0),
        "free": min((each["free"] for each in with_rows), default=0.0),
        "rows": sum(each["rows"] for each in known),
    }


def states(reading: Reading) -> dict[str, set[str]]:
    """Return what is chosen in the forms of the pages, by kind and name of the field, masked."""
    found: dict[str, set[str]] = {}
    for page in reading.document.maps:
        for kind, name, value in page.state:
            if kind in _CHOSEN and len(found) < _MOST_STATES:
                found.setdefault(f"{kind} {reading.lens.mask(name)}".strip(), set()).add(reading.lens.mask(value))
    return found


def _merge_states(parts: Sequence[Mapping[str, list[str]]]) -> dict[str, list[str]]:
    shared = set.intersection(*(set(part) for part in parts)) if parts else set()
    merged = {name: sorted({value for part in parts for value in part[name]}) for name in sorted(shared)}
    return {name: values for name, values in merged.items() if len(values) <= _MOST_CHOICES}


def phrases(reading: Reading, states: Collection[str] = ()) -> dict[str, str]:
    """Return what the pages say outside of rows of things that were not asked for: masked, and as they say it.

    Args:
        states: Places that Booleans and the like are read from, as `choices.place_of` gives them.
    """
    told, values = [], set()
    for text in reading.document.texts:
        if text.place.label or (text.place.path and choices.place_of(reading, text) in states):
            values.add(text.plain)
            continue
        loose = text.loose and not text.attribute and not text.place.hidden
        main = text.region in _MAIN_REGIONS or (says_stale(text.plain) and not text.aside)
        if loose and main and len(text.plain) < 200:
            told.append(text.plain)
    told += [message for page in reading.document.maps for message in page.messages]
    found: dict[str, str] = {}
    for said in told:
        # What stands under a label as well, as a state of the thing that is repeated above, is a value.
        if said not in values and _is_phrase(said):
            found.setdefault(reading.lens.mask(said), said)
    return found


def _is_phrase(text: str) -> bool:
    told = says_instead(text) or says_aside(text) or says_stale(text) or says_place(text)
    return told or (says_nothing(text) and "0" not in text)


def _shared(readings: Sequence[Reading]) -> float | None:
    """Return the largest share of rows that runs with different parameters had in common; None for a single one."""
    runs = [(dict(r.run.parameters), {row_text(row) for row in r.run.compacted if row}) for r in readings]
    pairs = [(a, b) for at, a in enumerate(runs) for b in runs[:at] if a[0] != b[0] and a[1] and b[1]]
    return max((len(a[1] & b[1]) / min(len(a[1]), len(b[1])) for a, b in pairs), default=None)


def _merge_by_path(parts: Sequence[Mapping[str, Any]], merge: Any) -> dict[str, Any]:
    paths = dict.fromkeys(path for part in parts for path in part)
    return {path: merge([part[path] for part in parts if path in part]) for path in paths}
