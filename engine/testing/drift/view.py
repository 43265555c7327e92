"""An answer with its rows, for mutations that change what a page means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString

from engine.testing.drift.marks import Marks, Role
from engine.testing.drift.reply import Reply, items, parse, text

Change = Callable[[str], str]
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


class Item(Protocol):
    """A row, or the page of an object."""

    def get(self, name: str) -> str:
        """Return a field's text; empty where it is not shown."""

    def put(self, name: str, words: str) -> bool:
        """Show another text in its place; return True if the field is shown."""

    def rewrite(self, name: str, change: Change) -> bool:
        """Change each text of the field; return True if any changed."""

    def number(self, name: str, change: Callable[[float], float]) -> bool:
        """Change the field's first number, written as before; return True if there is one."""


@dataclass
class HtmlItem:
    """A row of a page."""

    element: Tag
    marks: Marks

    def part(self, name: str) -> Tag | None:
        """Return the element that shows a field."""
        if name not in self.marks.fields:
            return None
        selector = self.marks.fields[name]
        return self.element.select_one(selector) if selector else self.element

    def get(self, name: str) -> str:
        part = self.part(name)
        return text(part) if part is not None else ""

    def put(self, name: str, words: str) -> bool:
        if (part := self.part(name)) is None:
            return False
        part.clear()
        part.append(words)
        return True

    def rewrite(self, name: str, change: Change) -> bool:
        part = self.part(name)
        return part is not None and rewrite(part, change)

    def number(self, name: str, change: Callable[[float], float]) -> bool:
        part = self.part(name)
        for node in list(part.find_all(string=_NUMBER)) if part is not None else ():
            node.replace_with(scaled(str(node), change))
            return True
        return False


@dataclass
class JsonItem:
    """An object of a JSON answer."""

    data: dict[str, Any]
    marks: Marks

    def get(self, name: str) -> str:
        value = self.data.get(self.marks.fields.get(name, ""))
        return "" if value is None else str(value)

    def put(self, name: str, words: str) -> bool:
        key = self.marks.fields.get(name, "")
        if key not in self.data:
            return False
        self.data[key] = words
        return True

    def rewrite(self, name: str, change: Change) -> bool:
        key = self.marks.fields.get(name, "")
        before = self.data.get(key)
        if isinstance(before, str):
            self.data[key] = change(before)
        return before != self.data.get(key)

    def number(self, name: str, change: Callable[[float], float]) -> bool:
        key = self.marks.fields.get(name, "")
        before = self.data.get(key)
        if isinstance(before, str):
            self.data[key] = scaled(before, change)
        elif isinstance(before, int | float) and not isinstance(before, bool):
            self.data[key] = type(before)(round(change(before), 2))
        return before != self.data.get(key)


@dataclass
class View:
    """An answer with its rows, for a mutation to change.

    Args:
        page: The page's tree; None of a JSON answer.
        rows: The rows; the page itself where it shows a single object.
    """

    reply: Reply
    marks: Marks
    page: BeautifulSoup | None
    rows: list[Item]

    def field(self, role: Role) -> str:
        """Return the field of this role; empty where there is none."""
        return self.marks.roles.get(role, "")

    def shows(self, name: str, pattern: str) -> bool:
        """Return True if at least two thirds of the field's texts match."""
        shown = [words for row in self.rows if (words := row.get(name))]
        return bool(shown) and 3 * sum(bool(re.search(pattern, words)) for words in shown) >= 2 * len(shown)

    def labels(self, name: str) -> list[Tag]:
        """Return the elements that label a field."""
        if self.page is None or not (selector := self.marks.labels.get(name)):
            return []
        return list(self.page.select(selector))

    def labeled(self, name: str, pattern: str) -> bool:
        """Return True if a label of the field matches."""
        return any(re.search(pattern, text(label)) for label in self.labels(name))

    def relabel(self, name: str, change: Change) -> bool:
        """Change the field's labels; return True if any changed."""
        return some(rewrite(label, change) for label in self.labels(name))

    def parts(self, name: str) -> list[tuple[HtmlItem, Tag]]:
        """Return the rows of a page that show a field, each with the element that shows it."""
        items = [row for row in self.rows if isinstance(row, HtmlItem)]
        return [(item, part) for item in items if (part := item.part(name)) is not None]


def view_of(page: BeautifulSoup, reply: Reply) -> View | None:
    """Return a page's view; None where nothing is known of the site."""
    marks = reply.layout.marks
    if marks is None:
        return None
    if marks.items:
        rows: list[Item] = [HtmlItem(element, marks) for element in page.select(marks.items)]
    else:
        whole = HtmlItem(page, marks)
        rows = [whole] if sum(whole.part(name) is not None for name in marks.fields) > len(marks.fields) / 2 else []
    return View(reply, marks, page, rows)


def view_of_json(data: Any, reply: Reply) -> View | None:
    """Return a JSON answer's view; None where nothing is known of the site."""
    marks = reply.layout.marks
    if marks is None:
        return None
    return View(reply, marks, None, [JsonItem(item, marks) for item in items(data)])


def other_view(view: View, target: str | None) -> View | None:
    """Return the view of another page of the site, unchanged; None where there is none with rows."""
    if target is None or view.reply.fetch is None or view.page is None:
        return None
    return view_of(parse(view.reply.fetch(target)), view.reply)


def holder(row: Tag) -> Tag:
    """Return the element that holds a page's rows, given one of them."""
    around = row.find_parent(["table", "ul", "ol"]) or row.parent
    assert isinstance(around, Tag), "a row has its place on a page"
    return around


def remove(rows: list[Tag]) -> bool:
    """Take rows off their page; return True if there were any."""
    for row in rows:
        row.extract()
    return bool(rows)


def some(changed: Iterable[bool]) -> bool:
    """Return True if any is, after all were made: `any` would stop at the first."""
    return sum(changed) > 0


def rewrite(element: Tag, change: Change) -> bool:
    """Change each text within an element; return True if any changed."""
    changed = False
    for node in list(element.find_all(string=True)):
        if isinstance(node, NavigableString) and (words := change(str(node))) != str(node):
            node.replace_with(words)
            changed = True
    return changed


def scaled(words: str, change: Callable[[float], float]) -> str:
    """Change the first number in a text, with as many decimals as before."""

    def write(found: re.Match[str]) -> str:
        number, decimals = float(found[0].replace(",", "")), len(found[0].partition(".")[2])
        return f"{change(number):{',' if ',' in found[0] else ''}.{decimals}f}"

    return _NUMBER.sub(write, words, count=1)
