"""Changes of meaning in a list: the page shows other rows than those that were asked for, in the same markup."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from bs4 import BeautifulSoup, Tag

from engine.testing.drift.content import chosen
from engine.testing.drift.mutation import Mutation
from engine.testing.drift.page import new
from engine.testing.drift.reply import Layout, Reply
from engine.testing.drift.view import HtmlItem, View, holder, other_view, remove, rewrite, view_of, view_of_json

Seen = Callable[[View], bool]


def meaning(name: str, about: str, change: Seen, *, json: bool = True) -> Mutation:
    """Make a mutation of a page's view, and of that of a JSON answer.

    Args:
        json: False for what can only be shown on a page.
    """

    def on_page(page: BeautifulSoup, reply: Reply) -> bool:
        view = view_of(page, reply)
        return view is not None and change(view)

    def on_json(data: Any, reply: Reply) -> Any:
        view = view_of_json(data, reply)
        return data if view is not None and view.rows and change(view) else None

    return Mutation(name, about, "trouble", html=on_page, json=on_json if json else None)


def asked_elsewhere(name: str, about: str, elsewhere: Callable[[str, Layout], str | None]) -> Mutation:
    """Make a mutation by which the site answers another request than the one that was made."""
    return Mutation(name, about, "trouble", ask=lambda target, layout: elsewhere(target, layout) or target)


def elements(view: View) -> list[Tag]:
    """Return the elements of a page's rows, if it is a list of them."""
    return [row.element for row in view.rows if isinstance(row, HtmlItem)] if view.marks.items else []


def foreign(view: View, target: str | None, most: int = 100) -> list[Tag]:
    """Return copies of rows of another page, without those that are on this one."""
    other = other_view(view, target)
    if other is None or not view.marks.listed:
        return []
    here = {row.get(view.marks.name) for row in view.rows}
    rows = [row for row in other.rows if isinstance(row, HtmlItem) and row.get(view.marks.name) not in here]
    return [copy.copy(row.element) for row in rows[:most]]


def restate(view: View, number: int) -> None:
    """State another number of rows, where the page states one."""
    if view.page is not None and view.marks.total:
        for element in view.page.select(view.marks.total):
            rewrite(element, lambda words: re.sub(r"\d+", str(number), words, count=1))


def replace_rows(view: View, rows: list[Tag]) -> bool:
    """Show these rows in place of the page's; return True if there were any."""
    old = elements(view)
    if view.page is None or not old or not rows:
        return False
    place = new(view.page, "template")
    old[0].insert_before(place)
    for element in old:
        element.extract()
    place.replace_with(*rows)
    return True


def unfiltered_below_heading(view: View) -> bool:
    """Show the rows of all, while headings and form still name what was asked for."""
    extra = foreign(view, view.marks.filtered(view.reply.target))
    old = elements(view)
    if not old or not extra:
        return False
    restate(view, len(old) + len(extra))
    return replace_rows(view, [row for pair in zip(old, extra, strict=False) for row in pair] + extra[len(old) :])


def other_rows_below_heading(view: View) -> bool:
    """Show the rows of another value, while headings and form still name what was asked for."""
    extra = foreign(view, view.marks.another(view.reply.target))
    restate(view, len(extra))
    return replace_rows(view, extra)


def recommended_instead(view: View) -> bool:
    """Say that nothing was found, and show other rows as recommendations."""
    extra, old = foreign(view, view.marks.another(view.reply.target), 6), elements(view)
    if view.page is None or not old or not extra:
        return False
    holder(old[0]).insert_before(
        new(view.page, "p", "Sorry, we found no exact match."), new(view.page, "h2", "You may also like")
    )
    remove(view.page.select(view.marks.total) if view.marks.total else [])
    return replace_rows(view, extra)


