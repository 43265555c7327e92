"""The words by which a page says that a list goes on, and how many there are in all.

Both ideas come in two degrees. What is certain is evidence that a run read too little, so nothing else may pass for it.
What is possible stays visible when a page is shortened for the model, so none may be missed. All that is certain is
possible, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ARROWS = "\u203a\u00bb\u2192\u27e9\u276f"
# A label's first words, and what may follow them if the label is to say nothing else.
_NEXT = {
    "next": "( page| results)?",
    "older": "( posts| entries)?",
    "(?:load|show|view|see) more": r"\b.*",
    "more": "( results| items| posts)?",
    "weiter": "",
    "nächste": "( seite)?",
    "suivante?": "",
    "page suivante": "",
    "siguiente": "",
    "próxima": "",
    "avanti": "",
    "volgende": "",
    "次へ": "",
    "下一页": "",
}
_LABELS = "|".join(first + rest for first, rest in _NEXT.items())
NEXT_LABEL = rf"^[\s\u2039\u203a\u00ab\u00bb\u2192<>|.…]*(?:{_LABELS})[\s\u203a\u00bb\u2192>|.…]*$"
"""The whole label of a control that certainly leads on: a pattern for Python and JavaScript, in any case of letters."""
NEXT_ARROW = f"^(?:[{_ARROWS}]|>>?)$"
"""The whole text of a control that is an arrow: a pattern for both, too."""
MOST_DIGITS = 15
"""Digits of a total; a longer number counts nothing, and the host would not take it."""
NUMBER = r"(\d{1,3}(?:[.,'\u00a0\u202f ]\d{3})+|\d+)"
"""A number, perhaps in groups of three digits: a pattern of one group."""
_MAY_LEAD_ON = re.compile(
    rf"^\W*(?:{'|'.join(_NEXT)})(?!\w)|\bnext (page|results|\d+)\b|\b(load|show) (\d+ )?(more|all)\b"
    rf"|^\s*(?:[{_ARROWS}]+|>>?)\s*$",
    re.IGNORECASE,
)

_MOST_TOTALS = 20
_BLANK = r"[^\S\n\t]"  # within one line and cell: what begins another is of another element
# Any plural counts, but for measures: whoever compares a total looks at its wording too.
_NOUN = (
    r"(?!(?:seconds|minutes|hours|days|weeks|months|years|pages|stars|points|views|times|percent|reviews|comments)\b)"
    r"(?:[a-z-]{3,}s|entry|item|result|people|total|found)"
)
# All are tried at numbers alone: pages are long, and numbers in them few. These begin with one.
_COUNTS = (
    re.compile(
        r"\d+\s*(?:-|\u2013|\u2014|to)\s*\d+\s+(?:of|out of|from|von|sur|de|/)\s+(?:about\s+|over\s+)?"
        rf"{NUMBER}(?![\d.,]*\d)[^\n]{{0,30}}",
        re.I,
    ),
    re.compile(
        rf"(?<![-\u2013])\b\d+\s+(?:of|out of|from|von|sur|de|/)\s+(?:about\s+|over\s+)?{NUMBER}\s+[a-z][^\n]{{0,30}}",
        re.I,
    ),
    re.compile(rf"(?<![\d.,$€£/-])\b{NUMBER}{_BLANK}+(?:[a-z]+{_BLANK}+)?{_NOUN}\b(?: found)?", re.I),
)
_NAMES = ("total", "results", "items", "entries", "found")
_NAMED_COUNT = re.compile(rf"\b(?:{'|'.join(_NAMES)})\s*:?\s+{NUMBER}(?![\d.,]*\d)\b", re.I)
_BEFORE_NUMBER = 40  # characters in which its name is looked for
_DIGITS = re.compile(r"\d\d*")  # so written it looks for a digit at a third of the cost
_MAY_STATE_TOTAL = re.compile(
    r"\d[\d.,]*\+?\s+(results?|items?|entries|matches|records|rows|products|hits|total|found|pages?)\b|\bof\s+(about\s+)?\d"
    r"|\b(showing|results?|page|total)\b.{0,20}\d",
    re.IGNORECASE,
)


def may_lead_on(label: str) -> bool:
    """Return True if a control of this label may lead to more of a list.

    >>> may_lead_on("Next 20 towns"), may_lead_on("\u203a"), may_lead_on("Moreton")
    (True, True, False)
    """
    return _MAY_LEAD_ON.search(label) is not None


def may_state_total(text: str) -> bool:
    """Return True if a text may say how many there are.

    >>> may_state_total("Page 2 of 5"), may_state_total("Open 7 days")
    (True, False)
    """
    return re.search(r"\d", text) is not None and (bool(_MAY_STATE_TOTAL.search(text)) or bool(stated_totals(text)))


def stated_totals(text: str) -> list[tuple[str, int]]:
    """Return the places in a text that certainly state a total, each with the total; at most twenty.

    >>> stated_totals("Showing 1-10 of 1,247 results")
    [('1-10 of 1,247 results', 1247)]
    >>> stated_totals("Ada\\t600\\nStores person 1\\t601"), stated_totals("8\\tpackages")
    ([], [])
    """
    found: dict[int, tuple[str, int]] = {}  # by where the number stands: two patterns may see the same
    for match in _counts(text):
        total = re.sub(r"\D", "", match[1])
        if len(total) <= MOST_DIGITS:
            found.setdefault(match.start(1), (re.sub(r"\s+", " ", match[0]).strip()[:80], int(total)))
    return list(dict.fromkeys(found.values()))[:_MOST_TOTALS]


def _counts(text: str) -> Iterator[re.Match[str]]:
    numbers = [each.span() for each in _DIGITS.finditer(text)]
    for pattern in _COUNTS:
        done = 0
        for start, end in numbers:
            if done < end and (match := pattern.match(text, max(start, done))) is not None:
                done = match.end()
                yield match
    for start in (start for start, _ in numbers if text[start - 1 : start].isspace()):
        before = text[max(0, start - _BEFORE_NUMBER) : start]
        named = before.rstrip().removesuffix(":").rstrip()
        name = next(filter(named.casefold().endswith, _NAMES), "")
        match = _NAMED_COUNT.match(text, start - len(before) + len(named) - len(name)) if name else None
        if match is not None:
            yield match
