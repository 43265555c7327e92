"""Changes of meaning in values: another unit, another currency, another measure, a default, a limiting word."""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

from engine.testing.drift.content import chosen
from engine.testing.drift.marks import Role
from engine.testing.drift.meaning_rows import Seen, meaning
from engine.testing.drift.page import new
from engine.testing.drift.view import Change, View, some

_UNITS = {"kg": ("lb", 2.2046), "km": ("mi", 0.6214), "mm": ("in", 0.0394), "min": ("s", 60.0), "cm": ("in", 0.3937)}
_UNIT = re.compile(rf"\b({'|'.join(_UNITS)})\b")
_SLASHES = re.compile(r"\b(\d\d)/(\d\d)/(\d{4})\b")
WRITTEN_DATES = (
    (re.compile(r"\b\d{1,2} [A-Z][a-z]{2} \d{4}\b"), "%d %b %Y"),
    (re.compile(r"\b\d{1,2} [A-Z][a-z]{3,} \d{4}\b"), "%d %B %Y"),
    (_SLASHES, "%d/%m/%Y"),
)
"""The ways in which pages write dates, each with its form."""


def currency_sign(view: View) -> bool:
    """Write amounts in another currency, with its sign."""
    return _converted(view, "money", "£", lambda _: 1.17, lambda words: words.replace("£", "€"))


def currency_head(view: View) -> bool:
    """Write amounts in another currency, which only the head of the column tells."""
    return _by_label(view, "money", "£", lambda words: words.replace("£", "€"), 1.17)


def unit_text(view: View) -> bool:
    """Write measures in another unit."""

    def factor(words: str) -> float:
        unit = _UNIT.search(words)
        return _UNITS[unit[0]][1] if unit else 1.0

    return _converted(view, "measure", _UNIT.pattern, factor, _other_unit)


def unit_head(view: View) -> bool:
    """Write measures in another unit, which only the head of the column tells."""
    measure = view.field("measure")
    if view.page is not None and not view.labeled(measure, _UNIT.pattern):
        return False
    unit = "min" if view.page is None else next(m[0] for e in view.labels(measure) if (m := _UNIT.search(e.get_text())))
    return _by_label(view, "measure", _UNIT.pattern, _other_unit, _UNITS[unit][1])


def _other_unit(words: str) -> str:
    return _UNIT.sub(lambda found: _UNITS[found[0]][0], words)


def _converted(view: View, role: Role, pattern: str, factor: Callable[[str], float], reword: Change) -> bool:
    """Multiply each value, and write it in other words, where most match a pattern.

    Args:
        factor: Returns that of a value, given its text.
    """
    name = view.field(role)
    if not view.shows(name, pattern):
        return False
    for row in view.rows:
        row.number(name, partial(operator.mul, factor(row.get(name))))
        row.rewrite(name, reword)
    return True


def thousands_head(view: View) -> bool:
    """Write amounts in thousands, which only the head tells."""
    return _by_label(
        view, "money", r"\w", lambda words: f"{words.rstrip()} in thousands" if words.strip() else words, 0.001
    )


def _by_label(view: View, role: Role, pattern: str, relabel: Change, factor: float) -> bool:
    name = view.field(role)
    if view.page is not None and not view.labeled(name, pattern):
        return False
    scaled = some(row.number(name, lambda value: value * factor) for row in view.rows)
    return view.relabel(name, relabel) or scaled


def worded(role: Role, before: str, after: str, factor: float, *, goods: bool = False) -> Seen:
    """Return a change that writes a value with limiting words around it, in place of the one that was asked for.

    Args:
        goods: True where the words suit only the price of a thing.
    """

    def change(view: View) -> bool:
        name = view.field(role)
        if goods and not view.marks.goods:
            return False
        if not view.rows or not view.shows(name, r"\d") or view.page is None:
            return False
        for row in view.rows:
            row.number(name, lambda value: value * factor)
            row.rewrite(name, lambda words: f"{before}{words.strip()}{after}" if re.search(r"\d", words) else words)
        return True

    return change


