"""Turns that bring nothing new: the same calls with the same answers again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

TOLD_AT = 3
ENDED_AT = 6
_SECONDS = re.compile(r"\d+(?:\.\d+)? ?m?s\b")  # that a run or a wait took: they differ each time


class Repetition:
    """Counts turns in a row in which every call was made before and got the answer that it got then.

    Attributes:
        turns: How often the agent has now seen the same; 1 while what it sees is new.
    """

    def __init__(self) -> None:
        self.turns = 1
        self._seen: set[str] = set()

    def note(self, calls: Sequence[tuple[str, Mapping[str, Any], str]]) -> None:
        """Note a turn's calls: name, arguments and answer of each."""
        keys = {_key(*call) for call in calls}
        self.turns = self.turns + 1 if keys and keys <= self._seen else 1
        self._seen |= keys


def _key(name: str, arguments: Mapping[str, Any], answer: str) -> str:
    text = json.dumps([name, arguments, _SECONDS.sub("", answer)], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
