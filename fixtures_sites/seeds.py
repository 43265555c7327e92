"""Other data on the same site: seed 7 is the site seven days later. Seed 0 is the data that everybody knows.

>>> from fixtures_sites.directory.data import in_category
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

__all__ = ["course", "current_seed", "seeded"]

T = TypeVar("T")
_SEED: ContextVar[int] = ContextVar("seed", default=0)


def current_seed() -> int:
    """The seed of the request that is being answered."""
    return _SEED.get()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within the block, the sites' data are those of ``seed``, on this thread."""
    token = _SEED.set(seed)
    try:
        yield
    finally:
        _SEED.reset(token)


def course(
    seed: int,
    site: str,
    before: Sequence[T],
    *,
    come: Callable[[random.Random, list[T]], T | None],
    change: Callable[[random.Random, T], T],
    turnover: float = 0.02,
) -> tuple[T, ...]:
    """The entries of day ``seed``, given those of the day before: a few leave, a few come, a few change.

    One day in fifteen has ten times as much of it.

    Args:
        site: Whose; each site has a course of its own.
        come: A new entry, or None where there is none to be had.
        change: The same entry, changed in one thing.
        turnover: Share of entries that leave on a day, and about as many come.
    """
    chance = random.Random(f"{seed}/{site}")
    much = 10 if chance.random() < 1 / 15 else 1
    kept = [each for each in before if chance.random() >= turnover * much]
    kept = [change(chance, each) if chance.random() < 0.03 * min(much, 5) else each for each in kept]
    for _ in range(round(len(before) * turnover * much + chance.random())):
        if (new := come(chance, kept)) is not None:
            kept.append(new)
    return tuple(kept)
