"""Held-out changes of meaning, for which no check was written: they measure what the contract notices unforeseen."""

from __future__ import annotations

import copy
import io
import operator
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from engine.testing.drift.content import chosen
from engine.testing.drift.heldout_meaning_rows import HELD_OUT_ROWS, says_no, year_ago
from engine.testing.drift.meaning_rows import asked_elsewhere, meaning
from engine.testing.drift.meaning_states import in_files
from engine.testing.drift.meaning_values import WRITTEN_DATES, labeled, redated, worded
from engine.testing.drift.mutation import Mutation
from engine.testing.drift.page import new
from engine.testing.drift.reply import Layout
from engine.testing.drift.view import Item, View, rewrite, scaled, some

_DATES = (*WRITTEN_DATES, (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "%Y-%m-%d"))


def price_range(view: View) -> bool:
    """Show from what to what an amount goes."""

    def span(words: str) -> str:
        low, high = scaled(words.strip(), lambda value: value * 0.8), scaled(words.strip(), lambda value: value * 1.6)
        return f"{low} to {high}" if re.search(r"\d", words) else words

    return view.page is not None and some(row.rewrite(view.field("money"), span) for row in view.rows)


def with_delivery(view: View) -> bool:
    """Add the costs of delivery to each amount, and say so beside it."""
    money = view.field("money")
    if view.page is None or not view.marks.goods or not view.shows(money, r"\d"):
        return False
    for item, part in view.parts(money):
        item.number(money, lambda value: value + 4.95)
        part.append(new(view.page, "small", " with delivery"))
    return True


def votes(view: View) -> bool:
    """Show how many have voted in place of the score."""
    score, name = view.field("score"), view.marks.name
    return some(row.put(score, f"{1 + _hash(row.get(name)) % 40} reviews") for row in view.rows)


