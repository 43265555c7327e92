"""Elements that a candidate takes by their position out of several that a parameter names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from engine.contract import Observed
from engine.task.text import collapse, comparable, shorten
from sandbox.read_evidence import BETWEEN_NAMES, Ambiguous

Choice = Literal["other", "alike", "first"]
_COUNT = re.compile(r"[\s(]*\b\d+\)?$")  # "Plumbing (12)" is called Plumbing
_EXACTLY = "name it exactly (exact=True, or a pattern of the whole text), or by what tells it apart"


def choice_of(found: Ambiguous) -> Choice:
    """Return what was taken: another element than the one so named, one of several alike, or just the first.

    >>> def taken(used: str, other: str) -> Choice:
    ...     return choice_of(Ambiguous("text=Newport", used, 2, (used, other), "station", "Newport"))
    >>> taken("Newport Pagnell", "Newport"), taken("Newport", "Newport"), taken("Newport", "Newport Pagnell")
    ('other', 'alike', 'first')
    """
    if not any(bears(name, found.text) for name in others_of(found)):
        return "first"
    return "alike" if bears(found.used, found.text) else "other"


def others_of(found: Ambiguous) -> list[str]:
    """Return the names of the elements that were not taken."""
    names = list(found.names)
    if found.used in names:
        names.remove(found.used)
    return names


def bears(name: str, text: str) -> bool:
    """Return True where a text is the whole name of an element, or the whole of a part of it, but for a count.

    >>> bears("Plumbing (12)", "plumbing"), bears("Newport Pagnell", "Newport"), bears("Oslo | Norway", "Oslo")
    (True, False, True)
    """
    wanted, parts = comparable(text), map(comparable, (name, *name.split(BETWEEN_NAMES)))
    return any(wanted in (part, _COUNT.sub("", part)) for part in parts)


def other_elements(run: Observed) -> Iterator[str]:
    """Yield where an element of another name than the parameter's was taken, though one of its name was there."""
    for each, choice in _choices(run):
        if choice == "other":
            yield (f"{_matched(each)}, and the one that is taken by its position is {_shown(each.used)}: {_EXACTLY}")


def first_elements(run: Observed) -> Iterator[str]:
    """Yield where it happens to be the right one, perhaps: with another value, or tomorrow, it may be another."""
    for each, choice in _choices(run):
        if choice == "alike":
            yield f"{_matched(each, 'are named')}, and one is taken by its position: {_EXACTLY}"
        elif choice == "first":
            others = ", ".join(map(_shown, others_of(each)[:2]))
            yield (
                f"{_matched(each)}, and {_shown(each.used)} is taken by its position; others are {others}: {_EXACTLY}"
            )


def _choices(run: Observed) -> Iterator[tuple[Ambiguous, Choice]]:
    for each in run.evidence.ambiguous:
        if each.parameter in run.parameters:
            yield each, choice_of(each)


def _matched(found: Ambiguous, how: str = "match") -> str:
    return f"{found.count} elements {how} {found.text!r} (the parameter {found.parameter!r})"


def _shown(name: str) -> str:
    return repr(shorten(collapse(name), 60))
