"""The model of one task while a cassette records or plays."""

from __future__ import annotations

from collections.abc import Callable

from engine.models.base import Model, ModelReply, ModelRequest
from engine.models.passing import PassingModel
from engine.models.recorded import RecordedAnswer
from engine.models.recording_placeholders import Placeholders

_NO_NAMES = Placeholders({})  # no prompt, and so no answer, holds a secret


class RecordingTaskModel(PassingModel):
    """A model whose answers are recorded.

    Args:
        inner: The model.
        keep: Takes each answer.
    """

    def __init__(self, inner: Model, keep: Callable[[RecordedAnswer], None]) -> None:
        super().__init__(inner)
        self._keep = keep

    async def query(self, request: ModelRequest) -> ModelReply:
        """Pass the request on, and record the answer before it is used; errors are not recorded."""
        reply = await self._inner.query(request)
        self._keep(RecordedAnswer.of(request, reply, _NO_NAMES))
        return reply


class PlayedTaskModel(PassingModel):
    """A recorded model that answers nothing once an exchange of its task was missing.

    Args:
        played: The recorded answers.
        check: Raises where one was.
    """

    def __init__(self, played: Model, check: Callable[[], None]) -> None:
        super().__init__(played)
        self._check = check

    async def query(self, request: ModelRequest) -> ModelReply:
        """Return the recorded answer.

        Raises:
            CassetteMismatch: An exchange of the task was not recorded; what a model would make of that is not asked.
            RecordingMismatch: There is no answer, or it does not fit.
        """
        self._check()
        return await self._inner.query(request)
