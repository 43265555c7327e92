"""The engine's interface: asynchronous, blocking, their options, and the queries about tasks."""

from engine.api.async_engine import AsyncEngine
from engine.api.sync_engine import Engine

__all__ = ["AsyncEngine", "Engine"]
