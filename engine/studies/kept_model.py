"""A model whose every request and answer is kept in a trial's record."""

from __future__ import annotations

from engine.aio import to_thread_uncancellable
from engine.errors import ModelError
from engine.models.base import Model, ModelReply, ModelRequest
from engine.models.passing import PassingModel
from engine.studies.record import TrialRecord


class KeptModel(PassingModel):
    """A model that passes requests on to another one, and keeps each in the record before it is sent.

    Args:
        inner: The other model.
        record: Where requests and answers are kept.
    """

    def __init__(self, inner: Model, record: TrialRecord) -> None:
        super().__init__(inner)
        self._record = record

    async def query(self, request: ModelRequest) -> ModelReply:
        """Keep the request, pass it on, and keep the answer or the error."""
        worst = self.worst_cost(request)
        number = await to_thread_uncancellable(self._record.request, request, worst)
        try:
            reply = await self._inner.query(request)
        except BaseException as error:  # a canceled request may have been paid for, too
            free = isinstance(error, ModelError) and not error.details.get("maybe_billed")
            self._record.no_answer(number, error, 0.0 if free else worst)  # in no thread: the task may be canceled
            raise
        await to_thread_uncancellable(self._record.answer, number, reply)
        return reply
