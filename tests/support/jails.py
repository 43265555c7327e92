"""The list of jails that have to pass."""

from __future__ import annotations

JAILS = ("bubblewrap", "landlock")
