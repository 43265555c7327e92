"""Mutations of the content: the site shows other data, or no longer the data that were requested."""

from __future__ import annotations

import copy
import re
import zlib
from collections.abc import Callable
from typing import Any

from bs4 import BeautifulSoup, Tag

from engine.testing.drift.mutation import Mutation
from engine.testing.drift.page import body_cells, next_control
from engine.testing.drift.reply import PAGING, Layout, Reply, cells, items, parse, table, text, without


def chosen(key: object) -> bool:
    """Return True for a third of the rows, decided by their names, so that the same rows are chosen on every page."""
    return zlib.crc32(str(key).encode()) % 3 == 0


def drop_some(page: BeautifulSoup, reply: Reply) -> bool:
    """Empty the field's cell in the chosen rows."""
    found, layout = table(page), reply.layout
    at = found.index(layout.column(layout.sparse)) if found else None
    if found is None or at is None:
        return False
    rows = [row for row in found.rows if chosen(found.key(row, layout))]
    for row in rows:
        cells(row)[at].clear()
    return bool(rows)


def drop_some_json(data: Any, reply: Reply) -> Any:
    """Set the field's member to null in the chosen objects."""
    layout = reply.layout
    found = [item for item in items(data) if chosen(item.get(layout.column(layout.key)))]
    for item in found:
        item[layout.column(layout.sparse)] = None
    return data if found else None


def dropped(output: Any, layout: Layout) -> Any:
    """Return the right output then: None where the site has no value."""
    return [{**row, layout.sparse: None} if chosen(row[layout.key]) else row for row in output]


def drop_column(page: BeautifulSoup, reply: Reply) -> bool:
    """Remove the field's column."""
    found = table(page)
    at = found.index(reply.layout.column(reply.layout.sparse)) if found else None
    if found is None or at is None:
        return False
    for row in list(found.every_row()):
        if len(row) > at:
            row[at].extract()
    return True


def drop_key(data: Any, reply: Reply) -> Any:
    """Remove the field's member from every object."""
    name = reply.layout.column(reply.layout.sparse)
    return data if [item.pop(name, None) for item in items(data)] else None


def blank_column(page: BeautifulSoup, reply: Reply) -> bool:
    """Empty the field's cell in every row."""
    found = table(page)
    at = found.index(reply.layout.column(reply.layout.sparse)) if found else None
    for cell in body_cells(found, at) if found and at is not None else ():
        cell.clear()
    return at is not None


def blank_key(data: Any, reply: Reply) -> Any:
    """Set the field's member to null in every object."""
    for item in (found := items(data)):
        item[reply.layout.column(reply.layout.sparse)] = None
    return data if found else None


def no_rows(page: BeautifulSoup, reply: Reply) -> bool:
    """Remove all rows of the list, without an explanation."""
    found = table(page)
    for row in found.rows if found else ():
        row.extract()
    return found is not None


def no_items(data: Any, reply: Reply) -> Any:
    """Remove all objects of the list, but leave the total."""
    found = items(data)
    if not found:
        return None
    found.clear()
    return data


def cut_pages(page: BeautifulSoup, reply: Reply) -> bool:
    """Remove the pagination controls."""
    found = next_control(page)
    if found is None or table(page) is None:
        return False
    around = found.find_parent("nav") or found
    around.extract()
    return True


def cut_json(data: Any, reply: Reply) -> Any:
    """Return only the first part of the list, but leave the total."""
    found = items(data)
    if not found or not re.search(rf"[?&]({'|'.join(PAGING)})=[1-9]", reply.target):
        return None
    found.clear()
    return data


