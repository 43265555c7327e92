"""Descriptions in schemas, read from the docstrings of their models."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel

_FIELD = re.compile(r"^\s*(\w+): (.*(?:\n(?!\s*\w+: ).*)*)", re.MULTILINE)


def split(docstring: str) -> tuple[str, dict[str, str]]:
    """Split a model's docstring into the text about itself and those about its fields, which stand under ``Args:``.

    >>> split("A page.\\n\\nArgs:\\n    width: In pixels,\\n        whole ones.")
    ('A page.', {'width': 'In pixels, whole ones.'})
    """
    about, _, fields = docstring.partition("Args:")
    return _plain(about), {name: _plain(text) for name, text in _FIELD.findall(fields)}


def describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Describe a model and its fields in its schema; for ``json_schema_extra``."""
    about, _ = split(model.__doc__ or "")
    meanings: dict[str, str] = {}
    for base in reversed(model.__mro__):
        meanings |= split(base.__doc__ or "")[1]
    if about:
        schema["description"] = about
    for name, field in model.model_fields.items():
        found = schema.get("properties", {}).get(field.alias or name)
        if found is not None and name in meanings:
            found.setdefault("description", meanings[name])


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "").split())
