"""Other data on the same site: each seed is the site on another day. Seed 0 is the data that everybody knows.

>>> from fixtures_sites.directory.data import in_category
>>> with seeded(7):
...     len(in_category("joinery")) == len(in_category("joinery", seed=0))
False
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Day", "current_seed", "seeded"]

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


class Day:
    """How a list changes to another day: entries go, new ones come, and now and then nothing is left.

    Args:
        seed: The day.
        site: Whose; each site has a course of its own.
    """

    def __init__(self, seed: int, site: str) -> None:
        self.random = random.Random(f"{seed}/{site}")
        self._gone = self.random.uniform(0, 0.5)
        self._growth = 2 ** self.random.uniform(-0.8, 0.8)

    def size(self, before: int) -> int:
        """How many entries there are where there were ``before``."""
        if self.random.random() < 0.02:
            return 0
        return max(round(before * self._growth * self.random.uniform(0.85, 1.15)), min(before, 1))

    def of(self, known: list[str], new: list[str]) -> list[str]:
        """Some of the known ones and some new ones, in no order; none twice."""
        size = self.size(len(known))
        kept = [each for each in known if self.random.random() >= self._gone][:size]
        fresh = [each for each in new if each not in known]
        return kept + self.random.sample(fresh, min(len(fresh), size - len(kept)))
