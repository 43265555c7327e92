"""How regular expressions of others repeat: whether one may be tried on long texts without taking for ever."""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants, _parser  # type: ignore[attr-defined]  # private, the only parser there is
from typing import Any, NamedTuple

_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)
_MANY = 100  # as good as without end


class Repetition(NamedTuple):
    """Of an expression: how many parts repeat without end, and how deep these are nested in one another.

    Two that follow each other take the square of the text's length, three its cube; nested ones can take for ever, and
    so can a repetition of alternatives: they count as one that is nested.
    """

    number: int
    depth: int


def repetition(pattern: str) -> Repetition:
    """How an expression repeats.

    Raises:
        re.error: It is none.

    >>> repetition(r"^\\d+ of \\d+$"), repetition("^(a+)+$")
    (Repetition(number=2, depth=1), Repetition(number=2, depth=2))
    """
    depths = list(_depths(_parse(pattern), 0))
    return Repetition(len(depths), max(depths, default=0))


def _parse(pattern: str) -> Any:
    try:
        return _parser.parse(pattern)
    except (OverflowError, RecursionError) as error:
        raise re.error(str(error), pattern) from None


def _depths(node: Any, depth: int) -> Iterator[int]:
    """The depth of each endless repetition."""
    if isinstance(node, tuple) and len(node) == 2 and node[0] in _REPEATS:
        (_, most, inner) = node[1]
        if most is _constants.MAXREPEAT or most >= _MANY:
            depth += 1
            yield depth
        yield from _depths(inner, depth)
    elif isinstance(node, tuple) and len(node) == 2 and node[0] is _constants.BRANCH:
        if depth:
            yield depth + 1
        yield from _depths(node[1], depth)
    elif isinstance(node, (tuple, list, _parser.SubPattern)):
        for part in node:
            yield from _depths(part, depth)
