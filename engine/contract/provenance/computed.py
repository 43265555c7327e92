"""Fields that the task has the code compute from what it reads, which stand on a page by chance alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.contract.provenance.tables import last_name
from engine.contract.provenance.units import words_of

# With the few words behind, up to the end of their clause
_COMPUTED = re.compile(
    r"\b(?:(?:sums?|totals?|averages?|means?|medians?|summen?|durchschnitt|sommes?|moyennes?|sumas?|promedios?)"
    r"|(?:numbers?|counts?|differences?|percentages?|shares?|ratios?|anzahl|nombres?|número) (?:of|der|von|de))"
    r"((?:\s+(?!and\b|or\b|und\b|oder\b|et\b|y\b)[\w-]+){1,4})",
    re.IGNORECASE,
)
_NAMING = ("label", "beside", "raw", "headings")  # traits of a field, by which a page names it


def is_computed(path: str, task: str) -> bool:
    """Return True for a field that the task has the code compute from what it reads: a sum, an average, a number of.

    >>> is_computed("$[*].fees", "List kind, number of permits, and the sum of the fees")
    True
    >>> is_computed("$[*].kind", "List kind, number of permits, and the sum of the fees")
    False
    >>> is_computed("$[*].amount", "List invoice number, amount and total, and due date")
    False
    """
    named = words_of(last_name(path))
    return any(named & words_of(clause[1]) for clause in _COMPUTED.finditer(task))


def computed_fields(fields: Mapping[str, Mapping[str, Any]], task: str) -> list[str]:
    """Return the paths of fields that the task has computed, and that no page names where their values stood.

    "12 reviews" is read from the page, though the task calls it the number of reviews.
    """
    return sorted(path for path, field in fields.items() if is_computed(path, task) and not _is_named(path, field))


def _is_named(path: str, field: Mapping[str, Any]) -> bool:
    named = words_of(last_name(path))
    return any(named & words_of(text) for trait in _NAMING for text in field.get(trait) or ())
