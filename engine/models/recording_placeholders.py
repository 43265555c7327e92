"""Placeholders in recordings, like ``{{site}}``, for values that differ from run to run or are secret."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from engine.errors import InvalidRequest

# Encodings of a value in pages and code. {{site|quote}} is filled in the same encoding.
_SPELLINGS: dict[str, Callable[[str], str]] = {
    "": str,
    "json": lambda value: json.dumps(value)[1:-1],
    "repr": lambda value: repr(value)[1:-1],
    "html": html.escape,
    "quote": lambda value: quote(value, safe=""),
    "path": quote,
    "plus": quote_plus,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
}
_ORIGIN = re.compile(r"https?://([^/?#\s]+)")
_NAME = re.compile(r"[A-Za-z]\w*")


class Placeholders:
    """Substitution of names for values, and of values for names.

    An origin has a second name for its host and port: ``{{site.host}}``. Text that looks like a placeholder is escaped
    by an equals sign.

    Args:
        substitutions: Values by name.

    Raises:
        InvalidRequest: A name is invalid, or a value is empty.

    >>> names = Placeholders({"site": "http://127.0.0.1:43211"})
    >>> names.hide(["goto http://127.0.0.1:43211/a", "127.0.0.1:43211", "{{site}}"])
    ['goto {{site}}/a', '{{site.host}}', '{{=site}}']
    >>> Placeholders({"site": "http://localhost:80"}).fill("goto {{site}}/a")
    'goto http://localhost:80/a'
    """

    def __init__(self, substitutions: Mapping[str, str]) -> None:
        for name, value in substitutions.items():
            if not _NAME.fullmatch(name) or not value:
                raise InvalidRequest(
                    f"the substitution {name!r} needs a name of letters and digits, without braces, and a value",
                    field="substitutions",
                )
        self.names = tuple(substitutions)
        self._values: dict[str, str] = {}
        for name, value in substitutions.items():
            self._values[name] = value
            origin = _ORIGIN.match(value)
            self._values[f"{name}.host"] = origin[1] if origin else value
        self._spelled: dict[str, str] = {}
        for spelling, spell in _SPELLINGS.items():
            for name, value in self._values.items():
                self._spelled.setdefault(spell(value), f"{name}|{spelling}" if spelling else name)
        names = "|".join(map(re.escape, sorted(self._values, key=len, reverse=True)))
        spellings = "|".join(filter(None, _SPELLINGS))
        self._placeholder = re.compile(rf"\{{\{{(=*)({names})(?:\|({spellings}))?\}}\}}")
        values = "|".join(map(re.escape, sorted(self._spelled, key=len, reverse=True)))
        self._hidden = re.compile(f"{self._placeholder.pattern}|{values}")

    def hide(self, data: Any) -> Any:
        """Return JSON-serializable data with placeholders in place of the values."""
        return _map_text(data, lambda text: self._hidden.sub(self._to_name, text)) if self.names else data

    def fill(self, data: Any) -> Any:
        """Return the data that `hide` was given, with this object's values."""
        return _map_text(data, lambda text: self._placeholder.sub(self._to_value, text)) if self.names else data

    def _to_name(self, found: re.Match[str]) -> str:
        if found[2]:
            return "{{=" + found[0][2:]
        return "{{" + self._spelled[found[0]] + "}}"

    def _to_value(self, found: re.Match[str]) -> str:
        escape, name, spelling = found.groups(default="")
        if escape:
            return "{{" + found[0][3:]
        return _SPELLINGS[spelling](self._values[name])


def _map_text(data: Any, change: Callable[[str], str]) -> Any:
    if isinstance(data, str):
        return change(data)
    if isinstance(data, Mapping):
        return {change(str(key)): _map_text(value, change) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_map_text(value, change) for value in data]
    return data
