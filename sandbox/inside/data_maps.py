"""Maps of what is no page: JSON and plain text that the automation read, and the kinds of files by their content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from sandbox.page_map import MOST_CHARACTERS, MOST_UNITS
from sandbox.protocol import dump_json

_LONGEST_JSON = 4 << 20
_SHORTEST_JSON = 20
_TEXT = 400
_MOST_ITEMS = 3_500
_MOST_PLACES = 3_500
_DEEPEST = 40
_MAGIC = (
    (b"%PDF", "pdf"), (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"\x89PNG", "image"), (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"), (b"II*\x00", "image"), (b"MM\x00*", "image"), (b"\x1f\x8b", "binary"),
)  # fmt: skip


def parsed(text: str) -> Any:
    """Return the data of a text that is JSON of an object or a list; None where it is none, or very long."""
    if not _SHORTEST_JSON <= len(text) <= _LONGEST_JSON or text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def map_of_data(data: Any, url: str = "") -> str | None:
    """Return the map of JSON data, as JSON: keys are its labels, elements of arrays its items.

    Args:
        url: The address that it came from; its path is the heading.
    """
    walk = _Walk([unquote(part)[:120] for part in urlsplit(url).path.split("/") if part][:20])
    try:
        walk.add(data, "$", "", -1, 0)
        return dump_json(walk.result())
    except (ValueError, RecursionError):
        return None


class _Walk:
    """The walk through data; long arrays are sampled: the first, the last, and some between."""

    def __init__(self, headings: list[str]) -> None:
        self._headings = headings
        self._places: dict[tuple[str, str], int] = {}
        self._items: list[list[int]] = []
        self._containers: list[int] = []
        self._units: list[list[Any]] = []
        self._cut = 0
        self._room = MOST_CHARACTERS

    def add(self, value: Any, path: str, label: str, item: int, depth: int) -> None:
        """Add a value and all that is in it."""
        if depth > _DEEPEST:
            self._cut += 1
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                self.add(inner, f"{path}.{key}"[:300], str(key)[:60], item, depth + 1)
        elif isinstance(value, (list, tuple)):
            self._add_list(value, f"{path}[]"[:300], label, item, depth)
        else:
            self._add_text(value, path, label, item)

    def _add_list(self, values: Any, path: str, label: str, item: int, depth: int) -> None:
        container = len(self._containers)
        self._containers.append(len(values))
        numbers = _sampled(len(values), (MOST_UNITS - len(self._units)) * 3 // 4 // max(1, _size(values)))
        self._cut += len(values) - len(numbers)
        for number in numbers:
            inner = item
            if len(self._items) < _MOST_ITEMS:
                inner = len(self._items)
                self._items.append([item, container, number])
            self.add(values[number], path, label, inner, depth + 1)

    def _add_text(self, value: Any, path: str, label: str, item: int) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        text = " ".join(text[: 4 * _TEXT].split())[:_TEXT]
        size = len(text) * (1 if text.isascii() else 2) + 14
        known = (path, label) in self._places or len(self._places) < _MOST_PLACES
        if len(self._units) >= MOST_UNITS or self._room < size or not known:
            self._cut += 1
            return
        self._room -= size
        place = self._places.setdefault((path, label), len(self._places))
        self._units.append([place, item, text])

    def result(self) -> dict[str, Any]:
        """Return the map."""
        return {
            "kind": "json",
            "places": [[path, label, self._headings, "", "", 0, 0] for path, label in self._places],
            "items": self._items,
            "containers": self._containers,
            "units": self._units,
            "cut": self._cut,
        }


def _size(values: Any) -> int:
    """Return about how many texts an element holds."""
    stack, size = [values[0]] if values else [], 0
    while stack and size < MOST_UNITS:
        each = stack.pop()
        inner = each.values() if isinstance(each, Mapping) else each if isinstance(each, (list, tuple)) else None
        if inner is None:
            size += 1
        else:
            stack += list(inner)[:50]
    return size


def _sampled(count: int, most: int) -> list[int]:
    most = max(12, min(most, 1000))
    if count <= most:
        return list(range(count))
    some = most // 3
    return sorted({*range(some), *range(count - some, count), *(n * count // some for n in range(some))})


def map_of_text(text: str) -> str | None:
    """Return the map of plain text, as JSON: one unit for each of its lines."""
    lines = [" ".join(line[: 4 * _TEXT].split())[:_TEXT] for line in text[:MOST_CHARACTERS].splitlines()]
    lines = [line for line in lines if line]
    known = {
        "kind": "file", "places": [["text", "", [], "", "", 0, 0]],
        "units": [[0, -1, line] for line in lines[:MOST_UNITS]],
        "cut": max(0, len(lines) - MOST_UNITS),
    }  # fmt: skip
    return dump_json(known) if lines else None


def content_kind(head: bytes) -> str:
    """Return the kind of a file by its first bytes.

    >>> content_kind(b"%PDF-1.7"), content_kind(b"a,b\\n1,2\\n"), content_kind(b"<!DOCTYPE html>")
    ('pdf', 'csv', 'html')
    """
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image"
    if b"\x00" in head[:512]:
        return "binary"
    text = head[:512].decode("utf-8", "ignore").lstrip("\ufeff \t\r\n")
    if text[:1] == "<":
        lowered = text.lower()
        return "html" if "<html" in lowered or lowered.startswith("<!doctype html") else "text"
    lines = text.splitlines()[:2]
    if lines and any(len(lines[0].split(mark)) > 1 and all(mark in line for line in lines) for mark in ",;\t"):
        return "csv" if text[:1] not in "{[" else "text"
    return "text" if text else "binary"
