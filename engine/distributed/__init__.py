"""Tasks on many machines: Ray runs them, a git remote has the bundles, one process has the journal and the budgets.

The package can be called: ``engine.distributed(address="auto", bundles=GIT_URL)`` is a ``DistributedEngine``.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from engine.distributed.async_engine import AsyncDistributedEngine
from engine.distributed.sync_engine import DistributedEngine

__all__ = ["AsyncDistributedEngine", "DistributedEngine"]


class _CallablePackage(ModuleType):
    """This package, as the function that makes an engine of a cluster."""

    def __call__(self, **options: Any) -> DistributedEngine:
        """Return ``DistributedEngine(**options)``."""
        return DistributedEngine(**options)


sys.modules[__name__].__class__ = _CallablePackage
