"""Texts of a parsed page's nodes as maps have them: white space collapsed, cut, without the marks of maps."""

from __future__ import annotations

import re

from sandbox.web.trees import Node, text_of

_MARKS = re.compile("[\x01-\x05]")


def plain(text: str) -> str:
    """Collapse white space."""
    return " ".join(text.split())


def unmarked(text: str) -> str:
    """Return a text without the marks that maps put into texts."""
    return text if text.isprintable() else _MARKS.sub(" ", text)


def short(text: str, most: int) -> str:
    """Return the first characters of a text, white space collapsed, without marks."""
    return plain(unmarked(text[: 8 * most]))[:most]


def start_of(node: Node, most: int) -> str:
    """Return the first characters of all text in a node, likewise."""
    return short(text_of(node), most)
