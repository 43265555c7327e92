"""The changes of a site that are measured: all mutations of the drift bench, the redesign, and other days' data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.testing.drift import MUTATIONS, Effect, Mutation


@dataclass(frozen=True)
class Change:
    """One change of a site.

    Args:
        name: Its name in reports.
        about: The change, in one line.
        effect: See `engine.testing.drift.Mutation`.
        mutation: The mutation of the site's answers, if it is one.
        version: The design that the site serves.
        days: The number of days by which the data are later.
    """

    name: str
    about: str
    effect: Effect
    mutation: Mutation | None = None
    version: str = "v1"
    days: int = 0


CHANGES: tuple[Change, ...] = (
    Change("unchanged", "nothing changes", "same"),
    Change("next-day", "the data of the next day", "data", days=1),
    Change("next-week", "the data of a week later", "data", days=7),
    Change("next-month", "the data of a month later", "data", days=30),
    Change("redesign", "a redesign: other markup, other addresses, another order", "same", version="v2"),
    *(Change(each.name, each.about, each.effect, each) for each in MUTATIONS),
)
QUICK: Sequence[str] = (
    "unchanged", "next-week", "redesign", "rename-classes", "banner", "second-list", "field-missing", "empty-list",
    "pages-cut", "duplicate-rows", "swapped-fields", "truncated-names", "error-page",
)  # fmt: skip
"""Names of the changes of the short form."""
QUICK_SITES: Sequence[str] = ("archive", "directory")
"""The sites of the short form."""
