"""IDs of tasks and engines, and generated reuse keys."""

from __future__ import annotations

import secrets as random

LONGEST_KEY = 1000  # characters of a reuse key
_ID_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def new_id(prefix: str) -> str:
    """Return a random ID as in the wire contract: ``wt_…`` for tasks, ``wtr_…`` for keys."""
    return prefix + "".join(random.choice(_ID_ALPHABET) for _ in range(21))
