"""Helpers for mutations: finding and making parts of a page."""

from __future__ import annotations

import re
from collections.abc import Callable

from bs4 import BeautifulSoup, Tag

from engine.testing.drift.reply import Table, cells, table, text


def new(page: BeautifulSoup, name: str, words: str = "", *, attrs: dict[str, str] | None = None) -> Tag:
    """Make a new element."""
    element = page.new_tag(name, attrs=dict(attrs or {}))
    if words:
        element.string = words
    return element


def form_rows(page: BeautifulSoup) -> list[Tag]:
    """Return the blocks of a form that each hold a labeled field; none if there are fewer than three."""
    for form in page.select("form"):
        rows = [row for row in form.find_all("div", recursive=False) if isinstance(row, Tag) and row.select("input")]
        if len(rows) >= 3:
            return rows
    return []


def in_table(page: BeautifulSoup, change: Callable[[str], str]) -> bool:
    """Change the texts of the list's rows and its footer; return True if any changed."""
    found = table(page)
    changed = False
    for row in [*found.rows, *found.element.select("tfoot tr")] if found else ():
        for node in row.find_all(string=True):
            shown = change(str(node))
            if shown != str(node):
                node.replace_with(shown)
                changed = True
    return changed


def body_cells(found: Table, at: int) -> list[Tag]:
    """Return the cells of one column."""
    return [cells(row)[at] for row in found.rows]


def next_control(page: BeautifulSoup) -> Tag | None:
    """Return the control for the next page; None if there is none."""
    for element in page.select("a, button"):
        if "next" in element.get_attribute_list("rel") or re.match(r"next\b", text(element), re.IGNORECASE):
            return element
    return None
