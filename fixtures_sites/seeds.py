"""Changing data on the same site: seed 0 is the original data, seed 7 the site's data seven days later.

>>> from .directory.data import in_category
>>> with seeded(7):
...     in_category("joinery") == in_category("joinery", seed=0)
False
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

__all__ = ["current_seed", "next_day", "seeded"]

T = TypeVar("T")
_SEED: ContextVar[int] = ContextVar("seed", default=0)


def current_seed() -> int:
    """Return the seed of the current request."""
    return _SEED.get()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Give all sites the data of ``seed`` within the block, on this thread."""
    token = _SEED.set(seed)
    try:
        yield
    finally:
        _SEED.reset(token)


def next_day(
    seed: int,
    site: str,
    before: Sequence[T],
    *,
    come: Callable[[random.Random, list[T]], T | None],
    change: Callable[[random.Random, T], T],
    turnover: float = 0.02,
) -> tuple[T, ...]:
    """Return the entries of day ``seed``, from those of the day before: a few leave, a few are new, a few change.

    On one day in fifteen, ten times as many do.

    Args:
        site: The site's name; each site changes in its own way.
        before: The entries of the day before.
        come: Makes a new entry, or returns None if there is none.
        change: Returns the entry with one change.
        turnover: Share of the entries that leave on a day; about as many are new.
    """
    chance = random.Random(f"{seed}/{site}")
    much = 10 if chance.random() < 1 / 15 else 1
    kept = [each for each in before if chance.random() >= turnover * much]
    kept = [change(chance, each) if chance.random() < 0.03 * min(much, 5) else each for each in kept]
    for _ in range(round(len(before) * turnover * much + chance.random())):
        if (new := come(chance, kept)) is not None:
            kept.append(new)
    return tuple(kept)
