"""Mutations of the markup, after which a reader still finds the same data."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from typing import Any

from bs4 import BeautifulSoup, Tag

from engine.testing.drift.mutation import Mutation
from engine.testing.drift.page import form_rows, new
from engine.testing.drift.reply import Reply, items, table

_REFERENCES = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "list")


def rename_classes(page: BeautifulSoup, reply: Reply) -> bool:
    """Rename every class and id, in style sheets and scripts, too."""
    names: dict[str, str] = {}
    for element in page.select("[class], [id]"):
        for name in [*(element.get("class") or []), *([element["id"]] if element.get("id") else [])]:
            names[str(name)] = "r" + hashlib.blake2b(str(name).encode(), digest_size=4).hexdigest()
    for element in page.select("*"):
        if element.get("class"):
            element["class"] = " ".join(names[str(name)] for name in element.get_attribute_list("class") if name)
        if element.get("id"):
            element["id"] = names[str(element["id"])]
        for attribute in _REFERENCES:
            if element.get(attribute):
                element[attribute] = " ".join(names.get(name, name) for name in str(element[attribute]).split())
    if names:
        known = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
        pattern = re.compile(rf"(?<=[.#'\" ])({known})(?![\w-])")
        for element in page.select("style, script:not([src])"):
            element.string = pattern.sub(lambda match: names[match[1]], element.get_text())
    return bool(names)


def reorder(page: BeautifulSoup, reply: Reply) -> bool:
    """Make the first column the last; reverse the fields of a form."""
    if found := table(page):
        for row in found.every_row():
            if len(row) > 1:
                row[-1].insert_after(row[0].extract())
        return True
    return bool(rows := form_rows(page)) and _reverse(rows)


def _reverse(rows: list[Tag]) -> bool:
    first = rows[0]
    for row in rows[1:]:
        first.insert_before(row.extract())
        first = row
    return True


def reorder_keys(data: Any, reply: Reply) -> Any:
    """Reverse the order of the members in every object."""
    if isinstance(data, dict):
        return {name: reorder_keys(value, reply) for name, value in reversed(data.items())}
    return [reorder_keys(each, reply) for each in data] if isinstance(data, list) else data


def insert_column(page: BeautifulSoup, reply: Reply) -> bool:
    """Insert a first column of row numbers; add a field to a form."""
    if found := table(page):
        for number, row in enumerate(found.every_row()):
            if row:
                row[0].insert_before(new(page, row[0].name, "No." if not number else str(number)))
        return True
    if rows := form_rows(page):
        extra = new(page, "div")
        extra.append(new(page, "label", "Nickname", attrs={"for": "extra-field"}))
        extra.append(new(page, "input", attrs={"id": "extra-field", "name": "nickname", "type": "text"}))
        rows[0].insert_before(extra)
        return True
    return False


def insert_keys(data: Any, reply: Reply) -> Any:
    """Add members to every object of the list."""
    for number, item in enumerate(found := items(data)):
        item.update({"position": number, "sponsored": False, **item})
    return data if found else None


def wrap(page: BeautifulSoup, reply: Reply) -> bool:
    """Wrap the contents of cells, labels and the main part in further elements."""
    for element in page.select("td, th, main, label, form > div"):
        outer, inner = new(page, "div" if element.name in ("td", "th", "main") else "span"), new(page, "span")
        for child in list(element.children):
            (outer if element.name == "main" else inner).append(child.extract())
        if element.name != "main":
            outer.append(inner)
        element.append(outer)
    return bool(page.select("td, main, label"))


def wrap_json(data: Any, reply: Reply) -> Any:
    """Nest the answer one level deeper."""
    return {"status": "ok", "data": data}


def retag(page: BeautifulSoup, reply: Reply) -> bool:
    """Make column heads plain cells, headings a level lower, and paragraphs blocks."""
    found = page.select("thead th, h1, h2, main p, small, label b")
    for element in found:
        element.name = {"th": "td", "h1": "h2", "h2": "h3", "p": "div", "small": "span", "b": "strong"}[element.name]
    return bool(found)


def grid(page: BeautifulSoup, reply: Reply) -> bool:
    """Build tables of blocks with roles."""
    roles = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tfoot": "rowgroup", "tr": "row",
             "th": "columnheader", "td": "cell"}  # fmt: skip
    found = table(page)
    if found is None:
        return False
    for element in [found.element, *found.element.select(",".join(roles))]:
        if element.name == "th" and element.find_parent("thead") is None:
            element["role"] = "rowheader"
        else:
            element["role"] = roles[element.name]
        element.name = "div"
    return True


def banner(page: BeautifulSoup, reply: Reply) -> bool:
    """Put a banner above everything, with an offer, a button for more offers, and one to close it."""
    if page.body is None:
        return False
    bar = new(page, "div", "Autumn week: 3 offers for readers until 30 November. ", attrs={"style": "padding:14px"})
    bar.append(new(page, "button", "Show more offers"))
    bar.append(new(page, "button", "Close", attrs={"onclick": "this.parentElement.remove()"}))
    page.body.insert(0, bar)
    return True


def lazy(page: BeautifulSoup, reply: Reply) -> bool:
    """Load the rows after the sixth by script, 0.8 seconds later."""
    found = table(page)
    if found is None or len(found.rows) <= 6 or page.body is None:
        return False
    body = found.body
    body["data-late"] = ""
    rest = "".join(str(row.extract()) for row in found.rows[6:])
    source = json.dumps(rest, ensure_ascii=False).replace("</", "<\\/")
    late = f"setTimeout(() => document.querySelector('[data-late]').insertAdjacentHTML('beforeend', {source}), 800)"
    page.body.append(new(page, "script", late))
    return True


def alternate(page: BeautifulSoup, reply: Reply) -> bool:
    """Serve every second page as a variant, with other names and another order of columns."""
    reply.memory["pages"] = reply.memory.get("pages", 0) + 1
    return reply.memory["pages"] % 2 == 0 and (reorder(page, reply) | rename_classes(page, reply))


def hidden_row(page: BeautifulSoup, reply: Reply) -> bool:
    """Add a hidden template row after the last row."""
    found = table(page)
    if found is None:
        return False
    row = copy.copy(found.rows[0])
    row["style"] = "display:none"
    for link in row.select("a"):
        link.string = "Sample"
    found.rows[-1].insert_after(row)
    return True


def advertisement(page: BeautifulSoup, reply: Reply) -> bool:
    """Insert a row with an advertisement into the list."""
    found = table(page)
    if found is None:
        return False
    row = new(page, "tr")
    row.append(new(page, "td", "Advertisement: your name could stand here", attrs={"colspan": str(len(found.head))}))
    found.rows[1].insert_after(row)
    return True


def advertisement_item(data: Any, reply: Reply) -> Any:
    """Insert an advertisement as an object into the list."""
    found = items(data)
    if len(found) < 2:
        return None
    blank = dict.fromkeys(found[0])
    found.insert(2, {**blank, "kind": "advertisement", "summary": "Your name could stand here"})
    return data


def recommended(page: BeautifulSoup, reply: Reply) -> bool:
    """Insert a table of the same form, with three recommended rows, before the list."""
    found = table(page)
    if found is None or len(found.rows) < 4:
        return False
    extra = copy.copy(found.element)
    for row in extra.select("tbody tr")[3:]:
        row.extract()
    found.element.insert_before(new(page, "h2", "Recommended"), extra)
    return True


def recommended_items(data: Any, reply: Reply) -> Any:
    """Add a short list of recommended objects beside the list."""
    return {"featured": copy.deepcopy(items(data)[:2]), **data} if isinstance(data, dict) and items(data) else None


def rename_keys(data: Any, reply: Reply) -> Any:
    """Rename the members of the list's objects."""
    for item in (found := items(data)):
        renamed = {f"{name}_value": value for name, value in item.items()}
        item.clear()
        item.update(renamed)
    return data if found else None


