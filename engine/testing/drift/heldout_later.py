"""Held-out changes of meaning of a second list, written when the checks had been mended for those of the first."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bs4 import Tag

from engine.testing.drift.content import chosen
from engine.testing.drift.heldout_meaning_rows import says_no
from engine.testing.drift.marks import Role
from engine.testing.drift.meaning_rows import elements, foreign, meaning, replace_rows
from engine.testing.drift.meaning_states import in_files
from engine.testing.drift.meaning_values import WRITTEN_DATES, labeled, redated, worded
from engine.testing.drift.mutation import Mutation
from engine.testing.drift.page import new
from engine.testing.drift.view import HtmlItem, View, holder, remove, rewrite, scaled, some

_Seen = Callable[[View], bool]
_DIGIT = re.compile(r"\d")
_NUMERIC: tuple[Role, ...] = ("money", "number")


def installments(view: View) -> bool:
    """Show amounts as three payments."""

    def payments(words: str) -> str:
        return f"3 \u00d7 {scaled(words.strip(), lambda value: value / 3)}" if _DIGIT.search(words) else words

    return _goods(view) and some(row.rewrite(view.field("money"), payments) for row in view.rows)


def two_currencies(view: View) -> bool:
    """Show each amount in euros first, and in pounds within parentheses."""

    def both(words: str) -> str:
        if not _DIGIT.search(words):
            return words
        kept = words.strip()
        return f"{scaled(kept, lambda value: value * 1.17).replace('£', '€')} ({kept})"

    return view.page is not None and some(row.rewrite(view.field("money"), both) for row in view.rows)


def two_units(view: View) -> bool:
    """Show each measure in another unit first, and in its own within parentheses."""

    def both(words: str) -> str:
        found = re.fullmatch(r"\s*([\d.]+) (kg|min)\s*", words)
        if found is None:
            return words
        unit, factor = {"kg": ("lb", 2.205), "min": ("s", 60)}[found[2]]
        return f"{float(found[1]) * factor:.1f} {unit} ({words.strip()})"

    return view.page is not None and some(row.rewrite(view.field("measure"), both) for row in view.rows)


def footnotes(view: View) -> bool:
    """Put the raised number of a footnote after each amount or number."""
    page = view.page
    if page is None or page.main is None:
        return False
    parts = [part for role in _NUMERIC for _, part in view.parts(view.field(role))]
    for part in parts:
        part.append(new(page, "sup", "1"))
    if parts:
        page.main.append(new(page, "p", "1 Subject to change without notice."))
    return bool(parts)


def spaces_in_thousands(view: View) -> bool:
    """Group thousands by narrow spaces in place of commas."""

    def spaced(words: str) -> str:
        return re.sub(r"(?<=\d),(?=\d{3})", "\u202f", words)

    return view.page is not None and some(
        row.rewrite(view.field(role), spaced) for role in _NUMERIC for row in view.rows
    )


def percent_score(view: View) -> bool:
    """Show how many recommend a thing in place of its score."""

    def share(words: str) -> str:
        found = re.match(r"\s*(\d(?:\.\d)?) out of 5", words)
        return f"{float(found[1]) * 19:.0f}% recommend this" if found else words

    return some(row.rewrite(view.field("score"), share) for row in view.rows)


def beside(role: Role, words: str, change: Callable[[float], float], *, after: bool, goods: bool = False) -> _Seen:
    """Return a change that shows another number, and says what it is in an element of its own beside it."""

    def seen(view: View) -> bool:
        name = view.field(role)
        if view.page is None or (goods and not view.marks.goods) or not view.shows(name, r"\d"):
            return False
        for item, part in view.parts(name):
            item.number(name, change)
            note = new(view.page, "small", words)
            if part.name in ("td", "dd"):
                part.insert(len(part.contents) if after else 0, note)
                note.insert_before(" ") if after else note.insert_after(" ")
            elif after:
                part.insert_after(" ", note)
            else:
                part.insert_before(note, " ")
        return True

    return seen


def provisional(view: View) -> bool:
    """Show estimates, which a line above them calls provisional."""
    names = {view.field(role) for role in ("money", "number")} - {""}
    told = "Provisional figures: estimates until the month is closed."
    if view.marks.goods or not _told_above(view, told):
        return False
    return some(row.number(name, lambda value: value * 0.94) for name in names for row in view.rows)


def deadlines(view: View) -> bool:
    """Show dates of closing, each after a word that says so."""
    date = view.field("date")

    def later(day: datetime) -> datetime:
        return day + timedelta(days=30)

    if view.page is None:
        return False
    parts = view.parts(date)
    for item, part in parts:
        item.rewrite(date, lambda words: redated(words, later, WRITTEN_DATES))
        if part.name not in ("td", "dd"):
            part.insert_before(new(view.page, "span", "Closes"), " ")
    told = view.relabel(date, lambda words: "Closing date" if words.strip() else words)
    return bool(parts) or told


def status_of_another_day(view: View) -> bool:
    """Show the states of next Sunday, which a line above them tells."""
    flag, no = view.field("flag"), view.marks.contrary[0] if view.marks.contrary is not None else "No"
    yes = next((words for row in view.rows if (words := row.get(flag)) and not says_no(view, row)), "Yes")
    flips = [row for at, row in enumerate(view.rows) if row.get(flag) and at % 2 == 1 - len(view.rows) % 2]
    if not flips or not _told_above(view, "Showing: Sunday 20 September"):
        return False
    return some(row.put(flag, yes if says_no(view, row) else no) for row in flips)


def twelve_hours(view: View) -> bool:
    """Write times by twelve hours."""

    def halved(words: str) -> str:
        def write(found: re.Match[str]) -> str:
            hour = int(found[1])
            return f"{(hour - 1) % 12 + 1}:{found[2]} {'am' if hour < 12 else 'pm'}"

        return re.sub(r"\b(\d\d):(\d\d)\b", write, words)

    return some(row.rewrite(view.field("clock"), halved) for row in view.rows)


def badge_in_name(view: View) -> bool:
    """Put a badge into the element that shows a row's name, in a third of the rows."""
    page, name = view.page, view.marks.name
    if page is None or not elements(view):
        return False
    parts = [part for item, part in view.parts(name) if chosen(item.get(name))]
    for part in parts:
        part.insert(0, new(page, "span", "New", attrs={"class": "flash"}))
        part.insert(1, " ")
    return bool(parts)


