"""Values that a caller gives, as the JSON that is stored and handed to automations."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import date, datetime, time
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pydantic import AnyUrl, BaseModel

from engine.errors import InvalidRequest

_DEEPEST = 90  # levels of lists and objects; the sandbox's messages add up to ten


def as_json(field: str, value: Any) -> Any:
    """Return a copy of a value that consists of JSON's types.

    Dates and times become ISO 8601, an enum's member its value, a URL, path or UUID its text, and a tuple a list.

    Raises:
        InvalidRequest: A part of it has no such form, or would come back as another value; the message names it.

    >>> as_json("parameters", {"day": date(2026, 1, 2), "sizes": (1, 2)})
    {'day': '2026-01-02', 'sizes': [1, 2]}
    """
    return _Copy(field).of(value, field, 0)


class _Copy:
    def __init__(self, field: str) -> None:
        self._field = field

    def of(self, value: Any, where: str, depth: int) -> Any:
        if value is None or type(value) is bool:
            return value
        if isinstance(value, Enum):
            return self.of(value.value, where, depth)
        if isinstance(value, str):
            return self._text(str(value), where)
        if isinstance(value, int):
            return self._integer(int(value), where)
        if isinstance(value, float):
            if not math.isfinite(value):
                raise self._refusal(where, f"is {value}, which JSON has no form for")
            return float(value)
        if isinstance(value, (datetime, date, time)):
            return value.isoformat()
        if isinstance(value, (AnyUrl, PurePath, UUID)):
            return self._text(str(value), where)
        return self._container(value, where, depth)

    def _container(self, value: Any, where: str, depth: int) -> Any:
        if isinstance(value, (Mapping, list, tuple)) and depth >= _DEEPEST:
            raise self._refusal(self._field, f"is nested more than {_DEEPEST} levels deep")
        if isinstance(value, Mapping):
            return {self._key(key, where): self.of(item, f"{where}[{key!r}]", depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.of(item, f"{where}[{n}]", depth + 1) for n, item in enumerate(value)]
        raise self._refusal(where, f"is a {type(value).__name__}, which JSON has no form for; {_remedy(value)}")

    def _key(self, key: object, where: str) -> str:
        if not isinstance(key, str) or isinstance(key, Enum):
            raise self._refusal(where, f"has the key {key!r}, which is no string; JSON has no other keys")
        return self._text(str(key), where)

    def _text(self, text: str, where: str) -> str:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise self._refusal(where, f"holds a character that is not Unicode text: {error}") from None
        return text

    def _integer(self, number: int, where: str) -> int:
        try:
            json.dumps(number)
        except ValueError as error:  # more digits than Python writes
            raise self._refusal(where, f"is too large a number: {error}") from None
        return number

    def _refusal(self, where: str, what: str) -> InvalidRequest:
        return InvalidRequest(f"{where[:200]} {what}", field=self._field)


def _remedy(value: object) -> str:
    if isinstance(value, BaseModel):
        return "give its model_dump(mode='json')"
    if is_dataclass(value) and not isinstance(value, type):
        return "give dataclasses.asdict(…) of it"
    if isinstance(value, (set, frozenset)):
        return "give a list"
    if isinstance(value, (bytes, bytearray)):
        return "give text, such as its base64"
    return "give a string, a number, a list or a dict"
