"""Maps of what an automation read, without the task's secrets."""

from __future__ import annotations

from collections.abc import Sequence

from engine.task.redaction import Redactor
from sandbox.page_map import PageMap


def mask_maps(maps: Sequence[PageMap], redactor: Redactor) -> tuple[PageMap, ...]:
    """Return the maps without secret values; their numbers of places, items and units stay."""
    return tuple(page.with_texts(redactor.texts) for page in maps) if redactor.active else tuple(maps)
