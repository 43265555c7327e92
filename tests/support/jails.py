"""The list of jails that have to pass."""

from __future__ import annotations

import pytest

JAILS = ("bubblewrap", "landlock")
# What depends on the jail is which files and processes are there, not what an automation tells its host.
IN_EACH_JAIL = pytest.mark.parametrize("sandbox", ["warm", "warm_landlock"], indirect=True, ids=JAILS)
