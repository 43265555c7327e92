"""Texts without their values: parameters and the row's own values as placeholders, digits masked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.contract.provenance.spellings import MONTH, dates, day_of, normal

_MARKS = re.compile(r"[\u25b2\u25bc\u2191\u2193\u2195\u203a\u2039*:]")
_DIGITS = re.compile(r"[-\u2212]?\d[\d.,]*")
_CALENDAR = re.compile(
    rf"(?<!\w)(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{{0,6}}\.?,? )?(?:# )?{MONTH}\.?,? #(?:,? #)?(?!\w)"
    rf"|(?<=# ){MONTH}(?!\w)"
)
BETWEEN = " | "
"""The text between headings that stand within one another."""
_SHORTEST = 2  # characters of a parameter that is looked for in texts
_SHORTEST_OWN = 3  # characters of a row's value that is looked for in headings


def _plain(value: Any) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [text for part in value for text in _plain(part)]
    if isinstance(value, bool) or value is None or isinstance(value, Mapping):
        return []
    return [normal(str(value))]


def _spelled(value: str) -> str:
    """Return a pattern for a value in the singular or plural, its words apart by any marks."""
    words = re.findall(r"\w+", value.replace("_", " "))
    if not words:
        return re.escape(value)
    between = r"[\W_]{1,3}(?:(?:and|und|et|y|e)[\W_]+)?"
    last = words[-1]
    stem = last[:-1] if len(last) > 3 and last.endswith("s") and not last.endswith("ss") else last
    plural = r"(?:e?s)?" if last.isalpha() and len(last) > 2 else ""
    return between.join([*(re.escape(w) for w in words[:-1]), re.escape(stem) + plural])


class Lens:
    """The view of texts in which a run's parameters are placeholders.

    Args:
        parameters: The run's parameters, secrets left out.

    >>> lens = Lens({"category": "home-garden", "day": "2025-03-04"})
    >>> lens.mask("12 results in Home & Garden: 4 March 2025")
    '# results in {category} {day}'
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.values = [
            (name, text) for name, value in parameters.items() for text in _plain(value) if len(text) >= _SHORTEST
        ]
        self.values.sort(key=lambda pair: -len(pair[1]))
        self._patterns = [(n, re.compile(rf"(?<!\w){_spelled(text)}(?!\w)")) for n, text in self.values]
        self._days = {day: name for name, text in self.values if (day := day_of(text)) is not None}
        self._plain: dict[str, str] = {}
        self._masked: dict[tuple[str, bool], str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters that texts can name."""
        return tuple(dict.fromkeys(name for name, _ in self.values))

    def mask(self, text: str, *, digits: bool = True) -> str:
        """Return a text in the form in which texts of several runs are compared."""
        key = (text, digits)
        known = self._masked.get(key)
        if known is None:
            known = self._masked[key] = self._mask(text, digits=digits)
        return known

    def _mask(self, text: str, *, digits: bool) -> str:
        plain = normal(_MARKS.sub(" ", text))
        if not plain:
            return ""
        plain = self._with_names(plain)
        if digits and any(c.isdigit() for c in plain):
            plain = _CALENDAR.sub("#", _DIGITS.sub("#", plain))
        return " ".join(plain.split())

    def _with_names(self, plain: str) -> str:
        if self._days:
            for day, span in sorted(dates(plain), key=lambda found: -found[1].begin):
                if day in self._days:
                    plain = f"{plain[: span.begin]}{{{self._days[day]}}}{plain[span.end :]}"
        for name, pattern in self._patterns:
            plain = pattern.sub(f"{{{name}}}", plain)
        return plain

    def named_in(self, text: str) -> frozenset[str]:
        """Return the parameters that a text names."""
        masked = self.mask(text, digits=False)
        if "{" not in masked:
            return frozenset()
        return frozenset(name for name in self.names if f"{{{name}}}" in masked)

    def heading(self, headings: Iterable[str], own: Sequence[str]) -> str:
        """Return headings as one text, with the row's own values as placeholders.

        Args:
            own: The values, as `own_values` gives them.
        """
        return BETWEEN.join(self._heading(text, own) for text in headings)

    def _heading(self, text: str, own: Sequence[str]) -> str:
        plain = self._plain.get(text)
        if plain is None:
            plain = self._plain[text] = normal(_MARKS.sub(" ", text))
        if not any(value in plain for value in own):
            return self.mask(text)
        for value in own:
            if value in plain and (len(value) > _SHORTEST_OWN or plain == value):
                plain = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "{value}", self._with_names(plain))
        return self.mask(plain)


def own_values(values: Iterable[Any]) -> tuple[str, ...]:
    """Return a row's texts as they are looked for in headings, the longest first."""
    found = {normal(value) for value in values if isinstance(value, str)}
    return tuple(sorted((v for v in found if len(v) >= _SHORTEST_OWN), key=lambda v: (-len(v), v)))
