"""Forms of the dashboard: parameters as fields, and fields as parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.bundles import Parameter
from engine.errors import InvalidRequest

_PREFIX = "p:"


@dataclass(frozen=True)
class FormField:
    """A field for a parameter.

    Args:
        name: Name of the field in the form.
        label: The parameter.
        kind: ``text``, ``number``, ``checkbox``, ``password``, or ``json`` for anything else.
        value: The text that it has at first.
    """

    name: str
    label: str
    kind: str
    value: str


def fields(parameters: Mapping[str, Parameter], last: Mapping[str, Any]) -> list[FormField]:
    """Return a field for each parameter.

    Args:
        parameters: Those that the automation takes.
        last: The values of a good run; secrets are not in them.
    """
    return [_field(name, parameter, last.get(name)) for name, parameter in parameters.items()]


def _field(name: str, parameter: Parameter, value: Any) -> FormField:
    kinds = {"string": "text", "integer": "number", "number": "number", "boolean": "checkbox"}
    kind = "password" if parameter.secret else kinds.get(parameter.type, "json")
    if parameter.secret or value is None:
        text = ""
    elif kind == "text" and isinstance(value, str):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False)
    return FormField(f"{_PREFIX}{name}", name, kind, text)


def values(parameters: Mapping[str, Parameter], given: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters that a form gives.

    Raises:
        InvalidRequest: A field has no value of its parameter's type.

    >>> values({"n": Parameter(type="integer")}, {"p:n": "3"})
    {'n': 3}
    """
    found: dict[str, Any] = {}
    for name, parameter in parameters.items():
        text = given.get(f"{_PREFIX}{name}", "")
        if parameter.type == "boolean" and not parameter.secret:
            found[name] = text == "true"
        elif parameter.type == "string" or parameter.secret:
            found[name] = text
        elif text.strip():
            found[name] = _value(name, parameter.type, text)
    return found


def _value(name: str, kind: str, text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        raise InvalidRequest(f"{name} must be JSON of the type {kind}, not {text[:100]!r}", field=name) from None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if (kind == "integer" and not (number and value == int(value))) or (kind == "number" and not number):
        raise InvalidRequest(f"{name} must be a number, not {text[:100]!r}", field=name)
    return value
