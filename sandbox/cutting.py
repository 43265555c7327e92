"""Cutting of printed values, each in its middle, so that none displaces another."""

from __future__ import annotations

from collections.abc import Sequence

_MOST_PARTS = 500
_LEAST = 160  # characters of a value that are worth showing
_MARK = "… {} characters cut …"


def cut(text: str, limit: int) -> str:
    """Cut the middle out of a text that is longer than ``limit`` characters.

    >>> cut("a" * 100 + "b" * 100, 20)
    'aaaaaaaaaaaaaaa… 180 characters cut …bbbbb'
    """
    if len(text) <= limit:
        return text
    mark = _MARK.format(len(text) - limit)
    return f"{text[: limit - limit // 4]}{mark}{text[len(text) - limit // 4 :]}"


def cut_each(values: Sequence[str], limit: int) -> list[str]:
    """Cut the longest of some values until all have at most about ``limit`` characters; short ones stay whole.

    Where they are too many for that, those in the middle go.

    >>> cut_each(["x" * 5000, "short", "y" * 3000], 1000)[1]
    'short'
    """
    share = _share([len(value) for value in values], limit)
    if share >= min(_LEAST, limit):
        return [cut(value, share) for value in values]
    kept: dict[int, str] = {}
    for room, order in ((limit * 3 // 4, range(len(values))), (limit // 4, range(len(values) - 1, -1, -1))):
        for at in order:
            value = kept.get(at) or cut(values[at], _LEAST)
            if at in kept or len(value) > room:
                break
            kept[at] = value
            room -= len(value)
    gap = next((at for at in range(len(values)) if at not in kept), None)
    return [_gap(values, kept) if at == gap else kept.get(at, "") for at in range(len(values))]


def lengths(values: Sequence[str]) -> list[int]:
    """Return the lengths of values, or one for all together where they are very many."""
    found = [len(value) for value in values if value]
    return found if len(found) <= _MOST_PARTS else [sum(found)]


def _gap(values: Sequence[str], kept: dict[int, str]) -> str:
    missing = [value for at, value in enumerate(values) if at not in kept]
    return f"… {len(missing)} values of {sum(map(len, missing))} characters cut …\n"


def _share(sizes: Sequence[int], limit: int) -> int:
    """Return the most characters of one value with which all fit."""
    rest, left = limit, len(sizes)
    for size in sorted(sizes):
        if size * left > rest:
            return rest // left
        rest -= size
        left -= 1
    return limit
