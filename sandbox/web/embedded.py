"""Data that a page carries in its scripts: JSON of its own, and what is assigned to names."""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.web.trees import Tree, attribute, text_of

_JSON_TYPES = re.compile(r"(?:application|text)/(?:[\w.-]+\+)?json\b|speculationrules|importmap", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"(?<![\w$.])([\w$.]{1,80}(?:\[[\"'][\w$]{1,80}[\"']\])?)\s{0,20}=\s{0,20}(?=[\[{]|JSON\.parse\()"
)
_NAME = re.compile(r"[\w$]+")
_PARSED = re.compile(r"JSON\.parse\(\s*(?=[\"'])")
_MOST = 500
_LONGEST = 16 << 20


def embedded(tree: Tree) -> dict[str, Any]:
    """Return the JSON values in a page's scripts by their id, their type, or the name that they are assigned to.

    Several of one type are a list, as where a shop describes each product in ``application/ld+json``.
    """
    found: dict[str, Any] = {}
    several: set[str] = set()
    for script in tree.root.css("script")[:_MOST]:
        text = text_of(script)
        if len(text) > _LONGEST:
            continue
        kind = (attribute(script, "type") or "").strip()
        if _JSON_TYPES.match(kind):
            value = _whole(text)
            name = attribute(script, "id") or attribute(script, "data-target") or kind.lower()
            if value is not None:
                _put(found, several, name, value)
        elif kind in ("", "module", "text/javascript", "application/javascript"):
            for name, value in _assigned(text):
                _put(found, several, name, value)
    return found


def _put(found: dict[str, Any], several: set[str], name: str, value: Any) -> None:
    if name not in found:
        found[name] = value
    elif name in several:
        found[name].append(value)
    else:
        several.add(name)
        found[name] = [found[name], value]


def _whole(text: str) -> Any:
    text = text.strip().removeprefix("<!--").removesuffix("-->").strip()
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _assigned(text: str) -> list[tuple[str, Any]]:
    """Return what a script assigns that is plain JSON; objects with unquoted names are not."""
    found: list[tuple[str, Any]] = []
    decoder, end = json.JSONDecoder(), 0
    for match in _ASSIGNED.finditer(text):
        if match.start() < end or len(found) >= _MOST:
            continue
        at = match.end()
        parsed = _PARSED.match(text, at)
        try:
            value, end = decoder.raw_decode(text, parsed.end() if parsed else at)
            if parsed:
                value = json.loads(value) if isinstance(value, str) else None
        except (ValueError, RecursionError):
            continue
        if value not in (None, {}, []):
            found.append((_NAME.findall(match[1])[-1], value))
    return found
