"""Pages of third-party applications, saved and served with other rows: see `third_party/NOTICE.md`."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag

from engine.testing.drift import Marks
from engine.testing.drift.reply import parse
from tests.benchmarks.pages.make import Body, Make, Rows

_FOLDER = Path(__file__).with_name("third_party")
Shows = Mapping[str, str | None]
"""For each element, by its selector, its text; with ``@name`` after the selector an attribute, None for without it."""


@functools.cache
def _source(name: str) -> str:
    return _FOLDER.joinpath(name).read_text()


def page_of(name: str, around: Shows, items: str = "", rows: Iterable[tuple[Shows, int]] = ()) -> BeautifulSoup:
    """Return a saved page with other texts.

    Args:
        items: The saved rows, in place of which `rows` come: what each shows, and which saved one it is made after.
    """
    page = parse(_source(f"{name}.html"))
    samples = page.select(items) if items else []
    for shows, sample in rows:
        row = copy.copy(samples[sample])
        _put(row, shows)
        samples[0].insert_before(row, "\n")
    for each in samples:
        each.extract()
    _put(page, around)
    return page


def _put(within: Tag, shows: Shows) -> None:
    for place, words in shows.items():
        selector, _, attribute = place.partition("@")
        found = within.select(selector)
        assert found, f"the saved page has no {selector}"
        for element in found:
            if not attribute:
                _say(element, words or "")
            elif words is None:
                element.attrs.pop(attribute, None)
            else:
                element[attribute] = words


def _say(element: Tag, words: str) -> None:
    """Replace an element's own text, and leave the elements within."""
    for text in element.find_all(string=True, recursive=False):
        if text.strip():
            text.replace_with(words)
            return
    element.append(words)


def body_of(page: BeautifulSoup) -> Body:
    """Return a page as the answer of a site."""
    return Body(str(page).encode())


def make(
    name: str,
    task: str,
    parameter: str,
    values: tuple[str, str],
    rows: Callable[[int], Rows],
    render: Callable[[str, Mapping[str, str], Rows], Body],
    fields: tuple[str, ...],
    marks: Marks,
    *,
    group: str = "",
) -> Make:
    """Make a site whose list shows the rows that the parameter names, or whose page one of them."""

    def truth(asked: Mapping[str, Any], rows: Rows) -> Any:
        found = [
            {each: row[each].isoformat() if isinstance(row[each], date) else row[each] for each in fields}
            for row in rows
            if row[group or parameter] == asked[parameter]
        ]
        return found if marks.items else found[0]

    return Make(
        name=name, task=task, code=_source(f"{name}.txt"), parameters=tuple({parameter: value} for value in values),
        marks=marks, group=group or parameter, rows=rows, render=render, truth=truth,
    )  # fmt: skip
