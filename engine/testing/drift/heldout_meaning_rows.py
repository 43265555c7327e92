"""Held-out changes of meaning in a list: other rows, more or fewer than those that were asked for."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.testing.drift.meaning_rows import elements, foreign, meaning, replace_rows, restate
from engine.testing.drift.mutation import Mutation
from engine.testing.drift.page import new
from engine.testing.drift.view import Item, View, holder, remove, rewrite, some


def says_no(view: View, row: Item) -> bool:
    """Return True if a row's state is the contrary one."""
    words = row.get(view.field("flag"))
    return words == view.marks.contrary[0] if view.marks.contrary is not None else words in ("On site", "No")


def year_ago(words: str) -> str:
    """Write each year in a text as the one before."""
    return re.sub(r"\b20\d\d\b", lambda found: str(int(found[0]) - 1), words)


def grouped(view: View) -> bool:
    """Show one row for every three, which its name tells."""
    old, name = elements(view), view.marks.name
    if view.page is None or len(old) < 6:
        return False
    for at, row in enumerate(view.rows):
        if at % 3 == 0:
            row.rewrite(name, lambda words: f"{words.rstrip()} and 2 similar" if words.strip() else words)
        else:
            old[at].extract()
    restate(view, -(-len(old) // 3))
    return True


def archive_tab(view: View) -> bool:
    """Show the entries of a year ago, below tabs of which that for the archive is the current one."""
    moved = some(row.rewrite(view.field("date"), year_ago) for row in view.rows)
    if moved and view.page is not None and view.page.main is not None:
        tabs = new(view.page, "div", attrs={"role": "tablist"})
        for words in ("Current", "Archive"):
            tabs.append(
                new(view.page, "span", words, attrs={"role": "tab", "aria-selected": str(words == "Archive").lower()})
            )
        view.page.main.insert(0, tabs)
    return moved


def merged_category(view: View) -> bool:
    """Show the rows of two values, below a heading that names both."""
    extra, old = foreign(view, view.marks.another(view.reply.target)), elements(view)
    if not old or not extra:
        return False
    _reword_heading(view, lambda words: f"{words.rstrip()} & related")
    restate(view, len(old) + len(extra))
    return replace_rows(view, [*old, *extra])


def narrower_category(view: View) -> bool:
    """Show half of the rows, below a heading that names a part of what was asked for."""
    old = elements(view)
    if view.page is None or len(old) < 6:
        return False
    _reword_heading(view, lambda words: f"{words.rstrip()}: new this month")
    restate(view, -(-len(old) // 2))
    return remove(old[1::2])


def letter_index(view: View) -> bool:
    """Show the rows of the first half of the alphabet, below an index of letters."""
    old = elements(view)
    letters = sorted({row.get(view.marks.name)[:1].upper() for row in view.rows})
    if view.page is None or len(old) < 6 or len(letters) < 4:
        return False
    first, half = letters[: len(letters) // 2], len(letters) // 2
    index = new(view.page, "p", attrs={"class": "letters"})
    index.append(new(view.page, "b", f"{letters[0]}-{first[-1]}"))
    index.append(new(view.page, "a", f"{letters[half]}-{letters[-1]}", attrs={"href": f"?from={letters[half]}"}))
    holder(old[0]).insert_before(index)
    return remove([old[at] for at, row in enumerate(view.rows) if row.get(view.marks.name)[:1].upper() not in first])


def client_filter(view: View) -> bool:
    """Send rows of elsewhere, too, which are hidden: the page filters now, no longer the server."""
    target = view.reply.target
    extra, old = foreign(view, view.marks.filtered(target) or view.marks.another(target)), elements(view)
    for element in extra:
        element["style"] = "display:none"
    return bool(old) and replace_rows(view, [*old, *extra])


def second_list(view: View) -> bool:
    """Show a second list of the same markup below the first, of what was viewed before."""
    extra, old = foreign(view, view.marks.another(view.reply.target), 5), elements(view)
    if view.page is None or not old or not extra or old[0].name == "tr":
        return False
    section = new(view.page, "section", attrs={"class": "recent"})
    section.extend([new(view.page, "h2", "Recently viewed"), *extra])
    holder(old[0]).insert_after(section)
    return True


def only_available(view: View) -> bool:
    """Leave out the rows whose state says no, and count those that are left."""
    old, flag = elements(view), view.field("flag")
    out = [old[at] for at, row in enumerate(view.rows) if says_no(view, row)] if old and flag else []
    restate(view, len(old) - len(out))
    return bool(out) and remove(out)


def _reword_heading(view: View, change: Callable[[str], str]) -> None:
    for element in view.page.select(view.marks.heading) if view.page is not None else ():
        rewrite(element, lambda words: change(words) if words.strip() else words)


HELD_OUT_ROWS: tuple[Mutation, ...] = (
    meaning("grouped-rows", "one row for every three, which its name tells", grouped, json=False),
    meaning("archive-tab", "the entries of a year ago, below a tab for the archive", archive_tab),
    meaning("merged-category", "the rows of two values below a heading for both", merged_category, json=False),
    meaning("narrower-category", "half of the rows below a narrower heading", narrower_category, json=False),
    meaning("letter-index", "the rows of the first letters, below an index", letter_index, json=False),
    meaning("client-filter", "rows of elsewhere are sent, too, and hidden", client_filter, json=False),
    meaning("second-list", "a second list of the same markup: recently viewed", second_list, json=False),
    meaning("only-available", "rows whose state says no are left out", only_available, json=False),
)  # fmt: skip
