"""Fields whose values a page says in other words: Booleans, and names of states that the code gives.

Their place is where a text goes with the value in every row of every run: a badge, an icon's title, a class of words.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from engine.contract.provenance.anchors import Row
from engine.contract.provenance.document import Text
from engine.contract.provenance.reading import Reading
from engine.contract.provenance.tables import last_name
from engine.contract.provenance.units import words_of

_MOST_VALUES = 6  # of a field whose values stand for something on the page
_LEAST_MISSING = 0.5  # share of its values that do not stand there themselves
_LONGEST = 90  # characters of a text that says a state
_MOST_TEXTS = 8  # at one place; more are no names of states
_MOST_PLACES = 8  # of a field
_FEW_ROWS = 6  # in which texts go with a value by chance
_BORDER = "\t"
_NOTHING = ""  # the text of a place that a row lacks: a badge may be there for one state only

Words = dict[str, Counter[str]]
Described = dict[str, Any]


class Choice(NamedTuple):
    """The place that a field of states is read from, and which text there goes with which value."""

    place: str
    words: Mapping[str, str]
    common: frozenset[str]

    @property
    def label(self) -> str:
        """The name that the page gives to the place."""
        return self.place.split(_BORDER)[1]


def chosen(reading: Reading) -> dict[str, list[tuple[Row, str]]]:
    """Return the fields of a run whose values the page says in other words, with each row's value as JSON."""
    values: dict[str, list[tuple[Row, Any]]] = defaultdict(list)
    for table in reading.tables:
        for row in table.rows:
            for path, value in row.leaves:
                if isinstance(value, bool):
                    values[path].append((row, value))
    for path, (found, missing) in reading.fields.items():
        few = len({repr(value) for _, value in missing}) <= _MOST_VALUES
        if "[*]" not in path and all(isinstance(value, (int, float)) for _, value in missing):
            continue  # a number that was computed, such as a count
        if path not in values and few and len(missing) > _LEAST_MISSING * (len(found) + len(missing)):
            values[path] = [*missing, *((row, anchor.value) for row, anchor in found)]
    return {path: [(row, json.dumps(value)) for row, value in rows] for path, rows in values.items()}


def texts_by_place(reading: Reading, row: Row) -> dict[str, list[str]]:
    """Return the short texts of a row by place; not those that other fields were read from."""
    known = reading.said.get(row)
    if known is None:
        known = reading.said[row] = _texts_by_place(reading, row)
    return known


def place_of(reading: Reading, text: Text) -> str:
    """Return the place of a text, as it is compared between runs."""
    return _BORDER.join((text.place.path, reading.lens.mask(text.place.label), text.region))


def _texts_by_place(reading: Reading, row: Row) -> dict[str, list[str]]:
    taken = {(a.spot.text.number, a.spot.piece) for anchors in row.anchors.values() for a in anchors}
    if row.item is not None:
        texts = reading.document.texts_of[row.item] if row.item >= 0 else _of_map(reading, -1 - row.item)
    else:
        texts = _of_parameters(reading) or reading.document.texts
    found: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        if text.is_link or text.aside or text.place.hidden or (text.number, -1) in taken:
            continue
        key = place_of(reading, text)
        for at, (piece, _) in enumerate(text.pieces):
            if len(piece) <= _LONGEST and (text.number, at) not in taken:
                said = reading.lens.mask(piece)
                if said and said != "#":
                    found[key].append(said)
    return found


def _of_parameters(reading: Reading) -> list[Text]:
    """Return the texts of the one item that names a parameter on the last page where one does; empty for several."""
    items: dict[int, set[int]] = defaultdict(set)
    for text in reading.document.texts:
        if text.chain and not text.is_link and not text.aside and reading.lens.named_in(text.plain):
            items[text.map].add(text.chain[0])
    last = items[max(items)] if items else set()
    return reading.document.texts_of[last.pop()] if len(last) == 1 else []


def _of_map(reading: Reading, number: int) -> list[Any]:
    return [text for text in reading.document.texts if text.map == number]


def describe(reading: Reading) -> dict[str, Described]:
    """Return for each field of states where its values may have been read from: texts, values, and how often."""
    found: dict[str, Described] = {}
    for path, rows in chosen(reading).items():
        said = [(texts_by_place(reading, row), value) for row, value in rows]
        places: dict[str, Words] = {place: defaultdict(Counter) for texts, _ in said for place in texts}
        for place, words in places.items():
            for texts, value in said:
                for text in set(texts.get(place, [_NOTHING])):
                    words[text][value] += 1
        kept = {
            place: {text: dict(counts) for text, counts in words.items()}
            for place, words in places.items()
            if len(words) <= _MOST_TEXTS
        }
        best = sorted(kept, key=lambda place: _merit(path, place, kept[place], len(rows)), reverse=True)[:_MOST_PLACES]
        found[path] = {"rows": len(rows), "places": {place: kept[place] for place in best}}
    return found


