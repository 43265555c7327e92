"""The attempts of one task: the kind, end and cost of each."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from engine.diagnosis.failures import Failed
from engine.models.base import Usage
from engine.models.budget import ModelBudget
from engine.task.events import EventLog
from engine.task.wire import Attempt, Tokens

Kind = Literal["replay", "explore", "update", "repair", "confirm", "check", "continue", "adopt", "compile"]


@dataclass
class AttemptNote:
    """The reason and the revision of the attempt that runs, noted by it."""

    reason: str | None = None
    revision: str | None = None


@dataclass
class AttemptLog:
    """Measures each attempt of a task: seconds, and what it took from the budget."""

    budget: ModelBudget | None
    events: EventLog
    attempts: list[Attempt] = field(default_factory=list)

    @asynccontextmanager
    async def attempt(self, kind: Kind) -> AsyncIterator[AttemptNote]:
        """Measure the block as one attempt; a failure that leaves it is noted with its reason."""
        started, before = time.monotonic(), self._spent()
        note = AttemptNote()
        try:
            yield note
        except Failed as failed:
            note.reason = note.reason or failed.cause.reason
            raise
        except BaseException as error:  # a cancellation ends an attempt, too
            note.reason = note.reason or type(error).__name__
            raise
        finally:
            await self._add(kind, note, time.monotonic() - started, before)

    def _spent(self) -> tuple[int, Usage, float]:
        budget = self.budget
        return (0, Usage(), 0.0) if budget is None else (budget.calls, budget.usage, budget.spent_usd)

    async def _add(self, kind: Kind, note: AttemptNote, seconds: float, before: tuple[int, Usage, float]) -> None:
        calls, usage, usd = self._spent()
        attempt = Attempt(
            kind=kind,
            outcome="failed" if note.reason else "success",
            reason=note.reason,
            revision=note.revision,
            model=self.budget.model.name if self.budget is not None and calls > before[0] else None,
            model_calls=calls - before[0],
            tokens=Tokens(
                input=usage.input_tokens - before[1].input_tokens,
                output=usage.output_tokens - before[1].output_tokens,
                cache_read=usage.cache_read_tokens - before[1].cache_read_tokens,
                cache_write=usage.cache_write_tokens - before[1].cache_write_tokens,
            ),
            usd=usd - before[2],
            seconds=seconds,
        )
        self.attempts.append(attempt)
        await self.events.emit("attempt.ended", **attempt.to_wire())
