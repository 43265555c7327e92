"""The model of one task while a cassette records or plays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.models.base import Model, ModelReply, ModelRequest
from engine.models.recorded import RecordedAnswer
from engine.models.recording_placeholders import Placeholders


class RecordingTaskModel:
    """A model whose answers are recorded.

    Args:
        inner: The model.
        keep: Takes each answer.
        placeholders: Hide the task's secrets in it.
    """

    def __init__(self, inner: Model, keep: Callable[[RecordedAnswer], None], placeholders: Placeholders) -> None:
        self._inner = inner
        self._keep = keep
        self._placeholders = placeholders

    def __getattr__(self, name: str) -> Any:
        """Return what else the model offers: its readiness, its window."""
        return getattr(self._inner, name)

    @property
    def name(self) -> str:
        """The model's ID."""
        return self._inner.name

    def worst_cost(self, request: ModelRequest) -> float:
        """Return the model's bound."""
        return self._inner.worst_cost(request)

    async def query(self, request: ModelRequest) -> ModelReply:
        """Pass the request on, and record the answer before it is used; errors are not recorded."""
        reply = await self._inner.query(request)
        self._keep(RecordedAnswer.of(request, reply, self._placeholders))
        return reply

    async def close(self) -> None:
        """Close the model."""
        await self._inner.close()


class PlayedTaskModel:
    """A recorded model that answers nothing once an exchange of its task was missing.

    Args:
        played: The recorded answers.
        check: Raises where one was.
    """

    def __init__(self, played: Model, check: Callable[[], None]) -> None:
        self._played = played
        self._check = check

    @property
    def name(self) -> str:
        """The ID of the recorded model."""
        return self._played.name

    def worst_cost(self, request: ModelRequest) -> float:
        """Return the recorded model's bound."""
        return self._played.worst_cost(request)

    async def query(self, request: ModelRequest) -> ModelReply:
        """Return the recorded answer.

        Raises:
            CassetteMismatch: An exchange of the task was not recorded; what a model would make of that is not asked.
            RecordingMismatch: There is no answer, or it does not fit.
        """
        self._check()
        return await self._played.query(request)

    async def close(self) -> None:
        """Do nothing; no connection is open."""
