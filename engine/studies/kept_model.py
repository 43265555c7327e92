"""A model whose every request and answer is kept in a trial's record."""

from __future__ import annotations

from engine.aio import to_thread_uncancellable
from engine.errors import ModelError
from engine.models.base import Model, ModelReply, ModelRequest
from engine.studies.record import TrialRecord


class KeptModel:
    """A model that passes requests on to another one, and keeps each in the record before it is sent.

    Args:
        inner: The other model.
        record: Where requests and answers are kept.
    """

    def __init__(self, inner: Model, record: TrialRecord) -> None:
        self._inner = inner
        self._record = record

    @property
    def name(self) -> str:
        """The ID of the other model."""
        return self._inner.name

    def worst_cost(self, request: ModelRequest) -> float:
        """Return the other model's bound."""
        return self._inner.worst_cost(request)

    async def query(self, request: ModelRequest) -> ModelReply:
        """Keep the request, pass it on, and keep the answer or the error."""
        worst = self.worst_cost(request)
        number = await to_thread_uncancellable(self._record.request, request, worst)
        try:
            reply = await self._inner.query(request)
        except BaseException as error:
            free = isinstance(error, ModelError) and not error.details.get("maybe_billed")
            self._record.no_answer(number, error, 0.0 if free else worst)  # in no thread: the task may be canceled
            raise
        await to_thread_uncancellable(self._record.answer, number, reply)
        return reply

    def ready(self) -> None:
        """Let the other model check that it can be called."""
        check = getattr(self._inner, "ready", None)
        if check is not None:
            check()

    async def warm(self) -> None:
        """Let the other model prepare its first call."""
        prepare = getattr(self._inner, "warm", None)
        if prepare is not None:
            await prepare()

    async def context_window(self) -> int | None:
        """Return the tokens of the other model's context window, if it tells."""
        ask = getattr(self._inner, "context_window", None)
        return None if ask is None else await ask()

    async def close(self) -> None:
        """Close the other model."""
        await self._inner.close()
