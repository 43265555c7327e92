"""Evidence of how a run read: by ambiguous locators, too early, not to the end of a list, from which responses.

The jail collects it; it is untrusted, as all that comes from a page.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.page_map import LONGEST_TEXT, PageMap, parse_map_text
from sandbox.protocol import checked_list, checked_row, checked_rows, checked_text, checked_whole

MOST_AMBIGUOUS = 20
MOST_NAMES = 10
MOST_STALE = 10
MOST_SOURCES = 4
BETWEEN_NAMES = " | "
"""The text between the names of an element, line by line, and that of the part of the page that it stands in."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A locator that a parameter names and that matched several elements, of which the automation took one.

    Args:
        locator: The locator, without the position by which one was taken.
        used: The name of the element that was used, line by line, and of the part of the page that it stands in,
            joined by " | ".
        count: The number of elements that match.
        names: The names of the first ten, likewise.
        parameter: The parameter that names it.
        text: What of the parameter's value the locator has in it.
    """

    locator: str
    used: str
    count: int
    names: tuple[str, ...]
    parameter: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class StaleRead:
    """Texts that were read both before and after an act that should have changed them, and were the same.

    Args:
        read: The locator or script by which they were read.
        act: The act between.
        texts: The number of texts.
    """

    read: str
    act: str
    texts: int


@dataclass(frozen=True)
class Scrolled:
    """A list before and after it was scrolled to its end, on the page as the run left it.

    Args:
        before: The number of rows that the page held.
        seen: The number of different rows that it showed on the way to its end.
        ended: The end was reached in the time for it.
        map: The page's map after that; None where it could not be taken.
    """

    before: int
    seen: int
    ended: bool
    map: PageMap | None = None

    @property
    def more(self) -> bool:
        """True where it had more rows than the page held at first."""
        return self.seen > self.before


@dataclass(frozen=True, slots=True)
class Source:
    """Responses that hold values of the output.

    Args:
        kind: ``JSON``, ``HTML`` or ``text``.
        method: The method by which they were asked for.
        path: The path of the first; the others differ in numbers and in their queries.
        count: The number of responses.
        percent: The share of the values that they hold, and no source before them.
    """

    kind: str
    method: str
    path: str
    count: int
    percent: int

    def __str__(self) -> str:
        several = f" ({self.count} of its kind)" if self.count > 1 else ""
        return f"{self.kind} {self.method} {self.path}{several} {self.percent} %"


def parse_sources(data: object) -> tuple[Source, ...]:
    """Parse `Source` from a worker.

    Raises:
        ProtocolError: It has another form.
    """
    return tuple(
        Source(_text(kind), _text(method), _text(path), checked_whole(count), checked_whole(percent))
        for kind, method, path, count, percent in checked_rows(data, 5, MOST_SOURCES)
    )


def parse_ambiguous(data: object) -> tuple[Ambiguous, ...]:
    """Parse `Ambiguous` from a worker.

    Raises:
        ProtocolError: It has another form.
    """
    found = []
    for locator, used, count, names, parameter, value in checked_rows(data, 6, MOST_AMBIGUOUS):
        shown = tuple(map(_text, checked_list(names, MOST_NAMES)))
        found.append(
            Ambiguous(_text(locator), _text(used), checked_whole(count), shown, _text(parameter), _text(value))
        )
    return tuple(found)


def parse_stale(data: object) -> tuple[StaleRead, ...]:
    """Parse `StaleRead` from a worker.

    Raises:
        ProtocolError: It has another form.
    """
    return tuple(StaleRead(_text(a), _text(b), checked_whole(n)) for a, b, n in checked_rows(data, 3, MOST_STALE))


def parse_scrolled(data: object) -> Scrolled | None:
    """Parse a `Scrolled` from a worker; None for null.

    Raises:
        ProtocolError: It has another form.
    """
    if data is None:
        return None
    before, seen, ended, text = checked_row(data, 4)
    return Scrolled(checked_whole(before), checked_whole(seen), ended is True, parse_map_text(text, {"more": True}))


def _text(value: object) -> str:
    return checked_text(value, LONGEST_TEXT)
