"""An automation in a worker of either kind: its data files, its module, its value."""

from __future__ import annotations

import base64
import inspect
import sys
import types
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from sandbox.inside.clock import shifted_builtins
from sandbox.inside.script_errors import remember_source
from sandbox.protocol import Channel, FloodError, Message, dump_json
from sandbox.toolkit import TaskContext


class DataFiles:
    """The data files of an automation, taken in parts and then written.

    Args:
        directory: The place for them.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._parts: dict[str, bytearray] = {}

    def take(self, message: Message) -> None:
        """Take a part of a file."""
        self._parts.setdefault(message["name"], bytearray()).extend(base64.b64decode(message["data"]))

    def write(self) -> None:
        """Write all files that were taken; a name that leads elsewhere is left out."""
        for name, data in self._parts.items():
            path = (self.directory / name).resolve()
            if path.is_relative_to(self.directory.resolve()):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        self._parts.clear()


def loaded(
    name: str, code: str, first: str, tape: Mapping[str, Any] | None = None
) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Execute an automation's module, and return its ``run``.

    Args:
        name: The file name that tracebacks show.
        code: The source.
        first: The name of the first parameter of ``run``.
        tape: See `sandbox.inside.clock`.

    Raises:
        TypeError: It has no such function.
        BaseException: The module raised it.
    """
    remember_source(name, code)
    module = types.ModuleType("automation")
    module.__file__ = name
    module.__dict__["__builtins__"] = shifted_builtins(tape)
    sys.modules["automation"] = module
    exec(compile(code, name, "exec"), module.__dict__)  # noqa: S102  this is the jail's purpose
    run = getattr(module, "run", None)
    if not inspect.iscoroutinefunction(run):
        raise TypeError(f"{name} has no `async def run({first}, parameters, task)`")
    return run


def dump_value(value: Any, task: TaskContext, channel: Channel, most: int) -> str:
    """Return what ``run`` returned as JSON.

    Raises:
        ProtocolError: It is not JSON.
        FloodError: It is longer than ``most`` bytes; the host is told.
    """
    text = task._attachments.for_host(dump_json(value))
    if len(text.encode()) > most:  # the host reads no line that is much longer
        channel.send("limit", limit="output_bytes")
        raise FloodError("what run returned is larger than the limit of output")
    return text
