"""Tables as rows of cells, and pairs of a name and a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, NoReturn, TypeVar

from sandbox.web.errors import NotOnPage
from sandbox.web.found import Findable
from sandbox.web.inner_text import inner_text
from sandbox.web.roles import explicit_role
from sandbox.web.trees import Node, attribute, children, elements_in, squashed, walk

SELECTOR = 'table,[role="table"],[role="grid"],[role="treegrid"]'
_CELL_ROLES = frozenset({"cell", "gridcell", "columnheader", "rowheader"})
_TABLE_ROLES = frozenset({"table", "grid", "treegrid"})
_MOST_COLUMNS = 1_000  # as browsers span at most
_MOST_ABOVE = 20  # rows, of which one may be the header
_LONGEST = 1_000  # text of a header
_MOST_CELLS = 2_000_000


_Element = TypeVar("_Element", bound=Findable)


class Row(dict[str, str], Generic[_Element]):
    """A row of a table: texts by header; ``row.cells["Price"]`` is the element."""

    def __init__(self, element: Callable[[Node], _Element], names: list[str], line: list[Node]) -> None:
        cells = list(zip(names, line, strict=False))  # a row may be short
        self.cells = {name: element(node) for name, node in cells}
        super().__init__({**dict.fromkeys(names, ""), **{name: said(node) for name, node in cells}})

    def __missing__(self, name: str) -> NoReturn:
        raise NotOnPage(f"the table has no column {name!r}; it has: {', '.join(map(repr, self))}", reason="missing")


class Table(list[Row[_Element]], Generic[_Element]):
    """The rows of a table below its header.

    Attributes:
        headers: The names of its columns.
        apart: The rows that are no records, each one cell over all columns: group headings, totals, "nothing found".
        element: The table.
    """

    def __init__(self, element: Callable[[Node], _Element], node: Node, grid: list[list[Node]], header: int) -> None:
        self.headers = columns(grid[header])
        width = len(self.headers)
        below = [line for line in grid[header + 1 :] if line]
        self.apart = [element(line[0]) for line in below if is_apart(line, width)]
        self.element = element(node)
        super().__init__(Row(element, self.headers, line) for line in below if not is_apart(line, width))

    @property
    def text(self) -> str:
        """Its text."""
        return self.element.text

    def css(self, selector: str) -> Any:
        """Return the elements in it that a selector finds."""
        return self.element.css(selector)

    def was_taken(self, found: Any, at: int) -> None:
        """Take no note: a table is found by its headers, and only one is."""

    def describe(self) -> str:
        """Return its headers and its number of rows."""
        return f"table of {len(self)} rows with {' | '.join(self.headers)}"


def said(node: Node) -> str:
    """Return the text of a cell on one line."""
    return squashed(inner_text(node))


def grid_of(table: Node) -> list[list[Node]]:
    """Return the cells of a table's rows, each in all columns and rows that it spans."""
    grid: list[list[Node]] = []
    hanging: dict[int, tuple[Node, int]] = {}  # column -> a cell from above, and for how many more rows
    total = 0
    for row in _rows(table):
        line: list[Node] = []
        cells = iter(_cells(row))
        cell = next(cells, None)
        while cell is not None or len(line) in hanging:
            at = len(line)
            if at in hanging:
                above, rest = hanging.pop(at)
                line.append(above)
                if rest > 1:
                    hanging[at] = (above, rest - 1)
                continue
            assert cell is not None  # else the loop had ended
            wide, high = _span(cell, "colspan", _MOST_COLUMNS), _span(cell, "rowspan", 65_534)
            for column in range(at, min(at + wide, _MOST_COLUMNS)):
                line.append(cell)
                if high > 1:
                    hanging[column] = (cell, high - 1)
            cell = next(cells, None)
            if len(line) >= _MOST_COLUMNS:
                break
        total += len(line)
        if total > _MOST_CELLS:
            break
        grid.append(line)
    return grid


def header_row(grid: list[list[Node]], wanted: tuple[str, ...]) -> int | None:
    """Return the index of the first row that has all of these texts; of the first row at all where none is wanted."""
    sought = {squashed(each).lower() for each in wanted}
    for at, row in enumerate(grid[:_MOST_ABOVE]):
        if row and sought <= {_title(cell) for cell in row}:
            return at
    return None


def _title(cell: Node) -> str:
    """Return the text of a cell that may be a header; none of one with a table in it."""
    return squashed(inner_text(cell, most=_LONGEST)).lower() if cell.css_first("table") is None else ""


def columns(row: list[Node]) -> list[str]:
    """Return names for a header row's columns: a text that stands there again is numbered.

    Two header rows, or none, leave a column without text: it is ``column 3``.
    """
    found: list[str] = []
    for at, cell in enumerate(row, 1):
        name = said(cell) or f"column {at}"
        number = 2
        unique = name
        while unique in found:
            unique, number = f"{name} ({number})", number + 1
        found.append(unique)
    return found


def is_apart(row: list[Node], width: int) -> bool:
    """Return True for a row that is no record of its table: one cell over all columns, or no cell."""
    return not row or (width > 1 and len(row) > 1 and all(cell == row[0] for cell in row))


def pairs_in(node: Node) -> Iterator[tuple[Node, list[Node]]]:
    """Yield names and their values: rows of two cells, and terms with their descriptions."""
    for each, begins in walk(node):
        if not begins or not each.is_element_node:
            continue
        if each.tag == "tr":
            cells = list(_cells(each))
            if len(cells) == 2 and cells[1].tag != "th":
                yield cells[0], cells[1:]
        elif each.tag == "dt":
            values, after = [], each.next
            while after is not None and after.tag != "dt":
                if after.tag == "dd":
                    values.append(after)
                after = after.next
            if values:
                yield each, values


def _rows(table: Node) -> list[Node]:
    if table.tag == "table" and explicit_role(table) not in ("grid", "treegrid"):
        parts = [part for part in elements_in(table) if part.tag in ("tr", "thead", "tbody", "tfoot")]
        ordered = sorted(parts, key=lambda part: {"thead": 0, "tfoot": 2}.get(part.tag or "", 1))
        return [
            row for part in ordered for row in ([part] if part.tag == "tr" else elements_in(part)) if row.tag == "tr"
        ]
    found, stack = [], list(reversed(list(children(table))))
    while stack:
        node = stack.pop()
        if not node.is_element_node or explicit_role(node) in _TABLE_ROLES or node.tag == "table":
            continue
        if explicit_role(node) == "row" or node.tag == "tr":
            found.append(node)
        else:
            stack += reversed(list(children(node)))
    return found


def _cells(row: Node) -> Iterator[Node]:
    stack = list(reversed(list(elements_in(row))))
    while stack:
        node = stack.pop()
        if node.tag in ("td", "th") or explicit_role(node) in _CELL_ROLES:
            yield node
        elif row.tag != "tr":
            stack += reversed(list(elements_in(node)))


def _span(cell: Node, name: str, most: int) -> int:
    text = (attribute(cell, name) or attribute(cell, f"aria-{name}") or "").strip()
    return max(1, min(most, int(text))) if text.isdecimal() and len(text) < 7 else 1
