"""Harmless rewordings: the page says the same in other words or with more around it, and the code still reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from bs4 import Tag

from engine.testing.drift.content import chosen
from engine.testing.drift.meaning_rows import meaning
from engine.testing.drift.mutation import Mutation
from engine.testing.drift.page import new
from engine.testing.drift.view import HtmlItem, View, holder, rewrite, some

_ASIDE = "You may also like"
_STATED = re.compile(r"\d+ (\w+)")


def _before_rows(view: View, *made: Tag) -> bool:
    place = _around(view)
    if place is None:
        return False
    place.insert_before(*made)
    return True


def _around(view: View) -> Tag | None:
    """Return the list of a page, or what holds its object."""
    first = view.rows[0] if view.rows else None
    if view.page is None or not isinstance(first, HtmlItem):
        return None
    if not view.marks.items:
        return view.page.select_one("main > :last-child")
    return holder(first.element)


def banner(view: View) -> bool:
    """Put a line on a sale above everything."""
    header = view.page.select_one("header") if view.page is not None else None
    if view.page is None or header is None:
        return False
    header.insert_before(
        new(view.page, "div", "Summer sale: free delivery over £50 until Sunday", attrs={"class": "top"})
    )
    return True


def recommendations_aside(view: View) -> bool:
    """Put recommendations beside the list, outside of it."""
    page = view.page
    main = page.select_one("main") if page is not None else None
    if page is None or main is None or not view.rows:
        return False
    aside = new(page, "aside")
    aside.append(new(page, "h2", _ASIDE))
    aside.append(new(page, "p", "Garden Set, £99.00"))
    main.insert_after(aside)
    return True


def consent(view: View) -> bool:
    """Put a notice on cookies at the end, which covers nothing."""
    body = view.page.body if view.page is not None else None
    if view.page is None or body is None:
        return False
    box = new(view.page, "div", "We use cookies to count visits. ", attrs={"role": "dialog", "aria-label": "Cookies"})
    box.append(new(view.page, "button", "Fine"))
    body.append(box)
    return True


def title_suffix(view: View) -> bool:
    """Put the shop's slogan into the title."""
    title = view.page.title if view.page is not None else None
    return title is not None and rewrite(title, lambda words: f"{words.strip()}, since 1974")


def heading_longer(view: View) -> bool:
    """Say more in the heading, which still names the value."""
    heading = view.page.select_one("h1, h2") if view.page is not None and view.rows else None
    return heading is not None and rewrite(
        heading, lambda words: f"{words.strip()}: our whole range" if words.strip() else words
    )


def heading_count(view: View) -> bool:
    """Put the number of rows into the heading."""
    heading = view.page.select_one("h1, h2") if view.page is not None and view.marks.items and view.rows else None
    return heading is not None and rewrite(
        heading, lambda words: f"{words.strip()} ({len(view.rows)})" if words.strip() else words
    )


def total_reworded(view: View) -> bool:
    """State the same total in other words."""
    stated = view.page.select_one(view.marks.total) if view.page is not None and view.marks.total else None
    return stated is not None and rewrite(stated, lambda words: _STATED.sub(r"Showing all \g<0>", words))


def total_added(view: View) -> bool:
    """State the total a second time, below the list."""
    around = _around(view)
    if view.page is None or around is None or not view.marks.items:
        return False
    around.insert_after(new(view.page, "p", f"{len(view.rows)} of {len(view.rows)} shown"))
    return True


def head_case(view: View) -> bool:
    """Write labels in capitals."""
    return some(view.relabel(name, str.upper) for name in view.marks.labels)


def head_colon(view: View) -> bool:
    """Put a colon after labels."""
    return some(
        view.relabel(n, lambda words: f"{words.rstrip()}:" if words.strip() else words) for n in view.marks.labels
    )


def unit_spelled(view: View) -> bool:
    """Write the same units otherwise in labels: "(kg)" becomes "in kg"."""
    return some(
        view.relabel(n, lambda words: re.sub(r" \((kg|mm|min|£)\)", r" in \1", words)) for n in view.marks.labels
    )


def unit_long(view: View) -> bool:
    """Spell units out: "kg" becomes "kilograms"."""
    long = {"kg": "kilograms", "min": "minutes", "mm": "millimetres"}

    def spelled(words: str) -> str:
        return re.sub(r"\b(kg|min|mm)\b", lambda m: long[m[0]], words)

    measure = view.field("measure")
    return some([view.relabel(measure, spelled), *(row.rewrite(measure, spelled) for row in view.rows)])


def currency_code(view: View) -> bool:
    """Write the currency's code in place of its sign."""
    money = view.field("money")
    if view.page is None or not view.shows(money, "£"):
        return False
    return some(row.rewrite(money, lambda words: words.replace("£", "GBP ")) for row in view.rows)


def wide_space(view: View) -> bool:
    """Put a no-break space between sign and amount."""
    money = view.field("money")
    if view.page is None or not view.shows(money, "£"):
        return False
    return some(row.rewrite(money, lambda words: words.replace("£", "£\u00a0")) for row in view.rows)


def wrapped(view: View) -> bool:
    """Wrap each value into another element."""
    if view.page is None:
        return False
    done = False
    for name in view.marks.fields:
        for item, part in view.parts(name):
            if part is not item.element and part.name not in ("a", "h1"):
                inner = new(view.page, "span", attrs={"class": "v"})
                inner.extend([child.extract() for child in list(part.children)])
                part.append(inner)
                done = True
    return done


def new_badges(view: View) -> bool:
    """Mark a third of the rows as new, in an element at their end."""
    if view.page is None or not view.marks.items:
        return False
    rows = [row for row in view.rows if isinstance(row, HtmlItem) and chosen(row.get(view.marks.name))]
    rows = [row for row in rows if row.element.name != "tr" and view.marks.fields[view.marks.name]]
    for row in rows:
        row.element.append(new(view.page, "em", "New this week"))
    return bool(rows)