def labeled(role: Role, words: str, factor: float, *, goods: bool = False) -> Seen:
    """Return a change by which a field's label names another measure, whose value stands there.

    Args:
        words: The new label, with ``{}`` in place of the old one.
        goods: True where the words suit only the price of a thing.
    """

    def relabel(old: str) -> str:
        kept = old.strip()
        return words.format(kept if words.startswith("{") else kept[:1].lower() + kept[1:]) if kept else old

    def change(view: View) -> bool:
        name = view.field(role)
        if not name or (goods and not view.marks.goods) or not _by_label(view, role, r"\w", relabel, factor):
            return False
        for row in view.rows:
            row.rewrite(name, lambda shown: shown.replace(" incl. VAT", ""))
        return True

    return change


def no_vat(view: View) -> bool:
    """Show net amounts, and say so beside each."""
    money = view.field("money")
    if view.page is None or not view.marks.goods or not view.shows(money, r"\d"):
        return False
    for row in view.rows:
        row.number(money, lambda amount: amount / 1.2)
        row.rewrite(money, lambda words: words.replace(" incl. VAT", ""))
    for _, part in view.parts(money):
        part.append(new(view.page, "small", " excl. VAT"))
    return True


def old_price_first(view: View) -> bool:
    """Show the old amount, struck through, before the one to pay, within the same element."""
    money = view.field("money")
    if view.page is None or not view.marks.goods or not view.shows(money, r"\d"):
        return False
    for item, part in view.parts(money):
        shown = item.get(money)
        part.clear()
        part.extend([new(view.page, "s", _higher(shown)), " ", new(view.page, "b", shown)])
    return True


def _higher(shown: str) -> str:
    return re.sub(r"\d[\d,]*", lambda m: f"{int(int(m[0].replace(',', '')) * 1.3) + 1:,}", shown, count=1)


def struck(view: View) -> bool:
    """Strike amounts through that are no longer valid."""
    money = view.field("money")
    if view.page is None or not view.marks.goods or not view.rows or not view.shows(money, r"\d"):
        return False
    for item, part in view.parts(money):
        item.number(money, lambda amount: amount * 1.25)
        line = new(view.page, "del")
        line.extend([child.extract() for child in list(part.children)])
        part.append(line)
        part.insert_after(new(view.page, "em", "Price on request"))
    return True


def out_of_ten(view: View) -> bool:
    """Write scores on another scale."""
    return _converted(view, "score", "out of 5", lambda _: 2, lambda words: words.replace("out of 5", "out of 10"))


def abbreviated(view: View) -> bool:
    """Write large numbers as thousands with a letter."""
    done = False
    roles: tuple[Role, ...] = ("money", "number")
    for role in roles:
        name = view.field(role)
        if view.shows(name, r"\d,\d{3}"):
            for row in view.rows:
                done |= row.rewrite(name, lambda words: re.sub(r"(\d+),(\d)\d\d(\.\d\d)?", r"\1.\2K", words))
    return done


def separators(view: View) -> bool:
    """Write numbers with a point for thousands and a comma for decimals."""
    money = view.field("money")
    if view.page is None or not view.shows(money, r"\d"):
        return False
    swap = str.maketrans(",.", ".,")
    return some(
        row.rewrite(money, lambda words: re.sub(r"[\d,.]*\d", lambda m: m[0].translate(swap), words))
        for row in view.rows
    )


def flooded(role: Role, share: int = 2) -> Seen:
    """Return a change by which most rows of a field show its most frequent value, as a default does."""

    def change(view: View) -> bool:
        name = view.field(role)
        shown = Counter(words for row in view.rows if (words := row.get(name)))
        if len(shown) < 2 or len(view.rows) < 4:
            return False
        default = min(words for words, times in shown.items() if times == max(shown.values()))
        flood = [row for at, row in enumerate(view.rows) if at % 3 < share and row.get(name) not in ("", default)]
        return some(row.put(name, default) for row in flood)

    return change


def zeros(role: Role) -> Seen:
    """Return a change by which a third of the rows show zero where the site lost the value."""

    def change(view: View) -> bool:
        name = view.field(role)
        lost = [row for row in view.rows if chosen(row.get(view.marks.name))] if len(view.rows) > 3 else view.rows
        return some(row.number(name, lambda _: 0) for row in lost)

    return change


def month_first(view: View) -> bool:
    """Write dates with the month first."""
    name = view.field("date")
    return some(row.rewrite(name, lambda words: _SLASHES.sub(r"\2/\1/\3", words)) for row in view.rows)


