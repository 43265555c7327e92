"""Objections of the gate: what speaks against a candidate and may be right all the same, if a reason in words says so.

Handing the same in again proves nothing: small models do that whatever they are told. A reason is as cheap for a model
that has looked, and stands in the commit and beside the result, where a person can judge it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

_SHORTEST_REASON = 12  # characters but for spaces
_HOW = "(if it is right as it is, finish with why_right: the reason)"


def objection_in(refusal: str) -> str | None:
    """Return the objection that a refusal tells of; None for a refusal that no reason in words answers.

    >>> objection_in(f"12 rows of 17 {_HOW}"), objection_in("it returned None")
    ('12 rows of 17', None)
    """
    bare = refusal.removesuffix(f" {_HOW}")
    return bare if bare != refusal else None


@dataclass
class Objections:
    """The objections of one task's gate.

    Attributes:
        answered: Those that were told and then answered, each with the reason.
    """

    answered: dict[str, str] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def note_told(self, objections: Iterable[str]) -> None:
        """Note objections as told: a reason that comes after that may be meant for them."""
        self._told.update(objections)

    def unanswered(self, objections: Iterable[str]) -> tuple[str, ...]:
        """Return those without a reason."""
        return tuple(each for each in objections if each not in self.answered)

    def standing(self, objections: Iterable[str], reason: str) -> tuple[str, ...]:
        """Return the objections that stand, in words for the model, and note them as told.

        Args:
            objections: What speaks against the candidate now.
            reason: Why it is right as it is, in the model's words; it answers what the model was told before.

        >>> gate = Objections()
        >>> gate.standing(["12 rows of 17"], "the task asks for the open ones")
        ('12 rows of 17 (if it is right as it is, finish with why_right: the reason)',)
        >>> gate.standing(["12 rows of 17"], "done")
        ('12 rows of 17 (if it is right as it is, finish with why_right: the reason)',)
        >>> gate.standing(["12 rows of 17"], "the task asks for the open ones")
        ()
        """
        open_ones = self.unanswered(objections)
        if len("".join(reason.split())) >= _SHORTEST_REASON:
            self.answered |= {each: reason for each in open_ones if each in self._told}
        left = self.unanswered(open_ones)
        self.note_told(left)
        return tuple(f"{each} {_HOW}" for each in left)
