"""Work on foreign schemas that ends: at once where it is cheap, else in a process that is stopped after its time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.errors import InvalidRequest, SchemaTooSlow
from engine.task.schema_limits import Limits, TooMuch
from engine.task.schema_validation import check, mismatches

_INLINE_SECONDS = 0.2  # CPU time of the caller's thread
_INLINE_PARTS = 20_000  # values and names in what is looked at
_INLINE_CHARACTERS = 200_000
_SECONDS = 3.0  # CPU time of the process, for what has no size
_SECONDS_PER_MB = 3.0
_PATIENCE = 20  # times the CPU time, on a machine that has other work
_MEMORY = 8 << 30
_MODULE = "engine.task.schema_process"

_running: set[subprocess.Popen[bytes]] = set()


def check_bounded(schema: Any, *, untrusted: bool) -> None:
    """Refuse a schema as ``schema_validation.check`` does, within bounded time.

    Raises:
        InvalidRequest: The schema is refused, one that takes too long to check among them.
    """
    if _is_small(schema):
        try:
            check(schema, untrusted=untrusted, limits=Limits(_INLINE_SECONDS))
        except TooMuch:
            pass
        else:
            return
    try:
        refusal = _refusal(json.dumps(schema), untrusted)
    except SchemaTooSlow as error:
        raise InvalidRequest(f"output_schema is refused: {error.message}", field="output_schema") from None
    if refusal is not None:
        raise InvalidRequest(refusal, field="output_schema")


def mismatches_bounded(schema: Any, value: Any) -> list[str]:
    """Return where a value does not fit a schema, as ``schema_validation.mismatches`` does, within bounded time.

    Raises:
        SchemaTooSlow: The comparison was stopped.
    """
    if _is_small(value):
        try:
            return mismatches(schema, value, Limits(_INLINE_SECONDS))
        except TooMuch:
            pass
    return list(_in_process(json.dumps({"schema": schema, "value": value}))["found"])


@lru_cache(maxsize=64)
def _refusal(schema: str, untrusted: bool) -> str | None:
    """Return the message of a refusal; saved schemas are checked at every run."""
    answer = _in_process(json.dumps({"schema": json.loads(schema), "untrusted": untrusted}))
    return None if answer["refused"] is None else str(answer["refused"])


def _is_small(value: Any) -> bool:
    parts, characters, rest = 0, 0, [value]
    while rest:
        part = rest.pop()
        parts += 1
        if isinstance(part, Mapping):
            rest += part.values()
            characters += sum(map(len, part))
            parts += len(part)
        elif isinstance(part, (list, tuple)):
            rest += part
        elif isinstance(part, str):
            characters += len(part)
        if parts + len(rest) > _INLINE_PARTS or characters > _INLINE_CHARACTERS:
            return False
    return True


def _in_process(order: str) -> dict[str, Any]:
    """Do the work in another process, which imports what this one does."""
    seconds = round(_SECONDS + _SECONDS_PER_MB * len(order) / 1e6)
    path = [str(Path(__file__).parents[2]), *filter(None, sys.path)]
    code = f"import sys; sys.path[:] = {path!r}; from {_MODULE} import main; main({seconds})"
    pipe = subprocess.PIPE
    # A session of its own: Ctrl-C is for the program, which stops this itself.
    with subprocess.Popen(
        [sys.executable, "-I", "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
    ) as process:
        _running.add(process)
        try:
            answer, said = process.communicate(order.encode("utf-8", "surrogatepass"), timeout=seconds * _PATIENCE)
        except subprocess.TimeoutExpired:
            raise _too_slow(seconds) from None
        finally:
            process.kill()
            _running.discard(process)
    if process.returncode < 0 or b"MemoryError" in said:
        raise _too_slow(seconds)
    if process.returncode:
        raise RuntimeError(f"the process that checks schemas failed: {said.decode(errors='replace')[-2000:]}")
    return dict(json.loads(answer))


def stop_all() -> None:
    """Stop all such processes of this program, which ends; those who wait for them are told `SchemaTooSlow`."""
    for process in tuple(_running):
        process.kill()


def _too_slow(seconds: float) -> SchemaTooSlow:
    return SchemaTooSlow(
        f"the JSON Schema takes more than {seconds:.0f} s or too much memory to check and was stopped; give it simpler"
        " patterns, in which no repetition is inside another, and fewer alternatives that refer to each other",
        seconds=seconds,
    )


def main(seconds: int) -> None:
    """Do the work that standard input describes, within this CPU time."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seconds += round(time.process_time())  # its start, on a slow machine
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY if most == resource.RLIM_INFINITY else min(_MEMORY, most), most))
    os.nice(5)
    order = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogatepass"))
    sys.stdout.write(json.dumps(_answer(order)))


def _answer(order: dict[str, Any]) -> dict[str, Any]:
    if "value" in order:
        return {"found": mismatches(order["schema"], order["value"], Limits(None))}
    try:
        check(order["schema"], untrusted=order["untrusted"], limits=Limits(None))
    except InvalidRequest as error:
        return {"refused": error.message}
    return {"refused": None}
