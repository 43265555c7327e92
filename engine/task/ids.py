"""Ids of tasks, engines and minted reuse keys."""

from __future__ import annotations

import secrets as random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


_ID_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def new_id(prefix: str) -> str:
    """A random id, as the wire contract writes them: ``wt_…`` for tasks, ``wtr_…`` for keys."""
    return prefix + "".join(random.choice(_ID_ALPHABET) for _ in range(21))
