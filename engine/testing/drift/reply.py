"""A site's answer, for mutations to read and change."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from bs4 import BeautifulSoup, Tag

from engine.testing.drift.marks import Marks

PAGING = frozenset({"page", "p", "offset", "from", "start", "after", "skip", "cursor"})
"""Query parameters for pagination."""


@dataclass(frozen=True)
class Layout:
    """The layout of a site's list, as far as it cannot be guessed.

    Args:
        columns: For each field of the output, the head of its column, or its key in a JSON answer.
        key: The field that names a row.
        alike: Two fields of like type, for the mutation that swaps them.
        sparse: A field that may be missing.
        keep: Labels that are not translated, because parameters name them.
        marks: The places of the fields on pages of any make, for mutations of what a page means.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    alike: tuple[str, str] | None = None
    sparse: str = ""
    keep: tuple[str, ...] = ()
    marks: Marks | None = None

    def column(self, name: str) -> str:
        """Return the head of a field's column."""
        return self.columns.get(name, "")


@dataclass
class Reply:
    """One answer on its way to the browser.

    Args:
        target: Requested path and query.
        memory: Kept from answer to answer, until another mutation is set.
        fetch: Returns the text of another page of the site, unchanged.
    """

    method: str
    target: str
    status: int
    content_type: str
    body: bytes
    layout: Layout
    memory: dict[str, Any]
    fetch: Callable[[str], str] | None = None

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    @property
    def is_html(self) -> bool:
        """True if the answer is an HTML page."""
        return self.content_type.startswith("text/html") and self.status < 300

    @property
    def is_json(self) -> bool:
        """True if the answer is JSON data."""
        return "json" in self.content_type and self.status < 300

    def put_html(self, page: Tag) -> None:
        """Replace the body by a page."""
        self.body = str(page).encode()

    def put_json(self, data: Any) -> None:
        """Replace the body by JSON."""
        self.body = json.dumps(data, ensure_ascii=False).encode()


def parse(html: str) -> BeautifulSoup:
    """Parse a page."""
    return BeautifulSoup(html, "html.parser")


@dataclass
class Table:
    """The list on a page: its table with the most rows."""

    element: Tag
    head: list[Tag]
    rows: list[Tag]

    def index(self, head: str) -> int | None:
        """Return the index of the column with this head; None if there is none."""
        names = [re.sub(r"[▲▼\s]+$", "", text(cell)) for cell in self.head]
        return names.index(head) if head and head in names else None

    @property
    def body(self) -> Tag:
        """The element that holds the rows."""
        parent = self.rows[0].parent
        assert parent is not None, "a row has its place in a table"
        return parent

    def every_row(self) -> Iterator[list[Tag]]:
        """Yield the cells of the head's row, of each row, and of each row of the footer."""
        yield self.head
        for row in [*self.rows, *self.element.select("tfoot tr")]:
            yield cells(row)

    def key(self, row: Tag, layout: Layout) -> str:
        """Return the text that names a row."""
        at = self.index(layout.column(layout.key)) or 0
        cell = cells(row)[at]
        link = cell.find("a")
        return text(link if isinstance(link, Tag) else cell)


def table(page: Tag) -> Table | None:
    """Return the largest table that has a head and at least two rows with as many cells; None if there is none."""
    best: Table | None = None
    for element in page.select("table"):
        heads = element.select("thead tr")
        if len(heads) != 1:
            continue
        head = cells(heads[0])
        rows = [row for row in element.select("tbody tr") if len(cells(row)) == len(head)]
        if len(rows) >= 2 and len(head) >= 2 and (best is None or len(rows) > len(best.rows)):
            best = Table(element, head, rows)
    return best


def cells(row: Tag) -> list[Tag]:
    """Return the cells of a table's row."""
    return [child for child in row.find_all(["td", "th"], recursive=False) if isinstance(child, Tag)]


def text(element: Tag) -> str:
    """Return an element's text on one line."""
    return re.sub(r"\s+", " ", element.get_text()).strip()


def items(data: Any) -> list[dict[str, Any]]:
    """Return the longest list of objects in a JSON answer, not a copy of it; an empty list if there is none."""
    found: list[list[dict[str, Any]]] = []

    def look(value: Any) -> None:
        if isinstance(value, list):
            if value and all(isinstance(each, dict) for each in value):
                found.append(value)
            for each in value:
                look(each)
        elif isinstance(value, dict):
            for each in value.values():
                look(each)

    look(data)
    return max(found, key=len, default=[])


def without(target: str, names: frozenset[str], *, only: bool = False) -> str:
    """Return the target without the query parameters of these names; with ``only``, without all others."""
    url = urlsplit(target)
    kept = [(name, value) for name, value in parse_qsl(url.query, keep_blank_values=True) if (name in names) == only]
    return url._replace(query=urlencode(kept)).geturl()
