"""Labels for the map of a parsed page: the heads of a table's columns, and what form fields are called and hold.

The rules are those of `sandbox.inside.map_labels`, which a browser applies; tests hold the maps of both against each
other.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sandbox.web.labels import labels_of, referred
from sandbox.web.map_texts import plain, short, start_of
from sandbox.web.trees import Node, Tree, attribute, children, elements_in, lineage, tag_of, text_of

_LONGEST = 60
_MOST_SPANNED = 50
_MOST_ROWS = 1_000
_SECRET = re.compile(
    r"passw|pwd|passcode|\bpin\b|otp|token|secret|csrf|xsrf|nonce|session|viewstate|auth|cvv|cvc|csc|(card|cc).?n(um|o)",
    re.I,
)
_SECRET_HINT = re.compile(r"one-time-code|password|^cc-", re.I)
_CONTROLS = frozenset({"select", "textarea", "input"})
_SECTIONS = frozenset({"thead", "tbody", "tfoot"})
_CELLS = frozenset({"td", "th"})


def may_be_secret(*names: str) -> bool:
    """Return True for the names of a field that may hold a secret."""
    return _SECRET.search(" ".join(names)) is not None


def cells_of(row: Node) -> list[Node]:
    """Return the cells of a table's row."""
    return [cell for cell in elements_in(row) if tag_of(cell) in _CELLS]


def _span(cell: Node, name: str) -> int:
    found = (attribute(cell, name) or "").strip()
    return int(found) or 1 if found.isdecimal() else 1


class _Columns(NamedTuple):
    heads: list[str]
    at: dict[int, int] | None  # the column of each cell, by its memory, among cells that span rows


_NO_COLUMNS = _Columns([], None)


class Labels:
    """The labels of one page, each found once.

    Args:
        tree: The page.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._tables: dict[int, _Columns] = {}
        self._grids: dict[int, dict[int, str]] = {}

    def of_row(self, row: Node, cells: list[Node]) -> dict[int, str]:
        """Return the labels of the cells of a table's row: for each the head of its column, and that of the row."""
        above = row.parent
        around = () if above is None or tag_of(above) == "thead" else lineage(above)
        table = next((each for each in around if tag_of(each) == "table"), None)
        heads, at = self._columns_of(table) if table is not None else _NO_COLUMNS
        by_row = start_of(cells[0], _LONGEST) if cells and tag_of(cells[0]) == "th" else ""
        found, x = dict[int, str](), 0
        for cell in cells:
            known = cell.attributes
            if at is not None:
                x = at.get(cell.mem_id, x)
            label = heads[x] if x < len(heads) else ""
            if by_row and tag_of(cell) == "td":
                label = f"{label} / {by_row}" if label else by_row
            if not label and known:
                given = known.get("data-label") or known.get("data-title") or known.get("data-th") or ""
                label = short(given, _LONGEST)
            found[cell.mem_id] = label
            x += _span(cell, "colspan") if "colspan" in known else 1
        return found

    def _columns_of(self, table: Node) -> _Columns:
        columns = self._tables.get(table.mem_id)
        if columns is None:
            columns = self._tables[table.mem_id] = _columns(table)
        return columns

    def of_grid(self, cell: Node, position: int) -> str:
        """Return the head of a column of a grid that is no table."""
        grid = next((e for e in lineage(cell.parent) if attribute(e, "role") in ("grid", "treegrid", "table")), None)
        if grid is None:
            return ""
        heads = self._grids.get(grid.mem_id)
        if heads is None:
            heads, last = self._grids.setdefault(grid.mem_id, {}), 0
            for head in grid.css("[role=columnheader]")[:100]:
                last = whole(attribute(head, "aria-colindex") or "") or last + 1
                heads[last - 1] = short(attribute(head, "aria-label") or text_of(head), _LONGEST)
        return heads.get(position - 1, "")

    def of_definition(self, definition: Node) -> str:
        """Return the terms of a definition."""
        terms: list[str] = []
        before = definition.prev
        while before is not None and len(terms) < 3:
            if before.is_element_node:
                tag = tag_of(before)
                if tag == "dt":
                    terms.insert(0, start_of(before, _LONGEST))
                elif tag != "dd" or terms:
                    break
            before = before.prev
        return " / ".join(terms)

    def of_field(self, field: Node) -> str:
        """Return what a form field is called."""
        known = field.attributes
        given = known.get("aria-label") or " ".join(
            filter(None, (start_of(each, _LONGEST) for each in referred(self._tree, known.get("aria-labelledby"))))
        )
        if given:
            return short(given, _LONGEST)
        for label in labels_of(self._tree, field)[:1]:
            parts = (text_of(each) for each in children(label) if tag_of(each) not in _CONTROLS)
            if text := plain(" ".join(parts)):
                return short(text, _LONGEST)
        return short(known.get("placeholder") or known.get("name") or known.get("id") or "", _LONGEST)


