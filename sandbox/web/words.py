"""Sets of words, written as a text."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """Return the words of a text.

    >>> sorted(words("table tr td"))
    ['table', 'td', 'tr']
    """
    return frozenset(text.split())
