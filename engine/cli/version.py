"""The version of the installed distribution."""

from __future__ import annotations

import importlib.metadata


def own_version() -> str:
    """The version of the engine, as it was installed."""
    try:
        return importlib.metadata.version("webtasks-engine")
    except importlib.metadata.PackageNotFoundError:
        return "from a checkout"