def _merit(path: str, place: str, words: Mapping[str, Mapping[str, int]], rows: int) -> tuple[bool, bool, bool, int]:
    one = sum(len(counts) == 1 and sum(counts.values()) < rows for counts in words.values())
    both = len({value for counts in words.values() if len(counts) == 1 for value in counts}) > 1
    return both, _is_named(path, place, words), one > 0, -len(words)


def merge(parts: Sequence[Mapping[str, Described]]) -> dict[str, Described]:
    """Return what holds in all parts: places that each of them has, with all texts."""
    merged: dict[str, Described] = {}
    for path in {path for part in parts for path in part}:
        known = [part[path] for part in parts if path in part and part[path]["rows"]]
        if not known:
            continue
        shared = set.intersection(*(set(each["places"]) for each in known))
        places: dict[str, dict[str, dict[str, int]]] = {}
        for place in sorted(shared):
            words: Words = {}
            for each in known:
                for text, counts in each["places"][place].items():
                    words.setdefault(text, Counter()).update(counts)
            if len(words) <= _MOST_TEXTS:
                places[place] = {text: dict(counts) for text, counts in words.items()}
        merged[path] = {"rows": sum(each["rows"] for each in known), "places": places}
    return merged


def choice_of(path: str, described: Described, about: Collection[str] = ()) -> Choice | None:
    """Return the place that a field is read from, if one place alone goes with its values.

    Args:
        about: Words of the task. In a list, a text that goes with the value in many rows is read for it; of a single
            object, any text may go with it by chance: only one that has words of the field's name or of the task is.
    """
    rows, best = described["rows"], None
    for place, words in described["places"].items():
        own = {text: next(iter(counts)) for text, counts in words.items() if len(counts) == 1}
        whole = {text for text in own if sum(words[text].values()) >= rows}
        values = {value for counts in words.values() for value in counts}
        single = "[*]" not in path
        if len(values) > 1:
            own = {text: value for text, value in own.items() if text not in whole}
        named = _is_named(path, place, own if single else words)
        named = named or (single and any(words_of(text).intersection(about) for text in own))
        common = frozenset(words) - frozenset(own)
        if len(own) > max(2, min(_MOST_VALUES, rows // 2)) or not own:
            continue
        if not _all_told(words, own, rows) or (
            not named and (single or len(set(own.values())) < 2 or rows < _FEW_ROWS)
        ):
            continue
        merit = (len(set(own.values())) > 1, named, bool(place.split(_BORDER)[1]), "@" not in place, -len(own))
        if best is None or merit > best[0]:
            best = (merit, Choice(place, own, common))
    return best[1] if best is not None else None


def unlike(path: str, described: Described) -> list[str] | None:
    """Return the texts of a place with the field's own name, where one value goes with texts that differ."""
    values = {value for words in described["places"].values() for counts in words.values() for value in counts}
    if len(values) != 1:
        return None
    for place, words in described["places"].items():
        telling = [text for text, counts in words.items() if sum(counts.values()) < described["rows"]]
        if words_of(place.split(_BORDER)[1]) & words_of(last_name(path)) and 1 < len(telling) <= _MOST_VALUES:
            return telling
    return None


def _all_told(words: Mapping[str, Mapping[str, int]], own: Mapping[str, str], rows: int) -> bool:
    """Return True where each row has a text that goes with its value; texts of one row may be several."""
    return sum(sum(words[text].values()) for text in own) >= rows


def _is_named(path: str, place: str, words: Mapping[str, Any]) -> bool:
    mine = words_of(last_name(path))
    return bool(mine & words_of(place.split(_BORDER)[1])) or any(mine & words_of(text) for text in words)


def contains_known(text: str, value: str, words: Mapping[str, str]) -> bool:
    """Return True where a new text says a known one of the same value, and besides numbers nothing else."""
    for known, its in words.items():
        if known and its == value and re.search(rf"(?<!\w){re.escape(known)}(?!\w)", text):
            return not any(c.isalpha() for c in text.replace(known, " "))
    return False


def told(reading: Reading, rows: Sequence[tuple[Row, str]], choice: Choice) -> Iterator[tuple[str, list[str]]]:
    """Yield each row's value with the texts at the place that it was read from.

    New texts that go with all values, as those of a line that was added to each card, are left out.
    """
    said = [(value, texts_by_place(reading, row).get(choice.place, [_NOTHING])) for row, value in rows]
    values: dict[str, set[str]] = defaultdict(set)
    for value, texts in said:
        for text in texts:
            values[text].add(value)
    common = {text for text, found in values.items() if len(found) > 1 and text not in choice.words} | choice.common
    for value, texts in said:
        yield value, [text for text in texts if text not in common] or [_NOTHING]
