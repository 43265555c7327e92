"""Units, currencies and limiting words: how much a change of wording may mean."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

Weight = Literal["", "explained", "unknown", "other"]
"""The meaning of a change of words: none; the task explains it; words of unknown meaning; another unit or limit."""

MONEY_SIGNS = "£€$¥₹"
_MONEY: dict[str, str] = {
    "gbp": "£ gbp pound pounds sterling",
    "eur": "€ eur euro euros",
    "usd": "$ usd us$ dollar dollars",
    "chf": "chf fr. franken",
    "jpy": "¥ jpy yen",
    "inr": "₹ inr rupee rupees rs",
    "cad": "cad ca$ c$",
    "aud": "aud au$ a$",
    "sek": "sek kr",
    "pln": "pln zł",
    "cent": "ct cent cents pence",
}
CURRENCIES = frozenset(_MONEY)
_MEASURES: dict[str, str] = {
    "kg": "kg kilogram kilograms kilos kilogramm",
    "g": "g gram grams gramm",
    "lb": "lb lbs pound-mass",
    "oz": "oz ounce ounces",
    "t": "tonne tonnes",
    "km": "km kilometers kilometres kilometer",
    "mi": "mi mile miles",
    "m": "m metre metres meter meters",
    "cm": "cm centimeter centimeters centimetres",
    "mm": "mm millimeters millimetres",
    "in": "inch inches",
    "ft": "ft feet foot",
    "l": "l litre litres liter liters",
    "ml": "ml",
    "gal": "gal gallon gallons",
    "%": "% percent",
    "°c": "°c celsius",
    "°f": "°f fahrenheit",
    "thousand": "k tsd thousand thousands",
    "million": "mio mln million millions",
    "min": "min mins minute minutes",
    "h": "h hrs hour hours",
    "s": "sec secs second seconds",
    "day": "days tage jours",
    "kb": "kb kib",
    "mb": "mb mib",
    "gb": "gb gib",
    "mph": "mph",
    "km/h": "kmh km/h kph",
}
_UNITS = {word: unit for unit, words in (_MONEY | _MEASURES).items() for word in words.split()}
_CHARGES = "delivery|postage|handling|fees?|charges?|service|insurance|versand|porto|gebühren|livraison|frais"
_LIMITS = re.compile(
    r"(?<!\w)(from|starting at|starts at|ab|dès|desde|da|à partir de|vanaf|excl\w*|exkl\w*|ex|incl\w*|inkl\w*|net|netto"
    r"|gross|brutto|per|pro|each|par|monthly|yearly|weekly|daily|annually|month|week|year|night|monat|jahr|woche|was|old"
    r"|before|previously|rrp|msrp|uvp|statt|list price|you save|save|members?|deposit|approx\w*|about|circa|ca|roughly"
    r"|up to|bis zu|at least|mindestens|over|under|max|vat|mwst|tax|taxes|estimated|est|shipping|plus|minus"
    rf"|(?:with|without|mit|ohne|avec|sans) (?:the )?(?:{_CHARGES}))(?!\w)"
)
_RANGE = re.compile(
    r"\{v\}(?:[^{}#]{0,20}\b(?:to|bis|à|al|tot|till|until)\b|[^\w{}#]{0,3}[-\u2013\u2014])[^\w{}#]{0,4}#"
    r"|#(?:[^{}#]{0,20}\b(?:to|bis|à|al|tot|till|until)\b|[^\w{}#]{0,3}[-\u2013\u2014])[^\w{}#]{0,4}\{v\}"
)
_PROSE_WORDS = (
    "from each per about over under was old plus minus save before month week year night shipping pro da ca ab par"
)
_PROSE = frozenset(_PROSE_WORDS.split())  # limits that a task may have in its sentences without meaning a field
_SIGNS = re.compile(r"[\u00d7+\u00b1~<>\u2265\u2264\u2248]")
_WORD = re.compile(rf"[{MONEY_SIGNS}%]|°[cf](?!\w)|km/h|us\$|[^\W\d_]+(?:-mass)?")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_SMALL_WORDS = (
    "on of the by in at a an and all our for no nr is are to with der die das den im am von"
    " für und le la les de des du el los las di il your this these"
)
_SMALL = frozenset(_SMALL_WORDS.split())
_SHORT_SAYING = 30  # characters
_BLAND = frozenset(
    stem
    for words in (
        "detail details overview information info specification specifications result results summary description list",
        "search found browse view show showing shown here now right currently current welcome page available main",
        "general data table more see details entry entries item items product products value values",
    )
    for stem in words.split()
)
_SYNONYMS = (
    "price cost amount", "name title", "town city place location", "phone telephone tel", "email mail",
    "quantity qty", "number no nr count", "date day", "stock availability available", "rating score stars",
    "author writer by", "company business firm", "description details about", "category section topic",
    "result match hit found item entry record row product listing", "due deadline", "published posted",
    "address street", "id reference ref", "status state",
)  # fmt: skip
_SYNONYM = {word: words.split()[0] for words in _SYNONYMS for word in words.split()}


class Senses(NamedTuple):
    """The meaning of words around a value: units, words that limit it, and other words."""

    units: frozenset[str]
    limits: frozenset[str]
    words: frozenset[str]


@lru_cache(maxsize=4096)
def senses(*texts: str) -> Senses:
    """Return what texts around a value say; placeholders say nothing.

    >>> senses("from £{v} per kg").units == {"gbp", "kg"}, sorted(senses("from £{v} per kg").limits)
    (True, ['from', 'per'])
    """
    whole = " | ".join(texts).casefold()
    text = _PLACEHOLDER.sub(" ", whole)
    limits = {found[1] for found in _LIMITS.finditer(text)} | set(_SIGNS.findall(text))
    if _RANGE.search(whole):
        limits.add("to")  # the value is one end of what the page says
    words = _WORD.findall(text)
    units = {_UNITS[word] for word in words if word in _UNITS}
    inside = {part for limit in limits for part in limit.split()}
    rest = {stem(w) for w in words if w not in _UNITS and w not in inside and w not in _SMALL}
    return Senses(frozenset(units), frozenset(limits), frozenset(rest))


def stem(word: str) -> str:
    """Return a word in the singular, and one of several with the same meaning.

    >>> stem("prices"), stem("cost"), stem("cities")
    ('price', 'price', 'town')
    """
    single = f"{word[:-3]}y" if len(word) > 4 and word.endswith("ies") else word
    single = single[:-1] if len(single) > 3 and single.endswith("s") and not single.endswith("ss") else single
    return _SYNONYM.get(word) or _SYNONYM.get(single, single)


@lru_cache(maxsize=4096)
def only_units(text: str) -> bool:
    """Return True for a text that says nothing but a unit or a limit: "£", "per month", "from".

    >>> only_units("per month"), only_units("€"), only_units("In stock"), only_units("3 kg")
    (True, True, False, False)
    """
    if len(text) > _SHORT_SAYING or any(c.isdigit() for c in text):
        return False
    said = senses(text)
    return bool(said.units or said.limits) and not said.words


def says_units(text: str) -> bool:
    """Return True for a short text that says a unit or a limit among other words: "each, pack of 10".

    >>> says_units("each, pack of 10"), says_units("In stock")
    (True, False)
    """
    said = senses(text)
    return len(text) <= _SHORT_SAYING and bool(said.units or said.limits)


@lru_cache(maxsize=4096)
def words_of(name: str) -> frozenset[str]:
    """Return the words of a field's name or of a text, in the singular.

    >>> sorted(words_of("weightKg")), sorted(words_of("$.books[*].unit_price"))
    (['kg', 'weight'], ['book', 'price', 'unit'])
    """
    return frozenset(stem(w) for w in name_parts(name) if len(w) > 1 and w not in _SMALL)


def name_parts(name: str) -> list[str]:
    """Return the words that a name is made of, in lower case.

    >>> name_parts("pickupDate"), name_parts("unit_price2")
    (['pickup', 'date'], ['unit', 'price'])
    """
    return re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold())


def change(old: Iterable[str], new: Iterable[str], about: Collection[str] = (), named: Collection[str] = ()) -> Weight:
    """Return how much it means that a value is told by other words.

    Args:
        old: The words that it was told by: label, wording.
        new: Those of now.
        about: Words of the task.
        named: Words of the field's name.

    >>> change(["price", "£{v}"], ["price", "{v} gbp"]), change(["price", "£{v}"], ["price", "€{v}"])
    ('', 'other')
    >>> change(["weight"], ["weight (kg)"], {"kg"}), change(["due"], ["deadline"]), change(["due"], ["issued"])
    ('explained', '', 'unknown')
    """
    was, now = senses(*old), senses(*new)
    told = {_UNITS.get(word, word) for word in (*about, *named)}
    # A unit that the task names may be written where none was, but not in place of another.
    new = now.units - was.units - (told if not was.units else {_UNITS.get(word, word) for word in named})
    limits = {*named, *(word for word in about if word not in _PROSE)}
    if new or now.limits - was.limits - limits:
        return "other"
    if was.units - now.units - told:
        return "unknown"  # it may stand elsewhere now, once for all values
    fresh = now.words - was.words
    if was.limits - now.limits - limits or fresh - {stem(word) for word in (*about, *named, *_BLAND)}:
        return "unknown"
    same = was.units == now.units and was.limits == now.limits
    return "" if same and not fresh else "explained"
