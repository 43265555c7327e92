"""The mechanisms that confine a worker, by name."""

from __future__ import annotations

from typing import Literal, get_args

Jail = Literal["bubblewrap", "landlock"]
Mechanism = Literal[Jail, "none"]
Isolation = Literal["auto", Mechanism]
"""A mechanism, or the first jail that works on this machine."""

JAILS: tuple[Jail, ...] = get_args(Jail)
