"""Automations as a careless author writes them: the scripts of the bench of self-healing, saved by the engine.

They read cells by position, and check nothing. Where their output is wrong, only the engine can notice.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.testing.heal.script import script

CARELESS: Mapping[str, str] = {name: script(name) for name in ("archive", "directory", "feed", "ledger")}
