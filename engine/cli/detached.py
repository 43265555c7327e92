"""The detached process's side of `engine.cli.spawn`: take the order, answer it, let go of the starting process."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import Any

_INPUT, _OUTPUT, _ERRORS = 0, 1, 2


def receive_order() -> Any:
    """Fork once more and, in the child, return the order; the parent ends.

    The child is not a session leader, so that no terminal can become its controlling one, and init adopts it, so that
    the starting process need not wait for it.
    """
    if os.fork():
        os._exit(0)
    return json.loads(sys.stdin.buffer.read())


def send_answer(answer: dict[str, Any]) -> None:
    """Write the answer, on one line, to the starting process, if that still listens."""
    with contextlib.suppress(BrokenPipeError):
        os.write(_OUTPUT, json.dumps(answer, default=str).encode() + b"\n")


def detach(errors: int | None = None) -> None:
    """Let go of the starting process's pipes and working directory.

    Args:
        errors: A file descriptor for standard error from now on; it is closed. None discards what is written there.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    os.chdir("/")
    os.dup2(nothing, _INPUT)
    os.dup2(nothing if errors is None else errors, _ERRORS)
    os.dup2(nothing, _OUTPUT)  # last: the starting process goes on when its end of this pipe is closed
    for descriptor in (nothing, errors):
        if descriptor is not None:
            os.close(descriptor)