def recommended_after(view: View) -> bool:
    """Show the first rows only, and recommendations after a line within the same list."""
    extra, old = foreign(view, view.marks.another(view.reply.target), 6), elements(view)
    if view.page is None or len(old) < 4 or not extra:
        return False
    name = extra[0].name if extra[0].name in ("li", "article", "div") else "tr"
    line = new(view.page, "li" if name == "li" else name if name == "tr" else "div")
    inner = new(view.page, "td", "Similar items", attrs={"colspan": "9"}) if name == "tr" else None
    line.append(inner if inner is not None else "Similar items")
    line["class"] = "divider"
    kept = old[: len(old) // 2]
    restate(view, len(kept))
    return replace_rows(view, [*kept, line, *extra] if name != "tr" else [*kept, *extra])


def pinned(view: View) -> bool:
    """Put a sponsored row of another kind above all."""
    extra, old = foreign(view, view.marks.another(view.reply.target), 1), elements(view)
    if view.page is None or not old or not extra:
        return False
    first = HtmlItem(extra[0], view.marks)
    place = first.part(view.marks.name)
    if place is not None and place is not extra[0] and place.parent is not None and extra[0].name != "tr":
        extra[0].insert(0, new(view.page, "small", "Sponsored"))
    elif extra[0].name == "tr":
        extra[0]["aria-label"] = "Sponsored"
    old[0].insert_before(extra[0])
    return True


def numbered_pager(view: View) -> bool:
    """Show half of the rows, and the numbers of pages below."""
    old = elements(view)
    if view.page is None or len(old) < 6:
        return False
    pager = new(view.page, "div", attrs={"class": "pagination"})
    address = view.reply.target + ("&" if "?" in view.reply.target else "?")
    pager.append(new(view.page, "span", "1", attrs={"aria-current": "page"}))
    pager.append(new(view.page, "a", "2", attrs={"href": f"{address}part=2"}))
    holder(old[0]).insert_after(pager)
    return remove(old[len(old) // 2 :])


def more_button(view: View) -> bool:
    """Show half of the rows, and a button that shows the others."""
    old = elements(view)
    if view.page is None or len(old) < 6:
        return False
    holder(old[0]).insert_after(new(view.page, "button", "Show more", attrs={"type": "button"}))
    return remove(old[len(old) // 2 :])


def top_only(view: View) -> bool:
    """Show the five most popular only, and say so."""
    old = elements(view)
    if view.page is None or len(old) < 7:
        return False
    holder(old[0]).insert_before(new(view.page, "h2", "Most popular"))
    restate(view, 5)
    return remove(old[5:])


def default_filter(view: View) -> bool:
    """Apply a filter that nobody asked for, shown as a checked box."""
    old = elements(view)
    kept = [row.element for row in view.rows if isinstance(row, HtmlItem) and not chosen(row.get(view.marks.name))]
    if view.page is None or len(old) < 6 or len(kept) == len(old):
        return False
    label = new(view.page, "label", " Only items with free delivery")
    label.insert(0, new(view.page, "input", attrs={"type": "checkbox", "checked": "", "name": "free"}))
    holder(old[0]).insert_before(label)
    restate(view, len(kept))
    return remove([element for element in old if element not in kept])


def variants(view: View) -> bool:
    """Show a row for each of two variants of an item."""
    old, money = elements(view), view.field("money")
    if view.page is None or len(old) < 3:
        return False
    for row in list(view.rows):
        if isinstance(row, HtmlItem):
            twin = HtmlItem(copy.copy(row.element), view.marks)
            twin.rewrite(view.marks.name, lambda words: f"{words.rstrip()} (refurbished)" if words.strip() else words)
            if money:
                twin.number(money, lambda amount: amount * 0.7)
            row.element.insert_after(twin.element)
    restate(view, 2 * len(old))
    return True


def subtotals(view: View) -> bool:
    """Add a row with the sum of the others, in the same markup."""
    old, money = elements(view), view.field("money")
    if view.page is None or len(old) < 3 or not money:
        return False
    amounts = [
        float(found[0].replace(",", "")) for row in view.rows if (found := re.search(r"[\d,.]*\d", row.get(money)))
    ]
    last = HtmlItem(copy.copy(old[-1]), view.marks)
    last.put(view.marks.name, "Total")
    last.number(money, lambda _: sum(amounts))
    old[-1].insert_after(last.element)
    return True


def skeletons(view: View) -> bool:
    """Show the last third of the rows as copies of one placeholder, not arrived yet."""
    old = elements(view)
    if view.page is None or len(old) < 6:
        return False
    for row in view.rows[-len(old) // 3 :]:
        if isinstance(row, HtmlItem):
            row.element["aria-busy"] = "true"
            row.put(view.marks.name, "Loading…")
            for name in view.marks.fields:
                row.number(name, lambda _: 0)
    return True


def widened(view: View) -> bool:
    """Say that there was too little, and add rows of elsewhere."""
    extra, old = foreign(view, view.marks.another(view.reply.target), 8), elements(view)
    if view.page is None or not old or not extra:
        return False
    said = "We have widened your search to show more results."
    holder(old[0]).insert_before(new(view.page, "p", said, attrs={"role": "status"}))
    restate(view, len(old) + len(extra))
    return replace_rows(view, [*old[:3], *extra, *old[3:]])


def withdrawn(view: View) -> bool:
    """Show rows of elsewhere, dimmed and struck through, among those that were asked for: they are withdrawn."""
    extra, old = foreign(view, view.marks.another(view.reply.target), 4), elements(view)
    if view.page is None or not old or not extra:
        return False
    for element in extra:
        element["style"] = "text-decoration: line-through; opacity: 0.5"
    return replace_rows(view, [*old, *extra])


ROWS = (
    asked_elsewhere("filter-dropped", "the site no longer filters: all rows, below a heading for all",
                    lambda target, layout: layout.marks.filtered(target) if layout.marks else None),
    asked_elsewhere("filter-default", "the site answers for its default value: other rows or another object",
                    lambda target, layout: layout.marks.another(target) if layout.marks else None),
    meaning("filter-ignored", "all rows below a heading that still names the value",
            unfiltered_below_heading, json=False),
    meaning("other-rows-same-heading", "rows of another value below a heading that names the right one",
            other_rows_below_heading, json=False),
    meaning("recommended-instead", "recommendations in place of nothing", recommended_instead, json=False),
    meaning("recommended-after", "a short list, continued by recommendations", recommended_after, json=False),
    meaning("pinned-row", "a sponsored row of another kind comes first", pinned, json=False),
    meaning("numbered-pager", "half of the rows, and a pager of numbers", numbered_pager, json=False),
    meaning("more-button", "half of the rows, and a button for more", more_button, json=False),
    meaning("top-only", "the five most popular only", top_only, json=False),
    meaning("default-filter", "a checked box leaves a third of the rows out", default_filter, json=False),
    meaning("variants", "a row for each variant of an item", variants, json=False),
    meaning("total-row", "a row with the sum, in the markup of the others", subtotals, json=False),
    meaning("skeletons", "a third of the rows are placeholders that are still loading", skeletons, json=False),
    meaning("widened-search", "rows of elsewhere, with a line that says so", widened, json=False),
    meaning("withdrawn-rows", "rows of elsewhere that are struck through as withdrawn", withdrawn, json=False),
)  # fmt: skip