def unseen_words(view: View) -> bool:
    """Put words for screen readers, clipped away for all others, before each text."""
    page, name = view.page, view.field("text")
    if page is None:
        return False
    style = "position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0 0 0 0)"
    parts = [part for _, part in view.parts(name)]
    for part in parts:
        part.insert(0, new(page, "span", f"{name.capitalize()}: ", attrs={"style": style}))
    return bool(parts)


def cut_texts(view: View) -> bool:
    """Cut texts after ten letters."""
    name = view.field("text")
    return some(
        row.rewrite(name, lambda words: f"{words.strip()[:10]}…" if len(words.strip()) > 11 else words)
        for row in view.rows
    )


def uppercase_style(view: View) -> bool:
    """Write texts in capitals by a style."""
    parts = [part for _, part in view.parts(view.field("text"))]
    for part in parts:
        part["style"] = "text-transform:uppercase"
    return bool(parts)


def lost_texts(view: View) -> bool:
    """Show that a text is not available in a third of the rows."""
    name = view.field("text")
    if len(view.rows) < 4:
        return False
    return some(row.put(name, "N/A") for row in view.rows if row.get(name) and chosen(row.get(view.marks.name)))


def combined_texts(view: View) -> bool:
    """Show more in the element of a text than before."""
    name = view.field("text")
    if name == view.marks.name and not elements(view):
        return False
    return some(row.rewrite(name, lambda words: f"{words.strip()} · Yorkshire" if words.strip() else words)
                for row in view.rows)  # fmt: skip


