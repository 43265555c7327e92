"""All changes of meaning: the code still runs, and what it reads means something else."""

from __future__ import annotations

from engine.testing.drift.meaning_rows import ROWS
from engine.testing.drift.meaning_states import STATES
from engine.testing.drift.meaning_values import VALUES
from engine.testing.drift.mutation import Mutation

MEANINGS: tuple[Mutation, ...] = (*ROWS, *VALUES, *STATES)
"""Changes of meaning, for subjects whose layout has marks. Any other output than the right one is wrong."""
