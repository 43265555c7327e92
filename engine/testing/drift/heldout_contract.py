"""Held-out mutations, written after the first version of the contract, to test it on unforeseen changes."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from bs4 import BeautifulSoup, Tag

from engine.testing.drift.content import ERROR_PAGE, LOGIN_PAGE, chosen
from engine.testing.drift.mutation import Mutation
from engine.testing.drift.page import body_cells, in_table, new, next_control
from engine.testing.drift.reply import PAGING, Reply, cells, items, parse, table, text
from engine.testing.drift.wording import dates

_MONEY = re.compile(r"([£€])(\d[\d,]*)\.(\d\d)")


def badges(page: BeautifulSoup, reply: Reply) -> bool:
    """Put a badge before the name in a third of the rows, within the same element."""
    found = table(page)
    rows = [row for row in found.rows if chosen(found.key(row, reply.layout))] if found else []
    for row in rows:
        named = row.find("a") or cells(row)[0]
        if isinstance(named, Tag):
            named.insert(0, new(page, "b", "New "))
    return bool(rows)


def badges_json(data: Any, reply: Reply) -> Any:
    """Put a mark before the name in a third of the objects."""
    name = reply.layout.column(reply.layout.key)
    found = [item for item in items(data) if name in item and chosen(item[name])]
    for item in found:
        item[name] = f"[Updated] {item[name]}"
    return data if found else None


def capitals(page: BeautifulSoup, reply: Reply) -> bool:
    """Write names in capitals."""
    found = table(page)
    at = found.index(reply.layout.column(reply.layout.key)) if found else None
    for cell in body_cells(found, at) if found and at is not None else ():
        for node in cell.find_all(string=True):
            node.replace_with(str(node).upper())
    return at is not None


def capitals_json(data: Any, reply: Reply) -> Any:
    """Write names in capitals."""
    name = reply.layout.column(reply.layout.key)
    found = [item for item in items(data) if isinstance(item.get(name), str)]
    for item in found:
        item[name] = item[name].upper()
    return data if found else None


def footnotes(page: BeautifulSoup, reply: Reply) -> bool:
    """Put a superscript 1, the mark of a footnote, after each amount of money."""
    found = table(page)
    changed = False
    for row in found.rows if found else ():
        for cell in cells(row):
            if _MONEY.fullmatch(text(cell)):
                cell.append(new(page, "sup", "1"))
                changed = True
    return changed


def other_currency(page: BeautifulSoup, reply: Reply) -> bool:
    """Show the same figures in another currency."""
    return in_table(page, lambda shown: _MONEY.sub(r"$\2.\3", shown))


def small_units(page: BeautifulSoup, reply: Reply) -> bool:
    """Show amounts in cents."""
    return in_table(
        page, lambda shown: _MONEY.sub(lambda m: f"{m[2]}{m[3]}".replace(",", "").lstrip("0") + " c", shown)
    )


def relative(page: BeautifulSoup, reply: Reply) -> bool:
    """Write dates as times ago."""
    return in_table(page, lambda shown: re.sub(r"\b\d\d? [A-Z][a-z]{2,8} \d{4}\b", "3 months ago", shown))


def relative_json(data: Any, reply: Reply) -> Any:
    """Write dates as times ago."""
    changed = False
    for item in items(data):
        for name, value in item.items():
            if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                item[name], changed = "3 days ago", True
    return data if changed else None


def mojibake(reply: Reply) -> bool:
    """Decode the page's bytes in the wrong encoding and send the result."""
    if not reply.is_html or table(parse(reply.text)) is None or reply.text.isascii():
        return False
    reply.body = reply.body.decode("utf-8").encode().decode("latin-1").encode()
    return True


def twins(page: BeautifulSoup, reply: Reply) -> bool:
    """Add a hidden copy of each row, for small screens."""
    found = table(page)
    for row in found.rows if found else ():
        twin = copy.copy(row)
        twin["style"] = "display:none"
        row.insert_after(twin)
    return found is not None


