"""Held-out mutations, written last, after the rules that the other mutations had led to."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from bs4 import BeautifulSoup, Tag

from engine.testing.drift.mutation import Mutation
from engine.testing.drift.page import body_cells, in_table
from engine.testing.drift.reply import Reply, cells, items, table, text

_MONEY = re.compile(r"([£€])(\d[\d,]*)\.(\d\d)")
_DATE = re.compile(r"\b(\d\d? [A-Z][a-z]{2,8} )(\d{4})\b")
_EVERY = 5  # rows between advertisements


def _in_items(change: Callable[[str, Any], Any]) -> Callable[[Any, Reply], Any]:
    """Return a change of the members of a JSON answer's objects, except those that name an object."""

    def applied(data: Any, reply: Reply) -> Any:
        key, changed = reply.layout.column(reply.layout.key), False
        for item in items(data):
            for name, value in item.items():
                if name not in (key, "id") and (shown := change(name, value)) != value:
                    item[name], changed = shown, True
        return data if changed else None

    return applied


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def unlinked(page: BeautifulSoup, reply: Reply) -> bool:
    """Sort a field's values independently of their rows."""
    found = table(page)
    at = found.index(reply.layout.column(reply.layout.sparse)) if found else None
    column = body_cells(found, at) if found and at is not None else []
    shown = [(text(cell), [child.extract() for child in list(cell.children)]) for cell in column]
    ordered = sorted(shown, key=lambda each: each[0])
    for cell, (_, children) in zip(column, ordered, strict=True):
        cell.extend(children)
    return [each[0] for each in ordered] != [each[0] for each in shown]


def unlinked_json(data: Any, reply: Reply) -> Any:
    """Sort a member's values independently of their objects."""
    name, found = reply.layout.column(reply.layout.sparse), items(data)
    values = [item.get(name) for item in found]
    ordered = sorted(values, key=str)
    for item, value in zip(found, ordered, strict=True):
        item[name] = value
    return data if ordered != values else None


def one_more(page: BeautifulSoup, reply: Reply) -> bool:
    """Increase every amount by one."""
    return in_table(page, lambda shown: _MONEY.sub(lambda m: f"{m[1]}{int(m[2].replace(',', '')) + 1:,}.{m[3]}", shown))


def nothing_owed(page: BeautifulSoup, reply: Reply) -> bool:
    """Set every amount to zero."""
    return in_table(page, lambda shown: _MONEY.sub(r"\g<1>0.00", shown))


def _escaped(shown: str) -> str:
    return shown.replace("&", "&amp;").replace("'", "&#39;").replace("\u2019", "&rsquo;")


def escaped_twice(page: BeautifulSoup, reply: Reply) -> bool:
    """Show the HTML escapes of ampersands and apostrophes."""
    return in_table(page, _escaped)


def escaped_twice_json(data: Any, reply: Reply) -> Any:
    """Replace ampersands and apostrophes by their HTML escapes."""
    changed = False
    for item in items(data):
        for name, value in item.items():
            if isinstance(value, str) and (shown := _escaped(value)) != value:
                item[name], changed = shown, True
    return data if changed else None


def loading(page: BeautifulSoup, reply: Reply) -> bool:
    """Show "Loading…" in place of a field's values."""
    found = table(page)
    at = found.index(reply.layout.column(reply.layout.sparse)) if found else None
    for cell in body_cells(found, at) if found and at is not None else ():
        cell.string = "Loading…"
    return at is not None


def loading_json(data: Any, reply: Reply) -> Any:
    """Set a member to "Loading…" in every object."""
    name, found = reply.layout.column(reply.layout.sparse), items(data)
    for item in found:
        item[name] = "Loading…"
    return data if found else None


def sponsored(page: BeautifulSoup, reply: Reply) -> bool:
    """Insert an advertisement that looks like a row above every fifth row."""
    found, layout = table(page), reply.layout
    at = found.index(layout.column(layout.key)) if found else None
    for row in found.rows[::_EVERY] if found else ():
        advertisement = copy.copy(row)
        advertisement["class"] = "sponsored"
        named = cells(advertisement)[at or 0]
        link = named.find("a")
        (link if isinstance(link, Tag) else named).string = "Sponsored: Quickfix Loans"
        row.insert_before(advertisement)
    return found is not None


def sponsored_json(data: Any, reply: Reply) -> Any:
    """Insert an advertisement before every fifth object."""
    name, found = reply.layout.column(reply.layout.key), items(data)
    if not found:
        return None
    for place in reversed(range(0, len(found), _EVERY)):
        found.insert(place, {**found[place], name: "Sponsored: Quickfix Loans", "sponsored": True})
    return data


def code_after(page: BeautifulSoup, reply: Reply) -> bool:
    """Write the currency's code after amounts, instead of its sign before them."""
    codes = {"£": "GBP", "€": "EUR"}
    return in_table(page, lambda shown: _MONEY.sub(lambda m: f"{m[2]}.{m[3]} {codes[m[1]]}", shown))


def next_year(page: BeautifulSoup, reply: Reply) -> bool:
    """Move every date a year ahead."""
    return in_table(page, lambda shown: _DATE.sub(lambda m: f"{m[1]}{int(m[2]) + 1}", shown))


def _year_later(name: str, value: Any) -> Any:
    found = re.match(r"(\d{4})(-\d\d-\d\d.*)", value) if isinstance(value, str) else None
    return f"{int(found[1]) + 1}{found[2]}" if found else value


# These gave silently wrong output when they were written; the contract has had rules for them since.
GATE_COVERED = (
    Mutation("escaped-twice", "HTML escapes shown in place of characters", "trouble",
             html=escaped_twice, json=escaped_twice_json),
    Mutation("next-year", "dates a year too late", "trouble", html=next_year, json=_in_items(_year_later)),
)  # fmt: skip

GATE_HELD_OUT = (
    Mutation("unlinked-column", "a field's values sorted independently of their rows", "trouble",
             html=unlinked, json=unlinked_json, needs=("sparse",)),
    Mutation("one-more", "amounts one too high", "trouble",
             html=one_more, json=_in_items(lambda _, value: value + 1 if _is_count(value) else value)),
    Mutation("all-zero", "amounts all zero", "trouble",
             html=nothing_owed, json=_in_items(lambda _, value: 0 if _is_count(value) else value)),
    Mutation("loading", '"Loading…" in place of a field', "trouble", html=loading, json=loading_json,
             needs=("sparse",)),
    Mutation("sponsored", "advertisements among the rows", "same",
             html=sponsored, json=sponsored_json, needs=("key",)),
    Mutation("code-after", "amounts with the currency's code after them", "same", html=code_after),
)  # fmt: skip
