"""The output of a task as a table, each value with the place where it stood."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.contract import Origin
from engine.task.formatting import clean
from engine.task.text import shorten

MOST_ROWS = 200
_COLUMNS = 40
_MOST_CHARACTERS = 1_500_000  # of the rows after the first
_LONGEST = 300  # characters of a cell
_VALUE = "value"


@dataclass(frozen=True)
class Cell:
    """A value as text.

    Args:
        text: The text; empty for null.
        path: Its path in the output.
        number: A number, which is aligned to the right.
        origin: Where it stood; None where that is not known, or nowhere.
    """

    text: str
    path: str
    number: bool = False
    origin: Origin | None = None


@dataclass(frozen=True)
class OutputTable:
    """A list of the output, or the output's plain fields.

    Args:
        path: Its path in the output.
        columns: The names of its columns.
        rows: The first rows.
        count: The number of all its rows.
        more: The rows after these as texts, as many as a report holds.
    """

    path: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    count: int
    more: Sequence[Sequence[str]] = ()

    @property
    def shown(self) -> int:
        """The number of rows that the report holds."""
        return len(self.rows) + len(self.more)


def tables_of(output: Any, origins: Mapping[str, Origin]) -> list[OutputTable]:
    """Return an output as tables: a list is one; an object is one of its plain fields, and one for each list in it.

    Args:
        output: The output.
        origins: Where its values stood, by path.

    >>> (table,) = tables_of([{"name": "Ann", "age": 7}], {})
    >>> table.columns, [cell.text for cell in table.rows[0]]
    (('name', 'age'), ['Ann', '7'])
    """
    if isinstance(output, Mapping):
        plain = {name: value for name, value in output.items() if not _is_list(value)}
        lists = {name: value for name, value in output.items() if _is_list(value)}
        found = [_table("$", [plain], origins, many=False)] if plain else []
        return found + [_table(f"$.{name}", value, origins) for name, value in lists.items()]
    return [_table("$", output if _is_list(output) else [output], origins, many=_is_list(output))]


def _table(path: str, rows: Sequence[Any], origins: Mapping[str, Origin], *, many: bool = True) -> OutputTable:
    shown = rows[:MOST_ROWS]
    objects = [row for row in shown if isinstance(row, Mapping)]
    columns = tuple(dict.fromkeys(str(name) for row in objects for name in row))[:_COLUMNS]
    if len(objects) < len(shown):
        columns = (*columns, _VALUE)
    cells = []
    for number, row in enumerate(shown):
        at = f"{path}[{number}]" if many else path
        if isinstance(row, Mapping):
            cells.append([_cell(row.get(name), f"{at}.{name}", origins) for name in columns])
        else:
            cells.append([_cell(row if name == _VALUE else None, at, origins) for name in columns])
    return OutputTable(path, columns, cells, len(rows), _more(rows[MOST_ROWS:], columns))


def _more(rows: Sequence[Any], columns: Sequence[str]) -> list[list[str]]:
    """Return rows as texts, until they are too long for a report."""
    found: list[list[str]] = []
    left = _MOST_CHARACTERS
    for row in rows:
        plain = row if isinstance(row, Mapping) else {_VALUE: row}
        texts = [clean(_text(plain.get(name))) for name in columns]
        left -= sum(len(text) + 3 for text in texts)
        if left < 0:
            break
        found.append(texts)
    return found


def _cell(value: Any, path: str, origins: Mapping[str, Origin]) -> Cell:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Cell(_text(value), path, number, origins.get(path))


def _text(value: Any) -> str:
    text = (
        value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    )
    return shorten(text, _LONGEST)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