def midway(html: str, data: str, status: int) -> Callable[[Reply], bool]:
    """Return a change that replaces lists from the second page on, and JSON from the second answer on."""

    def put(reply: Reply) -> bool:
        is_list = reply.is_html and reply.method == "GET" and table(parse(reply.text)) is not None
        if not (is_list or reply.is_json):
            return False
        seen = reply.memory["seen"] = reply.memory.get("seen", 0) + 1
        if seen < 2:
            return False
        reply.status, reply.body = status, (html if is_list else data).encode()
        return True

    return put


def endless(page: BeautifulSoup, reply: Reply) -> bool:
    """Give the last page a control for the next page that leads to itself."""
    if table(page) is None or next_control(page) is not None:
        return False
    for element in page.select("nav [aria-disabled=true]"):
        if text(element).lower().startswith("next"):
            element.replace_with(new(page, "a", text(element), attrs={"href": reply.target, "rel": "next"}))
            return True
    return False


def endless_json(data: Any, reply: Reply) -> Any:
    """Return the last objects repeatedly, and let the total grow with them."""
    if not isinstance(data, dict) or not isinstance(data.get("total"), int):
        return None
    if not items(data):
        kept = reply.memory.get("last", [])
        data["items"] = kept
    reply.memory["last"] = items(data)
    at = re.search(rf"[?&](?:{'|'.join(PAGING)})=(\d+)", reply.target)
    data["total"] = (int(at[1]) if at else 0) + 2 * len(items(data))
    return data


def no_body(reply: Reply) -> bool:
    """Return empty bodies."""
    if not (reply.is_html or reply.is_json):
        return False
    reply.body = b"" if reply.is_html else b"{}"
    return True


def soft_missing(page: BeautifulSoup, reply: Reply) -> bool:
    """Show "page not found" in the site's own frame, with status 200."""
    main = page.find("main")
    if not isinstance(main, Tag) or table(page) is None:
        return False
    main.clear()
    main.append(new(page, "h1", "Page not found"))
    main.append(new(page, "p", "We could not find what you were looking for."))
    return True


def merged(page: BeautifulSoup, reply: Reply) -> bool:
    """Merge two columns into one, their values separated by a comma."""
    found, layout = table(page), reply.layout
    if found is None or layout.alike is None:
        return False
    first, second = (found.index(layout.column(name)) for name in layout.alike)
    if first is None or second is None:
        return False
    for row in [found.head, *map(cells, found.rows)]:
        gone = row[second].extract()
        row[first].append(f", {text(gone)}")
    return True


def groups(page: BeautifulSoup, reply: Reply) -> bool:
    """Group the rows, with a heading row for each group."""
    found = table(page)
    for number, row in enumerate(found.rows[::4] if found else ()):
        head = new(page, "tr")
        head.append(new(page, "th", f"Group {number + 1}", attrs={"colspan": str(len(cells(row)))}))
        row.insert_before(head)
    return found is not None


def first_rows(page: BeautifulSoup, reply: Reply) -> bool:
    """Leave only the rows that fit the window; the others would load on scrolling."""
    found = table(page)
    for row in found.rows[5:] if found else ():
        row.extract()
    return found is not None and len(found.rows) > 5


def shifted(page: BeautifulSoup, reply: Reply) -> bool:
    """Shift a field's values up by one row."""
    found = table(page)
    at = found.index(reply.layout.column(reply.layout.sparse)) if found else None
    column = body_cells(found, at) if found and at is not None else []
    shown = [list(cell.children) for cell in column]
    for cell, children in zip(column, [*shown[1:], *shown[:1]], strict=True):
        cell.extend([child.extract() for child in children])
    return len(column) > 1


def shifted_json(data: Any, reply: Reply) -> Any:
    """Shift a member's values up by one object."""
    name, found = reply.layout.column(reply.layout.sparse), items(data)
    values = [item.get(name) for item in found]
    for item, value in zip(found, [*values[1:], *values[:1]], strict=True):
        item[name] = value
    return data if len(found) > 1 else None