def other_date(view: View) -> bool:
    """Show another date, of the last change, under a label or word that says so."""
    name = view.field("date")

    def later(words: str) -> str:
        return redated(words, lambda day: day + timedelta(days=41))

    moved = some(row.rewrite(name, later) for row in view.rows)
    label = view.relabel(name, lambda words: "Last updated" if words.strip() else words)
    if moved and not label and view.page is not None:
        for _, part in view.parts(name):
            part.insert_before("Updated ")
    return moved or label


def redated(
    words: str, change: Callable[[datetime], datetime], forms: Iterable[tuple[re.Pattern[str], str]] = WRITTEN_DATES
) -> str:
    """Change each date in a text, written as before."""
    for pattern, form in forms:

        def write(found: re.Match[str], form: str = form) -> str:
            day = change(datetime.strptime(found[0], form).replace(tzinfo=UTC))
            return day.strftime(form).lstrip("0") if "B" in form else day.strftime(form)

        words = pattern.sub(write, words)
    return words


def other_zone(view: View) -> bool:
    """Show times of another zone, which a line above the list tells."""
    clock = view.field("clock")
    if view.page is not None:
        heads = view.labels(clock)
        return view.relabel(clock, lambda words: f"{words} (UTC)") if heads else False

    def earlier(words: str) -> str:
        return re.sub(r"^(\d\d):", lambda m: f"{(int(m[1]) + 23) % 24:02}:", words)

    return some(row.rewrite(clock, earlier) for row in view.rows)


def masked(view: View) -> bool:
    """Show texts with most letters replaced by asterisks."""
    name = view.field("text")
    return some(row.rewrite(name, lambda words: re.sub(r"(?<=\w)\w", "*", words)) for row in view.rows)


def trend(view: View) -> bool:
    """Show the change since last time where the number stood."""
    name = view.field("number")
    if view.marks.items or not view.rows or view.page is None or not name:
        return False
    for row in view.rows:
        row.number(name, lambda value: round(value * 0.07))
        row.rewrite(name, lambda words: f"+{words.strip()} since yesterday" if words.strip() else words)
    return True


VALUES = (
    meaning("currency-sign", "amounts in another currency, with its sign", currency_sign),
    meaning("currency-head", "amounts in another currency, which the head tells", currency_head),
    meaning("unit-text", "measures in another unit, written beside them", unit_text),
    meaning("unit-head", "measures in another unit, which the head tells", unit_head),
    meaning("thousands-head", "amounts in thousands, which the head tells", thousands_head),
    meaning("net-text", "net amounts, with words beside them", no_vat, json=False),
    meaning("net-head", "net amounts under a head that says so", labeled("money", "{} excl. VAT", 1 / 1.2, goods=True)),
    meaning("per-unit", "amounts per 100 g", worded("money", "", " / 100 g", 0.21, goods=True)),
    meaning("from-price", "the lowest amount of several", worded("money", "from ", "", 0.8)),
    meaning("monthly-rate", "the rate of a month in place of the amount", worded("money", "", " / month", 1 / 12)),
    meaning("member-price", "the amount for members only", worded("money", "Members pay ", "", 0.9, goods=True)),
    meaning("pack-price", "the amount for a pack", worded("money", "", " (pack of 6)", 5.4, goods=True)),
    meaning("approximate", "a rounded figure in place of the exact one", worded("number", "approx. ", "", 1.07)),
    meaning("other-measure", "the label and value of another measure", labeled("measure", "Maximum {}", 1.4)),
    meaning("old-price-first", "the old amount struck through before the new one", old_price_first, json=False),
    meaning("struck-price", "amounts that are no longer valid, struck through", struck, json=False),
    meaning("score-scale", "scores out of ten in place of five", out_of_ten),
    meaning("abbreviated", "large numbers in thousands with a letter", abbreviated),
    meaning("separators", "point and comma exchanged in numbers", separators, json=False),
    meaning("flood-text", "a default text floods a field", flooded("text")),
    meaning("flood-money", "one amount floods a field", flooded("money")),
    meaning("flood-date", "one date floods a field", flooded("date")),
    meaning("zeros", "amounts that were lost are shown as zero", zeros("money")),
    meaning("date-order", "dates with the month first", month_first),
    meaning("other-date", "the date of the last change in place of the one asked for", other_date),
    meaning("other-zone", "times of another zone", other_zone),
    meaning("masked", "texts with letters replaced by asterisks", masked),
    meaning("trend", "the change since yesterday in place of the number", trend, json=False),
)