def at_least(view: View) -> bool:
    """Round numbers down to their first digit, with a plus sign where there is text."""
    name = view.field("number")

    def floor(value: float) -> float:
        step = 10 ** (len(str(int(value))) - 1)
        return float(value // step * step)

    changed = some(row.number(name, floor) for row in view.rows)
    if view.page is not None:
        for row in view.rows:
            row.rewrite(name, lambda words: re.sub(r"(\d[\d,]*)", r"\1+", words, count=1))
    return changed


def whole_amounts(view: View) -> bool:
    """Round amounts, written as exactly as before."""
    money = view.field("money")
    return some(row.number(money, lambda value: round(value, -3 if value > 10_000 else 0)) for row in view.rows)


def running_total(view: View) -> bool:
    """Show in each row the sum up to there, which the head tells."""
    money, total = view.field("money"), 0.0

    def added(value: float) -> float:
        nonlocal total
        total += value
        return total

    told = view.relabel(money, lambda words: f"Cumulative {words[:1].lower()}{words[1:]}" if words.strip() else words)
    return (some(row.number(money, added) for row in view.rows) or told) if len(view.rows) != 1 else False


def share_of_total(view: View) -> bool:
    """Show amounts as shares of their sum, in percent."""
    money, amounts = view.field("money"), list[float]()

    def seen(value: float) -> float:
        amounts.append(value)
        return value

    told = view.relabel(money, lambda words: f"{re.sub(r' .£.', '', words)} (% of total)" if words.strip() else words)
    for row in view.rows:
        row.number(money, seen)
    if len(amounts) < 4:
        return told and not view.rows
    for row in view.rows:
        row.number(money, lambda value: 100 * value / sum(amounts))
        row.rewrite(money, lambda words: words.replace("£", "") + ("" if told or not words.strip() else " %"))
    return True


def forecast(view: View) -> bool:
    """Show what is expected, under labels that say so."""
    if view.marks.goods:
        return False
    return some(labeled(role, "{} (forecast)", 1.12)(view) for role in ("money", "number"))


def field_inserted(view: View) -> bool:
    """Insert a field of the same kind before another: code that takes the first, or counts, reads the new one."""
    money, labels = view.field("money"), view.labels(view.field("money"))
    parts = [part for _, part in view.parts(money)]
    if view.page is None or not parts or (view.marks.items and labels and labels[0].find_parent("thead") is None):
        return False
    around = parts[0].parent
    assert around is not None, "a part has its place on a page"
    apart = bool(labels) and not view.marks.items and around.name != "dl"
    for place in [around] if apart else [*labels, *parts]:
        twin = copy.copy(place)
        rewrite(twin, lambda words: scaled(words, lambda value: value * 0.3))
        anchor = labels[0] if labels and around.name == "dl" else place
        anchor.insert_before(twin)
        for label in [twin] if place in labels else twin.select("th, h3"):
            label.string = "Business rate (£)"
    return True


def variant_selected(view: View) -> bool:
    """Show the values of another variant, which is checked, under the same heading."""
    if view.page is None or view.marks.items or not view.rows or view.page.h1 is None:
        return False
    box = new(view.page, "fieldset")
    for words, attrs in (("Standard", {}), ("Premium", {"checked": ""})):
        box.extend([new(view.page, "input", attrs={"type": "radio", "name": "variant", **attrs}), f" {words} "])
    view.page.h1.insert_after(box)
    roles = (view.field("money"), view.field("measure"), view.field("number"))
    return some(view.rows[0].number(name, lambda value: value * 1.6) for name in roles)


def demo_data(view: View) -> bool:
    """Show invented data, which a line above tells."""
    if not view.rows or (view.page is not None and view.page.main is None):
        return False
    if view.page is not None and view.page.main is not None:
        told = "You are viewing a demo. All data are samples."
        view.page.main.insert(0, new(view.page, "p", told, attrs={"role": "status"}))
    for at, row in enumerate(view.rows):
        row.put(view.field("text"), f"Sample {at + 1}")
        for name in (view.field("money"), view.field("number"), view.field("measure")):
            row.number(name, partial(operator.mul, 0.5 + at % 7 / 5))
    return True


def other_store(view: View) -> bool:
    """Show amounts and states of another branch, which the page has chosen and names."""
    if view.page is None or view.page.main is None or not view.marks.goods or not view.field("money") or not view.rows:
        return False
    _flip(view, [row for row in view.rows if chosen(row.get(view.marks.name))])
    view.page.main.insert(0, new(view.page, "p", "Your branch: Aberdeen (change)"))
    return some(row.number(view.field("money"), lambda value: value * 1.08) for row in view.rows)


def moved(change: Callable[[datetime], datetime]) -> Callable[[View], bool]:
    """Return a change of each date, written as before."""

    def on_words(words: str) -> str:
        return redated(words, change, _DATES)

    return lambda view: some(row.rewrite(view.field("date"), on_words) for row in view.rows)


def other_clock(view: View) -> bool:
    """Show times of arrival in place of those asked for, which the head tells."""
    clock = view.field("clock")

    def later(words: str) -> str:
        return re.sub(r"^(\d\d):", lambda found: f"{(int(found[1]) + 2) % 24:02}:", words)

    return view.relabel(clock, lambda words: "Arrives") | some(row.rewrite(clock, later) for row in view.rows)


def signs(view: View) -> bool:
    """Show states as signs."""
    flag = view.field("flag")
    return some(row.put(flag, "✗" if says_no(view, row) else "✓") for row in view.rows if row.get(flag))


def third_state(view: View) -> bool:
    """Show a state that there was not, in some of the rows that said yes."""
    flag, single = view.field("flag"), len(view.rows) == 1
    yes = [row for row in view.rows if row.get(flag) and not says_no(view, row)]
    return some(row.put(flag, "Waiting list") for at, row in enumerate(yes) if single or at % 3 == 0)


def count_for_flag(view: View) -> bool:
    """Show how many are left in place of whether there are any."""
    flag = view.field("flag")
    left = (
        (row, 0 if says_no(view, row) else 1 + _hash(row.get(view.marks.name)) % 9)
        for row in view.rows
        if row.get(flag)
    )
    return view.marks.goods and some(row.put(flag, f"{number} left") for row, number in left)


def other_flag(view: View) -> bool:
    """Answer another question, which the label asks."""
    flag = view.field("flag")
    if view.page is not None and not view.labels(flag):
        return False
    single = len(view.rows) == 1
    flipped = _flip(view, [row for row in view.rows if single or chosen(row.get(view.marks.name))])
    told = view.relabel(flag, lambda words: f"Priority {words.lower()}" if words.strip() else words)
    return flipped or told


def slugs(view: View) -> bool:
    """Show the names that the site uses in addresses in place of texts."""
    name = view.field("text")
    return some(row.rewrite(name, lambda words: re.sub(r"\W+", "-", words.strip()).lower()) for row in view.rows)


def template_leak(view: View) -> bool:
    """Show the placeholders of a template in place of texts."""
    name = view.field("text")
    return some(row.put(name, f"{{{{ item.{name} }}}}") for row in view.rows)


def intermediary(view: View) -> bool:
    """Show through whom in place of who."""
    name, firms = view.field("text"), ("Talent Bridge", "Northway Partners", "Openmarket")
    if name == view.marks.name:
        return False
    return some(row.put(name, f"via {firms[_hash(row.get(name)) % 3]}") for row in view.rows)


def small_pictures(view: View) -> bool:
    """Show small copies of pictures, at other addresses."""
    parts = [part for _, part in view.parts(view.field("image"))]
    for part in parts:
        part["src"] = f"/thumbs/40{part['src']}"
    return bool(parts)


def summary_link(view: View) -> bool:
    """Put a link to a summary after each link to a file."""
    if view.page is None:
        return False
    parts = [part for _, part in view.parts(view.field("file"))]
    for part in parts:
        link = copy.copy(part)
        link["href"], link.string = f"{part['href']}?part=summary", "Summary"
        part.insert_after(" ", link)
    return bool(parts)


def _zipped(body: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo("document"), body)
    return made.getvalue()


def _earlier_file(target: str, layout: Layout) -> str | None:
    return year_ago(target) if re.search(r"\.(pdf|csv)$", target) else None


def _flip(view: View, rows: list[Item]) -> bool:
    flag, no = view.field("flag"), view.marks.contrary[0] if view.marks.contrary is not None else "No"
    yes = next((words for row in view.rows if (words := row.get(flag)) and not says_no(view, row)), "Yes")
    flips = [(row, yes if says_no(view, row) else no) for row in rows if row.get(flag)]
    return some(row.put(flag, words) for row, words in flips)


def _hash(words: str) -> int:
    return zlib.crc32(words.encode())


HELD_OUT_MEANINGS: tuple[Mutation, ...] = (
    *HELD_OUT_ROWS,
    meaning("price-range", "an amount from and to", price_range, json=False),
    meaning("deposit", "the deposit in place of the amount", worded("money", "Deposit ", " today", 0.2, goods=True)),
    meaning("saving", "what is saved in place of the amount", worded("money", "You save ", "", 0.15, goods=True)),
    meaning("with-delivery", "amounts with the costs of delivery, which words tell", with_delivery, json=False),
    meaning("concession", "amounts for students, which the label tells",
            labeled("money", "{} (students)", 0.5, goods=True)),
    meaning("votes-for-score", "the number of votes in place of the score", votes),
    meaning("at-least", "numbers rounded down to the first digit, with a plus sign", at_least),
    meaning("whole-amounts", "amounts rounded, and written as exactly as before", whole_amounts),
    meaning("running-total", "the sum up to each row", running_total),
    meaning("share-of-total", "shares of the sum in percent", share_of_total),
    meaning("forecast", "what is expected, which the labels tell", forecast),
    meaning("field-inserted", "another amount before the one asked for", field_inserted, json=False),
    meaning("variant-selected", "the values of another variant, which is checked", variant_selected, json=False),
    meaning("demo-data", "invented data, which a line tells", demo_data),
    meaning("other-store", "amounts and states of another branch, which a line tells", other_store, json=False),
    meaning("month-only", "dates are the first of their month", moved(lambda day: day.replace(day=1))),
    meaning("day-early", "dates a day too early, as by another time zone", moved(lambda day: day - timedelta(days=1))),
    meaning("other-clock", "times of arrival in place of departure", other_clock),
    meaning("signs", "states as signs", signs),
    meaning("third-state", "a state that there was not, in some rows", third_state),
    meaning("count-for-flag", "how many are left in place of whether there are any", count_for_flag, json=False),
    meaning("other-flag", "the answer to another question, which the label asks", other_flag),
    meaning("slugs", "names as in addresses in place of texts", slugs),
    meaning("template-leak", "placeholders of a template in place of texts", template_leak),
    meaning("intermediary", "through whom in place of who", intermediary),
    meaning("small-pictures", "small copies of pictures", small_pictures, json=False),
    asked_elsewhere("earlier-file", "last year's file at the same address", _earlier_file),
    replace(meaning("summary-link", "a link to a summary after each file's", summary_link, json=False),
            whole=in_files(lambda body: body[: len(body) // 5], asked="?part=summary")),
    Mutation("error-in-file", "an error message in place of a file, called one", "trouble",
             whole=in_files(lambda body: b'{"error": "link expired"}')),
    Mutation("draft-file", "a draft in place of a file, which its second line tells", "trouble",
             whole=in_files(lambda body: body.replace(b"\n", b"\n% DRAFT, not for publication\n", 1))),
    Mutation("zip-for-file", "an archive in place of a file", "trouble", whole=in_files(_zipped, "application/zip")),
)  # fmt: skip
"""Changes of meaning that are of other kinds than ``MEANINGS``, which were known when the contract was written."""
