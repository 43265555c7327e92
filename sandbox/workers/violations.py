"""Answers of workers that stand for nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from sandbox.errors import WorkerDied
from sandbox.protocol import ProtocolError
from sandbox.workers.client import WorkerClient

T = TypeVar("T")


def parsed(client: WorkerClient, parse: Callable[[Any], T], answer: Any) -> T:
    """Return a worker's answer as what it stands for; end the worker where it stands for nothing.

    Raises:
        WorkerDied: The answer is not what a worker sends.
    """
    try:
        return parse(answer)
    except ProtocolError as problem:
        end_for_violation(client, problem)


def end_for_violation(client: WorkerClient, problem: Exception) -> NoReturn:
    """End a worker that sends what no worker sends, and raise why."""
    died = WorkerDied(f"worker protocol violation: {problem}")
    client.end(died)
    raise died from None
