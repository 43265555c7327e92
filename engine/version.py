"""The version of the installed distribution."""

from __future__ import annotations

import importlib.metadata


def installed_version() -> str:
    """Return the version under which ``webtasks-engine`` is installed, or ``unknown`` in a bare checkout."""
    try:
        return importlib.metadata.version("webtasks-engine")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
