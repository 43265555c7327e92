"""Parameters as pages show them right before something irreversible: learnt in the first run, held later.

A date mask that became month-first takes the third of April for the fourth of March, and a form that drops cents pays
12 for 12.50. Both are shown on the page before the last click, in the field itself or in a summary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.contract.provenance.document import region_of
from engine.contract.provenance.lens import Lens
from engine.contract.provenance.spellings import dates, normal, numbers, readings
from engine.contract.provenance.units import name_parts
from sandbox.page_map import BOUNDARY, STRUCK, STRUCK_END, PageMap

Witnesses = dict[str, dict[str, list[dict[str, str]]]]
"""By action and parameter, the places where the page shows the parameter's value."""

Shown = tuple[str, Sequence[PageMap]]
"""An irreversible action, and the pages as they were right before it."""

_LONGEST = 80  # characters of a value that is looked for
_LONGEST_WORDS = 300  # characters of a text that is told by its words
_LONGEST_PART = 40  # of a value or number in it
_MOST_GAPS = 2  # beside the value
_MOST = 12  # places of one parameter
_GAP = re.compile(r"(\{[^{}]*\}|#)")
_MARKS = str.maketrans(dict.fromkeys((BOUNDARY, STRUCK, STRUCK_END), " "))
_WHOLE_NUMBER = re.compile(r"[-\u2212]?\d[\d.,'\u2019\u00a0\u202f ]*")
_HINT = re.compile(r"(?<![^\W_])(dd?|mm?|tt?|jj?)[./ -](dd?|mm?|tt?|jj?)[./ -](?:y{2,4}|j{2,4}|a{2,4})(?![^\W_])")
_NUMERIC = ("dmy", "mdy")
_ORDERS = {"dmy": "day, month, year", "mdy": "month, day, year"}
_SKIPPED = frozenset({"nav", "footer"})


class _Text(NamedTuple):
    """A text of a page, with the identity of its place: a form field, a labeled text, or words."""

    at: str
    name: str
    text: str


@dataclass(frozen=True)
class _Value:
    """A parameter's value as it is looked for."""

    name: str
    text: str
    days: tuple[tuple[str, str], ...]
    number: float | None

    @property
    def distinctive(self) -> bool:
        """True where a page hardly shows it by chance."""
        return bool(self.days) or len(self.text) > 3 or (self.number is not None and len(self.text) > 2)


def learn_witnesses(
    shown: Sequence[Shown], parameters: Mapping[str, Any], known: Mapping[str, Any] | None = None
) -> Witnesses:
    """Return where the pages of a good run showed its parameters, right before each irreversible action.

    Of an action that was done several times, only what each time showed.

    Args:
        shown: The actions.
        parameters: The run's, secrets left out.
        known: Those of earlier code, which stay where this run came to no action.
    """
    lens = Lens(parameters)
    found: Witnesses = {}
    for action, pages in shown:
        name, places = lens.mask(action), _places(pages, parameters, lens)
        before = found.get(name)
        found[name] = places if before is None else _shared(before, places)
    return found or dict(known or {})


def unshown(known: Mapping[str, Any], shown: Shown, parameters: Mapping[str, Any], *, moved: bool = False) -> list[str]:
    """Return in words which parameters the page does not show as the first run's did; empty where it shows them.

    Args:
        known: As `learn_witnesses` returned it.
        shown: The action, and the pages before it.
        moved: True for other code, on a page that may show less: only what is shown otherwise counts.
    """
    action, pages = shown
    lens = Lens(parameters)
    places = known.get(lens.mask(action)) or (next(iter(known.values())) if len(known) == 1 else {})
    texts = [text for page in pages for text in _texts(page)]
    if not texts:
        return []
    hint = _hint(texts)
    problems = []
    for value in _values(parameters):
        witnesses = places.get(value.name, ())
        if witnesses and (problem := _problem(value, witnesses, texts, lens, hint, moved=moved)) is not None:
            problems.append(problem)
    return problems


def check_witnesses(known: Mapping[str, Any]) -> None:
    """Check the form of what a bundle says of its actions.

    Raises:
        ValueError, AttributeError, KeyError, TypeError: It has another form.
    """
    for places in known.values():
        for witnesses in places.values():
            for witness in witnesses:
                if not all(isinstance(text, str) for text in (witness["at"], witness["name"], witness["as"])):
                    raise ValueError("a witness has something else than texts")


def _problem(
    value: _Value, witnesses: Sequence[Mapping[str, str]], texts: Sequence[_Text], lens: Lens, hint: str, *, moved: bool
) -> str | None:
    given, confirmed = f"{value.name}={value.text!r} was given", set[str]()
    for witness in witnesses:
        here = [text for text in texts if _is_at(text, witness, lens)]
        if any(witness["as"] in _forms(text.text, value) for text in here):
            confirmed.add(witness["as"].rpartition(":")[2])
        elif here:
            where = repr(here[0].name) if here[0].name else "the place where it stood"
            return f"{given}, and the page shows {here[0].text.strip()!r} for {where}"
    orders = {order for witness in witnesses if (order := _order(witness)) in _NUMERIC}
    if hint and orders and hint not in orders and confirmed <= set(_NUMERIC):
        return f"{given}, and the page takes dates as {_ORDERS[hint]}, which it did not before"
    if confirmed or moved:
        return None
    wrong = set(_NUMERIC) - orders if orders else set[str]()
    for text in texts:
        if any(form.rpartition(":")[2] not in wrong for form in _forms(text.text, value)):
            return None
    return f"{given}, and the page does not show it any more"