def extra_column(view: View) -> bool:
    """Add a column, a term or a line with other data at the end."""
    page = view.page
    if page is None or not view.rows:
        return False
    head, terms = page.select_one("thead tr"), page.select_one("dl")
    if head is not None and view.marks.items:
        head.append(new(page, "th", "Rating"))
    elif terms is not None:
        terms.extend([new(page, "dt", "Colour"), new(page, "dd", "Graphite")])
        return True
    elif not view.marks.fields[view.marks.name]:
        return False
    for at, row in enumerate(view.rows):
        if isinstance(row, HtmlItem) and view.marks.items:
            row.element.append(new(page, "td" if head is not None else "p", f"{at % 5 + 1} stars"))
    return bool(view.marks.items)


def delivery_note(view: View) -> bool:
    """Put a line on delivery below the list."""
    around = _around(view)
    if view.page is None or around is None:
        return False
    around.insert_after(new(view.page, "p", "Delivery from £4.99. All prices include VAT where it applies."))
    return True


def sort_control(view: View) -> bool:
    """Put a control above the list by which it may be sorted."""
    if view.page is None or not view.marks.items:
        return False
    label = new(view.page, "label", "Sort by ")
    select = new(view.page, "select", attrs={"name": "sort"})
    select.extend([new(view.page, "option", words) for words in ("Relevance", "Price", "Name")])
    label.append(select)
    return _before_rows(view, label)


def other_order(view: View) -> bool:
    """Reverse the order of the rows: sorted by something else."""
    if view.page is None or not view.marks.items:
        return False
    elements = [row.element for row in view.rows if isinstance(row, HtmlItem)]
    if len(elements) < 2:
        return False
    first = elements[0]
    for element in elements[1:]:
        first.insert_before(element.extract())
        first = element
    return True


def second_table(view: View) -> bool:
    """Put a small table of opening hours at the end of the page."""
    footer = view.page.select_one("footer") if view.page is not None else None
    if view.page is None or footer is None:
        return False
    for day, hours in (("Monday", "9:00-17:00"), ("Saturday", "10:00-14:00")):
        line = new(view.page, "p")
        line.extend([new(view.page, "span", day), " ", new(view.page, "span", hours)])
        footer.append(line)
    return True


def section_heading(view: View) -> bool:
    """Put a neutral heading above the rows."""
    return view.page is not None and bool(view.rows) and _before_rows(view, new(view.page, "h3", "Results"))


def phone_labels(view: View) -> bool:
    """Add hidden labels for narrow screens as attributes."""
    if not view.marks.items:
        return False
    done = False
    for name in view.marks.fields:
        for _, part in view.parts(name) if (labels := view.labels(name)) else ():
            part["data-label"] = labels[0].get_text()
            done = True
    return done


def renamed_classes(view: View) -> bool:
    """Rename the classes of what is around the rows."""
    around = _around(view)
    if around is None or around.parent is None:
        return False
    around.parent["class"] = "x7-layout theme-light"
    return True


def breadcrumbs(view: View) -> bool:
    """Add a path of links above the heading."""
    main = view.page.select_one("main") if view.page is not None else None
    if view.page is None or main is None:
        return False
    main.insert_before(new(view.page, "nav", "Start / Catalog", attrs={"aria-label": "You are here"}))
    return True


def updated_line(view: View) -> bool:
    """Say when the page was updated: just now."""
    return view.page is not None and _before_rows(view, new(view.page, "p", "Updated a few minutes ago"))


def _rewording(name: str, about: str, change: Callable[[View], bool]) -> Mutation:
    return replace(meaning(name, about, change, json=False), effect="same")


HARMLESS: tuple[Mutation, ...] = (
    _rewording("h-banner", "a line on a sale above everything", banner),
    _rewording("h-aside", "recommendations beside the list", recommendations_aside),
    _rewording("h-consent", "a notice on cookies at the end", consent),
    _rewording("h-title", "the title says more", title_suffix),
    _rewording("h-heading", "the heading says more", heading_longer),
    _rewording("h-heading-count", "the heading states the number of rows", heading_count),
    _rewording("h-total-words", "the total in other words", total_reworded),
    _rewording("h-total-twice", "the total a second time", total_added),
    _rewording("h-label-case", "labels in capitals", head_case),
    _rewording("h-label-colon", "labels with a colon", head_colon),
    _rewording("h-unit-in", '"in kg" in place of "(kg)"', unit_spelled),
    _rewording("h-unit-long", '"kilograms" in place of "kg"', unit_long),
    _rewording("h-currency-code", '"GBP" in place of "£"', currency_code),
    _rewording("h-space", "a no-break space after the currency's sign", wide_space),
    _rewording("h-wrapped", "values in one more element", wrapped),
    _rewording("h-badges", "a third of the rows marked as new", new_badges),
    _rewording("h-column", "one more column or term", extra_column),
    _rewording("h-delivery", "a line on delivery below", delivery_note),
    _rewording("h-sort", "a control for sorting", sort_control),
    _rewording("h-order", "the rows in another order", other_order),
    _rewording("h-hours", "opening hours at the end", second_table),
    _rewording("h-section", "a neutral heading above the rows", section_heading),
    _rewording("h-phone-labels", "labels for narrow screens", phone_labels),
    _rewording("h-classes", "other classes around the rows", renamed_classes),
    _rewording("h-breadcrumbs", "a path above the heading", breadcrumbs),
    _rewording("h-updated", "when the page was updated", updated_line),
)
"""Rewordings that leave the right output as it was, but for its order; each failure is a false alarm."""
