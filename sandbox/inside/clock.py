"""The clock of an automation's own code where a tape is played: that of the recording, as its pages see it.

Code that asks a site for what is there today must ask for the day of the recording. Only what that code imports is
another; Playwright and this program keep the real time.
"""

from __future__ import annotations

import builtins
import datetime
import functools
import time
import types
from collections.abc import Mapping
from typing import Any


class _Kind(type):
    """Makes the real class's objects instances of its own, too: others may return those."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])


def shifted_builtins(tape: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the ``__builtins__`` of a module with the clock of a tape.

    Args:
        tape: As in the options of a browser context; None, or one without an ``offset``, for the real clock.
    """
    offset = (tape or {}).get("offset", 0) / 1000
    if not offset:
        return vars(builtins)
    modules = {"datetime": _datetime(offset), "time": _time(offset)}

    def import_(name: str, *given: Any) -> Any:
        found = builtins.__import__(name, *given)
        return modules.get(name, found)

    return {**vars(builtins), "__import__": import_}


def _copy(module: types.ModuleType, **changed: Any) -> types.ModuleType:
    copy = types.ModuleType(module.__name__, module.__doc__)
    vars(copy).update(vars(module), **changed)
    return copy


def _datetime(offset: float) -> types.ModuleType:
    class Date(datetime.date, metaclass=_Kind):
        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(time.time() + offset)

    class DateTime(datetime.datetime, metaclass=_Kind):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return cls.fromtimestamp(time.time() + offset, tz)

        @classmethod
        def today(cls) -> Any:
            return cls.now()

        @classmethod
        def utcnow(cls) -> Any:
            return cls.now(datetime.UTC).replace(tzinfo=None)

    return _copy(datetime, date=Date, datetime=DateTime)


def _time(offset: float) -> types.ModuleType:
    def now() -> float:
        return time.time() + offset

    @functools.wraps(time.strftime)
    def strftime(form: str, *given: Any) -> str:
        return time.strftime(form, *(given or (time.localtime(now()),)))

    return _copy(
        time,
        time=now,
        time_ns=lambda: int(now() * 1e9),
        gmtime=lambda seconds=None: time.gmtime(now() if seconds is None else seconds),
        localtime=lambda seconds=None: time.localtime(now() if seconds is None else seconds),
        ctime=lambda seconds=None: time.ctime(now() if seconds is None else seconds),
        strftime=strftime,
    )