def showing_range(view: View) -> bool:
    """Show half of the rows, and say which of them these are."""
    old = elements(view)
    if view.page is None or len(old) < 6:
        return False
    shown = -(-len(old) // 2)
    totals = view.page.select(view.marks.total) if view.marks.total else []
    for element in totals:
        rewrite(element, lambda words: f"Showing 1\u2013{shown} of {words}" if _DIGIT.search(words) else words)
    if not totals:
        holder(old[0]).insert_after(new(view.page, "p", f"Showing 1\u2013{shown} of {len(old)}"))
    return remove(old[shown:])


def grayed_rows(view: View) -> bool:
    """Show what there is elsewhere, too, grayed out as not offered here."""
    extra, old = foreign(view, view.marks.another(view.reply.target), 8), elements(view)
    for element in extra:
        element["aria-disabled"], element["style"] = "true", "opacity:.4"
    return bool(old) and replace_rows(view, [*old, *extra])


def coming_soon(view: View) -> bool:
    """Show rows of elsewhere, too, that are to come."""
    extra, old = foreign(view, view.marks.another(view.reply.target), 6), elements(view)
    if view.page is None or not old or not extra:
        return False
    for element in extra:
        part = HtmlItem(element, view.marks).part(view.marks.name)
        if part is not None:
            part.append(new(view.page, "em", " (coming soon)"))
    return replace_rows(view, [*old, *extra])


def rendered_twice(view: View) -> bool:
    """Send the rows once more for small screens, which others do not see."""
    old = elements(view)
    if not old:
        return False
    again: list[Tag] = [copy.copy(element) for element in old]
    for element in again:
        element["style"] = "display:none"
    return replace_rows(view, [*old, *again])


def refurbished(view: View) -> bool:
    """Show offers of used goods in place of new ones, each with a badge that says so."""
    page, money = view.page, view.field("money")
    if page is None or not _goods(view) or not view.shows(money, r"\d"):
        return False
    for item, part in view.parts(money):
        item.number(money, lambda value: value * 0.6)
        badge = new(page, "span", "Refurbished", attrs={"class": "condition"})
        if part.name in ("td", "dd"):
            part.append(" ")
            part.append(badge)
        else:
            part.insert_before(badge)
    return True


def members_only(view: View) -> bool:
    """Show to members only the texts of every second row."""
    name = view.field("text")
    if len(view.rows) < 4:
        return False
    return some(row.put(name, "Sign in to see this") for row in view.rows[1::2] if row.get(name))


def other_language(view: View) -> bool:
    """Link each row to the file's translation."""
    parts = [part for _, part in view.parts(view.field("file"))]
    for part in parts:
        part["href"], part["hreflang"] = f"{part['href']}?lang=cy", "cy"
        part.string = "Lawrlwytho'r adroddiad (PDF)"
    return bool(parts)


def _goods(view: View) -> bool:
    return view.page is not None and view.marks.goods and bool(view.field("money"))


def _told_above(view: View, words: str) -> bool:
    if view.page is None or view.page.main is None or not view.rows:
        return False
    view.page.main.insert(0, new(view.page, "p", words, attrs={"class": "note"}))
    return True


def _translated(body: bytes) -> bytes:
    return body.replace(b"report text", b"testun yr adroddiad")


def _locked(body: bytes) -> bytes:
    head, _, rest = body.partition(b"\n")
    return b"\n".join((head, b"<< /Encrypt 7 0 R >>", bytes(each ^ 0x5A for each in rest), b"%%EOF"))


LATER_HELD_OUT_MEANINGS: tuple[Mutation, ...] = (
    meaning("installments", "amounts as three payments", installments, json=False),
    meaning("two-currencies", "amounts in euros first, in pounds after them", two_currencies, json=False),
    meaning("two-units", "measures in another unit first, in their own after it", two_units, json=False),
    meaning("footnotes", "a footnote's raised number after each number", footnotes, json=False),
    meaning("spaced-thousands", "thousands grouped by spaces", spaces_in_thousands, json=False),
    meaning("seller-score", "the seller's score in place of the thing's", worded("score", "Seller ", "", 0.93)),
    meaning("percent-score", "how many recommend it in place of the score", percent_score),
    meaning("current-bid", "the current bid in place of the price, which words beside it tell",
            beside("money", "Current bid", lambda value: value * 0.4, after=False, goods=True), json=False),
    meaning("with-code", "the amount with a code, which words beside it tell",
            beside("money", "with code SAVE10", lambda value: value * 0.9, after=True, goods=True), json=False),
    meaning("daily-average", "the average of a day in place of the sum, which the label tells",
            labeled("number", "Average daily {}", 1 / 7)),
    meaning("all-branches", "the number of all branches, which words beside it tell",
            beside("number", "across all branches", lambda value: value * 3, after=True), json=False),
    meaning("provisional", "estimates, which a line above tells", provisional, json=False),
    meaning("deadlines", "dates of closing, which a word before them tells", deadlines, json=False),
    meaning("another-day", "the states of another day, which a line above tells", status_of_another_day, json=False),
    meaning("twelve-hours", "times by twelve hours", twelve_hours),
    meaning("badge-in-name", "a badge within the names of some rows", badge_in_name, json=False),
    meaning("unseen-words", "words for screen readers within each text", unseen_words, json=False),
    meaning("cut-texts", "texts cut after ten letters", cut_texts),
    meaning("uppercase-style", "texts in capitals by a style", uppercase_style, json=False),
    meaning("lost-texts", "texts that are not available in some rows", lost_texts),
    meaning("combined-texts", "texts with more in them", combined_texts),
    meaning("showing-range", "half of the rows, and which of them these are", showing_range, json=False),
    meaning("grayed-rows", "rows of elsewhere, grayed out", grayed_rows, json=False),
    meaning("coming-soon", "rows of elsewhere that are to come, which their names tell", coming_soon, json=False),
    meaning("rendered-twice", "the rows once more, hidden, for small screens", rendered_twice, json=False),
    meaning("refurbished", "used goods in place of new ones, with a badge", refurbished, json=False),
    meaning("members-only", "every second text for members only", members_only),
    replace(meaning("other-language", "links to each file's translation", other_language, json=False),
            whole=in_files(_translated, asked="?lang=cy")),
    Mutation("locked-file", "a file that asks for a password", "trouble", whole=in_files(_locked)),
)  # fmt: skip
"""Further changes of meaning, frozen before the checks were mended for ``HELD_OUT_MEANINGS``."""