MARKUP = (
    Mutation("rename-classes", "all classes and ids have other names", "same", html=rename_classes),
    Mutation("rename-keys", "the JSON's members have other names", "same", json=rename_keys),
    Mutation("reorder-columns", "the first column is the last; a form's fields are reversed", "same",
             html=reorder, json=reorder_keys),
    Mutation("insert-column", "a first column of row numbers; a form has one more field", "same",
             html=insert_column, json=insert_keys),
    Mutation("wrap-elements", "the contents of cells and labels are wrapped", "same", html=wrap, json=wrap_json),
    Mutation("other-tags", "column heads are plain cells, headings a level lower", "same", html=retag),
    Mutation("table-to-blocks", "the table is built of blocks with roles", "same", html=grid),
    Mutation("banner", "a banner with a button for more offers", "same", html=banner),
    Mutation("lazy-rows", "rows after the sixth load late, by script", "same", html=lazy),
    Mutation("variants", "every second page is a variant (A/B)", "same", html=alternate),
    Mutation("hidden-row", "a hidden template row after the last", "same", html=hidden_row),
    Mutation("advertisement", "an advertisement within the list", "same",
             html=advertisement, json=advertisement_item),
    Mutation("second-list", "a short list of the same form before the list", "same",
             html=recommended, json=recommended_items),
)  # fmt: skip
