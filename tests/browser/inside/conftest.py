"""A site on loopback, and runs on it."""

from __future__ import annotations

from tests.support.mapped import run, shop

__all__ = ["run", "shop"]