def _order(witness: Mapping[str, str]) -> str:
    return witness.get("hint") or witness["as"].rpartition(":")[2]


def _places(pages: Sequence[PageMap], parameters: Mapping[str, Any], lens: Lens) -> dict[str, list[dict[str, str]]]:
    texts = [text for page in pages for text in _texts(page)]
    hint = _hint(texts)
    found: dict[str, list[dict[str, str]]] = {}
    for value in _values(parameters):
        places = list(_witnesses(value, texts, lens, hint))
        if places:
            found[value.name] = [dict(each) for each in dict.fromkeys(tuple(p.items()) for p in places)][:_MOST]
    return found


def _witnesses(value: _Value, texts: Sequence[_Text], lens: Lens, hint: str) -> Iterator[dict[str, str]]:
    for shown in texts:
        for form, (begin, end) in _forms(shown.text, value).items():
            plain = normal(shown.text)
            pre, post = lens.mask(plain[:begin]), lens.mask(plain[end:])
            around = f"{shown.name} {pre} {post}".casefold()
            named = any(len(word) > 2 and word in around for word in name_parts(value.name))
            if not (value.distinctive or named):
                continue
            if shown.at != "words":
                place = {"at": shown.at, "name": lens.mask(shown.name)}
            elif re.search(r"[^\W\d_]{2}", pre + post) and len(plain) < _LONGEST_WORDS and _is_simple(pre + post):
                place = {"at": "words", "name": f"{pre}\0{post}"}
            else:
                continue
            yield place | {"as": form} | ({"hint": hint} if hint and value.days else {})


def _is_at(shown: _Text, witness: Mapping[str, str], lens: Lens) -> bool:
    if shown.at != witness["at"]:
        return False
    if shown.at != "words":
        return lens.mask(shown.name) == witness["name"]
    pre, _, post = witness["name"].partition("\0")
    if len(shown.text) >= _LONGEST_WORDS or not _is_simple(pre + post):
        return False
    return (
        re.fullmatch(f"{_pattern(pre)} ?(.{{1,{_LONGEST_PART}}}?) ?{_pattern(post)}", lens.mask(shown.text)) is not None
    )


def _is_simple(masked: str) -> bool:
    """Return True for words with so few gaps that they are found in good time."""
    return len(_GAP.findall(masked)) <= _MOST_GAPS


def _pattern(masked: str) -> str:
    """Return the pattern of masked words, in which any parameter or number may stand."""
    parts = _GAP.split(masked)
    return "".join(f".{{1,{_LONGEST_PART}}}?" if n % 2 else re.escape(part) for n, part in enumerate(parts))


def _shared(
    one: Mapping[str, list[dict[str, str]]], two: Mapping[str, list[dict[str, str]]]
) -> dict[str, list[dict[str, str]]]:
    both = {name: [place for place in places if place in two.get(name, ())] for name, places in one.items()}
    return {name: places for name, places in both.items() if places}


def _texts(page: PageMap) -> Iterator[_Text]:
    for kind, name, value in page.state:
        if value:
            yield _Text(kind, name, value)
    for unit in page.units:
        place = page.places[unit.place]
        if "@" in place.path or place.hidden or ">option" in place.path or region_of(place.region) in _SKIPPED:
            continue
        text = unit.text.translate(_MARKS)
        labeled = place.label and normal(place.label) != normal(text)
        yield _Text("label" if labeled else "words", place.label if labeled else "", text)


def _hint(texts: Sequence[_Text]) -> str:
    """Return the order of day and month that the page asks for: "dmy", "mdy", or nothing."""
    found = set()
    for shown in texts:
        for match in _HINT.finditer(normal(f"{shown.name} {shown.text}")):
            first, second = match[1][0], match[2][0]
            if (first == "m") != (second == "m"):
                found.add("mdy" if first == "m" else "dmy")
    return found.pop() if len(found) == 1 else ""


def _values(parameters: Mapping[str, Any]) -> Iterator[_Value]:
    for name, value in parameters.items():
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            continue  # of a list, each action may show another
        text = str(value).strip()
        if text and len(text) <= _LONGEST:
            yield _Value(name, text, _days(text), _number(text))


def _days(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((day, span.form) for day, span in dates(text) if span.end - span.begin == len(text.partition("T")[0]))


def _number(text: str) -> float | None:
    found = readings(text) if _WHOLE_NUMBER.fullmatch(text) else set()
    return next(iter(found)) if len(found) == 1 else None


def _forms(text: str, value: _Value) -> dict[str, tuple[int, int]]:
    """Return the forms in which a text shows a value, each with the span where it does."""
    plain = normal(text)
    found: dict[str, tuple[int, int]] = {}
    for day, read_as in value.days:
        for shown, span in dates(plain):
            if shown == day:
                found.setdefault(f"{read_as}:{span.form}", span[:2])
    if value.number is not None:
        for number, span in numbers(plain):
            if number == value.number and not span.form:
                found.setdefault("number", span[:2])
    elif not value.days:
        wanted = normal(value.text)
        at = re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", plain) if wanted else None
        if at is not None:
            found["text"] = at.span()
    return found
