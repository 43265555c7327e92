"""What every part of one run shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.bundles import Revision


@dataclass
class Success:
    """What a good run gives: the output, the revision that gave it, and what became of the bundle.

    Args:
        revision: None where a first run was ``continued``: nothing is saved.
        continued: The output was read off the page of a run that failed behind an irreversible action.
    """

    output: Any
    revision: Revision | None
    used: bool
    created: bool = False
    updated: bool = False
    continued: bool = False