def cut_quietly(page: BeautifulSoup, reply: Reply) -> bool:
    """Leave only the first page of a list, or its first two thirds, and adjust the page's own count."""
    found = table(page)
    if found is None or len(found.rows) < 3:
        return False
    had, left = len(found.rows), found.rows
    if not cut_pages(page, reply):
        if next_control(page) is not None or re.search(r"[?&]page=[2-9]", reply.target):
            return False
        left = found.rows[: had * 2 // 3]
        for row in found.rows[had * 2 // 3 :]:
            row.extract()
    for node in page.find_all(string=re.compile(r"\bof \d+ entries|^\d+ (?:reports?|invoices?)\b")):
        shown = re.sub(r"\bof \d+ entries", f"of {len(left)} entries", str(node))
        node.replace_with(re.sub(r"^\d+ (reports?|invoices?)\b", rf"{len(left)} \1", shown))
    return True


def cut_json_quietly(data: Any, reply: Reply) -> Any:
    """Return only the first part of the list, and adjust the total."""
    if not isinstance(data, dict) or not items(data):
        return None
    for name, value in data.items():
        if isinstance(value, int) and not isinstance(value, bool) and value > len(items(data)):
            data[name] = len(items(data))
            return data
    return None


def duplicate(page: BeautifulSoup, reply: Reply) -> bool:
    """Duplicate every fourth row."""
    found = table(page)
    for row in found.rows[::4] if found else ():
        row.insert_after(copy.copy(row))
    return found is not None


def duplicate_items(data: Any, reply: Reply) -> Any:
    """Duplicate every fourth object."""
    found = items(data)
    found[:] = [copy.copy(each) for at, item in enumerate(found) for each in [item] * (2 if at % 4 == 0 else 1)]
    return data if found else None


def stale_page(target: str, layout: Layout) -> str:
    """Return the first page, whichever page is requested."""
    return without(target, PAGING)


def stale_list(reply: Reply) -> bool:
    """Return the first list that was shown, whichever list is requested."""
    if not reply.is_html or reply.method != "GET" or table(parse(reply.text)) is None:
        return False
    first = reply.memory.setdefault("first", reply.body)
    changed = bool(first != reply.body)
    reply.body = first
    return changed


def unfiltered(target: str, layout: Layout) -> str:
    """Request the data without the parameters that filter them."""
    return without(target, PAGING, only=True) if "/api/" in target else target


def swap_values(page: BeautifulSoup, reply: Reply) -> bool:
    """Swap two columns of like type, but not their heads."""
    found, layout = table(page), reply.layout
    if found is None or layout.alike is None:
        return False
    first, second = (found.index(layout.column(name)) for name in layout.alike)
    if first is None or second is None:
        return False
    for row in found.rows:
        _exchange(cells(row)[first], cells(row)[second])
    return True


def swap_labels(page: BeautifulSoup, reply: Reply) -> bool:
    """Swap the labels of two form fields; in a list, swap two columns, but not their heads."""
    if swap_values(page, reply):
        return True
    labels = [each for each in page.select("label[for]") if reply.layout.alike and text(each) in reply.layout.alike]
    if len(labels) != 2:
        return False
    _exchange(labels[0], labels[1])
    return True


def swap_members(data: Any, reply: Reply) -> Any:
    """Swap the values of two members of like type."""
    layout = reply.layout
    if layout.alike is None:
        return None
    first, second = (layout.column(name) for name in layout.alike)
    found = [item for item in items(data) if first in item and second in item]
    for item in found:
        item[first], item[second] = item[second], item[first]
    return data if found else None


def _exchange(one: Tag, other: Tag) -> None:
    ours, theirs = [each.extract() for each in list(one.children)], [each.extract() for each in list(other.children)]
    one.extend(theirs)
    other.extend(ours)


def truncate(page: BeautifulSoup, reply: Reply) -> bool:
    """Long names are cut, with an ellipsis."""
    found = table(page)
    at = found.index(reply.layout.column(reply.layout.key)) if found else None
    changed = False
    for cell in body_cells(found, at) if found and at is not None else ():
        link = cell.find("a")
        named = link if isinstance(link, Tag) else cell
        if len(text(named)) > 14:
            named.string = f"{text(named)[:12]}…"
            changed = True
    return changed


def truncate_items(data: Any, reply: Reply) -> Any:
    """Long names are cut, with an ellipsis."""
    name = reply.layout.column(reply.layout.key)
    found = [item for item in items(data) if len(str(item.get(name, ""))) > 14]
    for item in found:
        item[name] = f"{item[name][:12]}…"
    return data if found else None


def skeleton(page: BeautifulSoup, reply: Reply) -> bool:
    """Replace every text in the rows by "Loading…"."""
    found = table(page)
    for row in found.rows if found else ():
        for node in row.find_all(string=True):
            if str(node).strip():
                node.replace_with("Loading…")
    return found is not None


def skeleton_items(data: Any, reply: Reply) -> Any:
    """Replace every text in the objects by "Loading…"."""
    for item in (found := items(data)):
        item.update({name: "Loading…" for name, value in item.items() if isinstance(value, str)})
    return data if found else None


LOGIN_PAGE = """<!doctype html><title>Sign in</title><h1>Please sign in to continue</h1>
<form method="post" action="/account"><label for="mail">Email</label><input id="mail" name="mail">
<label for="word">Password</label><input id="word" name="word" type="password"><button>Continue</button></form>"""
ERROR_PAGE = (
    """<!doctype html><title>Error</title><h1>Something went wrong</h1><p>Please try again in a few minutes.</p>"""
)
WALL_PAGE = (
    """<!doctype html><title>Just a moment</title><h1>Verify you are human</h1><p>Complete the captcha below.</p>"""
)


def instead(html: str, json: str = "", status: int = 200) -> Callable[[Reply], bool]:
    """Return a change that replaces every page by this one, and every JSON answer by this text."""

    def put(reply: Reply) -> bool:
        if reply.is_html or (reply.is_json and not json):
            reply.status, reply.content_type, reply.body = status, "text/html; charset=utf-8", html.encode()
        elif reply.is_json:
            reply.status, reply.body = status, json.encode()
        else:
            return False
        return True

    return put


CONTENT = (
    Mutation("field-missing", "a field is empty in a third of the rows", "data",
             html=drop_some, json=drop_some_json, truth=dropped, needs=("sparse", "key")),
    Mutation("column-gone", "a field's column is gone", "trouble", html=drop_column, json=drop_key, needs=("sparse",)),
    Mutation("column-blank", "a field is empty in every row", "trouble",
             html=blank_column, json=blank_key, needs=("sparse",)),
    Mutation("empty-list", "no rows, without an explanation", "trouble", html=no_rows, json=no_items),
    Mutation("pages-cut", "the pagination controls are gone", "trouble", html=cut_pages, json=cut_json),
    Mutation("pages-cut-quietly", "only the first part is left, and the site's own count agrees", "trouble",
             html=cut_quietly, json=cut_json_quietly),
    Mutation("duplicate-rows", "every fourth row is duplicated", "trouble", html=duplicate, json=duplicate_items),
    Mutation("stale-page", "the first page in place of every other", "trouble", ask=stale_page),
    Mutation("stale-list", "the first list in place of the requested one", "trouble",
             whole=stale_list, ask=unfiltered),
    Mutation("swapped-fields", "two fields of like type are swapped", "trouble",
             html=swap_labels, json=swap_members, needs=("alike",)),
    Mutation("truncated-names", "long names are cut, with an ellipsis", "trouble",
             html=truncate, json=truncate_items, needs=("key",)),
    Mutation("skeleton", '"Loading…" in place of every text in the rows', "trouble",
             html=skeleton, json=skeleton_items),
    Mutation("login-wall", "a login form in place of every page", "trouble", whole=instead(LOGIN_PAGE)),
    Mutation("error-page", "an error page with status 200", "trouble",
             whole=instead(ERROR_PAGE, '{"error": "something went wrong"}')),
    Mutation("bot-wall", "a bot check with status 200", "trouble", whole=instead(WALL_PAGE)),
    Mutation("server-error", "status 500 for everything", "trouble",
             whole=instead(ERROR_PAGE, '{"error": "internal"}', 500)),
)  # fmt: skip