def whole(text: str) -> int:
    """Return the whole number above zero that an attribute gives, else 0."""
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def is_secret(field: Node) -> bool:
    """Return True for a form field that may hold a secret."""
    known = field.attributes
    return (
        (known.get("type") or "").lower() == "password"
        or _SECRET_HINT.search(known.get("autocomplete") or "") is not None
        or may_be_secret(known.get("name") or "", known.get("id") or "")
    )


def _rows_of(table: Node) -> tuple[list[Node], list[Node], list[list[Node]]]:
    """Return the rows of a table's head, all rows, and those of each of its bodies."""
    head: list[Node] | None = None
    others: list[Node] = []
    foot: list[Node] = []
    bodies: list[list[Node]] = []
    for part in elements_in(table):
        tag = tag_of(part)
        if tag == "tr":
            others.append(part)
        elif tag in _SECTIONS:
            rows = [row for row in elements_in(part) if tag_of(row) == "tr"]
            if tag == "thead" and head is None:
                head = rows
            elif tag == "tfoot":
                foot += rows
            else:
                others += rows
                bodies.append(rows)
    return head or [], [*(head or []), *others, *foot], bodies


def _columns(table: Node) -> _Columns:
    head, rows, bodies = _rows_of(table)
    if not head:
        for row in rows[:3]:
            cells = cells_of(row)
            if not cells or any(tag_of(cell) != "th" for cell in cells):
                break
            head.append(row)
    heads = _grid(head[-4:])
    spanning = heads and len(rows) < _MOST_ROWS and table.css_first("td[rowspan], tbody th[rowspan]") is not None
    return _Columns(heads, _positions(bodies) if spanning else None)


def _grid(rows: list[Node]) -> list[str]:
    """Return the texts of the heads of columns, with what they span."""
    taken: set[tuple[int, int]] = set()
    found: dict[int, list[str]] = {}
    for y, row in enumerate(rows):
        x = 0
        for cell in cells_of(row):
            while (y, x) in taken:
                x += 1
            text = start_of(cell, _LONGEST)
            wide, high = min(_span(cell, "colspan"), _MOST_SPANNED), min(_span(cell, "rowspan"), len(rows) - y)
            for across in range(x, x + wide):
                taken.update((down, across) for down in range(y, y + high))
                column = found.setdefault(across, [])
                if text and text not in column:
                    column.append(text)
            x += wide
    return [" / ".join(found.get(x, ())) for x in range(max(found, default=-1) + 1)]


def _positions(bodies: list[list[Node]]) -> dict[int, int]:
    at: dict[int, int] = {}
    for rows in bodies:
        still: dict[int, int] = {}  # rows that a cell above reaches down to, by column
        for row in rows[:_MOST_ROWS]:
            x, begun = 0, dict[int, int]()
            for cell in cells_of(row):
                while still.get(x, 0) > 0:
                    x += 1
                at[cell.mem_id] = x
                for _ in range(min(_span(cell, "colspan"), _MOST_SPANNED)):
                    begun[x] = _span(cell, "rowspan")
                    x += 1
            still = {x: n - 1 for x, n in {**still, **begun}.items() if n > 1}
    return at
