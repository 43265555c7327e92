"""Tables of an output: each of its lists with its rows, and the fields that stand beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.contract.patterns import is_blank
from engine.task.attachments import is_attachment

Leaf = tuple[str, Any]
_DEEPEST = 12
_SCALARS = (str, int, float, bool)


@dataclass(frozen=True)
class Table:
    """Rows of an output that stand alike: a list, or the single object beside and around the lists.

    Args:
        path: JSON path of the list; ``$`` for the single object.
        many: True for a list.
        sources: The rows as they are in the output.
    """

    path: str
    many: bool
    sources: Sequence[Any]

    def leaves_of(self, number: int) -> list[Leaf]:
        """Return the values of a row with their paths; without blank ones."""
        row = self.sources[number]
        return list(leaves(row, f"{self.path}[*]")) if self.many else list(_outer(row, self.path, [], 0))


def tables(output: Any) -> list[Table]:
    """Return the tables of an output, lists first, the longest first.

    >>> [(t.path, t.many, t.leaves_of(0)) for t in tables({"shop": "A", "books": [{"title": "B"}, {"title": "C"}]})]
    [('$.books', True, [('$.books[*].title', 'B')]), ('$', False, [('$.shop', 'A')])]
    """
    found: list[Table] = []
    outer = list(_outer(output, "$", found, 0))
    found.sort(key=lambda table: -len(table.sources))
    return [*found, Table("$", False, [output])] if outer else found


def _outer(value: Any, path: str, found: list[Table], depth: int) -> Iterator[Leaf]:
    """Yield the values outside of lists, and add the lists to ``found``."""
    if isinstance(value, list):
        found.append(Table(path, True, value))
    elif isinstance(value, Mapping) and not is_attachment(value) and depth < _DEEPEST:
        for name, part in value.items():
            yield from _outer(part, f"{path}.{name}", found, depth + 1)
    elif not is_blank(value) and not is_attachment(value):
        yield path, value


def leaves(value: Any, path: str, depth: int = 0) -> Iterator[Leaf]:
    """Yield the scalar values of a row with their paths; nested lists have one path for all their values."""
    if type(value) in _SCALARS:
        if not is_blank(value):
            yield path, value
    elif depth > _DEEPEST or is_attachment(value):
        return
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from leaves(part, f"{path}.{name}", depth + 1)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, f"{path}[*]", depth + 1)
    elif not is_blank(value):
        yield path, value


def files(value: Any, path: str = "$") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the saved files in a part of the output, with their paths."""
    if type(value) in _SCALARS:
        return
    if is_attachment(value):
        yield path, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from files(part, f"{path}.{name}")
    elif isinstance(value, list):
        for part in value:
            yield from files(part, f"{path}[*]")


def last_name(path: str) -> str:
    """Return the last name in a path.

    >>> last_name("$.books[*].price"), last_name("$[*]")
    ('price', '')
    """
    return path.replace("[*]", "").removeprefix("$").rpartition(".")[2]