def constant(page: BeautifulSoup, reply: Reply) -> bool:
    """Give a field the value of the first row in every row."""
    found = table(page)
    at = found.index(reply.layout.column(reply.layout.sparse)) if found else None
    column = body_cells(found, at) if found and at is not None else []
    for cell in column[1:]:
        cell.clear()
        cell.extend([copy.copy(child) for child in column[0].children])
    return len(column) > 1


def constant_json(data: Any, reply: Reply) -> Any:
    """Give a member the value of the first object in every object."""
    name, found = reply.layout.column(reply.layout.sparse), items(data)
    for item in found:
        item[name] = found[0].get(name)
    return data if len(found) > 1 else None


def behind_consent(page: BeautifulSoup, reply: Reply) -> bool:
    """Hide the page until a button is pressed."""
    if page.body is None or not isinstance(page.find("main"), Tag):
        return False
    veil = new(page, "div", "We need your consent. ", attrs={"role": "dialog"})
    veil.append(
        new(page, "button", "I agree", attrs={"onclick": "this.parentElement.nextElementSibling.hidden = false"})
    )
    rest = new(page, "div", attrs={"hidden": ""})
    for child in list(page.body.children):
        rest.append(child.extract())
    page.body.extend([veil, rest])
    return True


def in_frame(page: BeautifulSoup, reply: Reply) -> bool:
    """Put the main part into a frame."""
    main = page.find("main")
    if not isinstance(main, Tag) or page.select("form"):
        return False
    inner = "".join(str(child.extract()) for child in list(main.children))
    main.append(new(page, "iframe", attrs={"srcdoc": inner, "width": "100%", "height": "800"}))
    return True


_SHORT = dates("{d:02}.{m:02}.{y:04}")

# These gave silently wrong output when they were written; the contract has had rules for them since.
CONTRACT_COVERED = (
    Mutation("badges", "a badge before the name in a third of the rows", "same",
             html=badges, json=badges_json, needs=("key",)),
    Mutation("capitals", "names in capitals", "trouble", html=capitals, json=capitals_json, needs=("key",)),
    Mutation("mojibake", "text in the wrong encoding", "trouble", whole=mojibake),
    Mutation("constant-column", "a field has one value in all rows", "trouble",
             html=constant, json=constant_json, needs=("sparse",)),
)  # fmt: skip

CONTRACT_HELD_OUT = (
    Mutation("footnotes", "a superscript 1 after each amount", "same", html=footnotes),
    Mutation("other-currency", "the same figures in another currency", "trouble", html=other_currency),
    Mutation("small-units", "amounts in hundredths", "same", html=small_units),
    Mutation("relative-dates", "dates as times ago", "trouble", html=relative, json=relative_json),
    Mutation("date-german", "dates as DD.MM.YYYY", "same", html=_SHORT[0], json=_SHORT[1]),
    Mutation("hidden-twins", "every row a second time, hidden, for small screens", "same", html=twins),
    Mutation("login-midway", "a login form from the second list on", "trouble",
             whole=midway(LOGIN_PAGE, '{"login": true}', 200)),
    Mutation("error-midway", "an error page, status 500, from the second list on", "trouble",
             whole=midway(ERROR_PAGE, "{}", 500)),
    Mutation("endless-pages", "the last page leads to itself", "same", html=endless, json=endless_json),
    Mutation("empty-body", "empty answers with status 200", "trouble", whole=no_body),
    Mutation("soft-404", '"page not found" in the site\'s own frame, with status 200', "trouble", html=soft_missing),
    Mutation("merged-columns", "two columns have become one", "same", html=merged, needs=("alike",)),
    Mutation("group-heads", "a heading above every four rows", "same", html=groups),
    Mutation("first-rows-only", "only five rows, as in a virtualized list", "trouble", html=first_rows),
    Mutation("shifted-column", "a field's values are one row too high", "trouble",
             html=shifted, json=shifted_json, needs=("sparse",)),
    Mutation("consent-first", "the page is hidden until a button is pressed", "same", html=behind_consent),
    Mutation("in-frame", "the main part is in a frame", "same", html=in_frame),
)  # fmt: skip
