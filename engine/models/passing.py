"""A model that passes requests to another one; the base of those that see what passes."""

from __future__ import annotations

from typing import Any

from engine.models.base import Model, ModelReply, ModelRequest


class PassingModel:
    """A model that passes everything to another one.

    Args:
        inner: The other model.
    """

    def __init__(self, inner: Model) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        """Return what else the other model offers, such as its readiness and its window."""
        if name == "_inner":  # not set yet
            raise AttributeError(name)
        return getattr(self._inner, name)

    @property
    def name(self) -> str:
        """The other model's ID."""
        return self._inner.name

    def worst_cost(self, request: ModelRequest) -> float:
        """Return the other model's bound."""
        return self._inner.worst_cost(request)

    async def query(self, request: ModelRequest) -> ModelReply:
        """Pass the request on."""
        return await self._inner.query(request)

    async def close(self) -> None:
        """Close the other model."""
        await self._inner.close()
