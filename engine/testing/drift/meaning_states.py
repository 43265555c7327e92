"""Changes of meaning in states, files, pictures, neighbors and accounts."""

from __future__ import annotations

import re
from collections.abc import Callable

from bs4 import Tag

from engine.testing.drift.meaning_rows import meaning
from engine.testing.drift.mutation import Mutation
from engine.testing.drift.page import new
from engine.testing.drift.reply import Reply
from engine.testing.drift.view import JsonItem, View, rewrite, some

_FILES = ("application/pdf", "text/csv")
_SIGN_IN = "<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in to download</h1></body></html>"


def one_badge(view: View) -> bool:
    """Show the same words for both states."""
    flag = view.field("flag")
    return some(row.put(flag, "Check availability") for row in view.rows)


def contrary_reworded(view: View) -> bool:
    """Word the contrary state in another way."""
    flag, words = view.field("flag"), view.marks.contrary
    if words is None or not flag:
        return False
    return some(row.put(flag, words[1]) for row in view.rows if row.get(flag) == words[0])


def all_contrary(view: View) -> bool:
    """Word the contrary state in another way, in which it is now of every row."""
    flag, words = view.field("flag"), view.marks.contrary
    return words is not None and some(row.put(flag, words[1]) for row in view.rows)


def hidden_badge(view: View) -> bool:
    """Hold both badges in each row, the one that does not apply hidden."""
    flag, words = view.field("flag"), view.marks.contrary
    if view.page is None or words is None:
        return False
    shown = {row.get(flag) for row in view.rows} - {words[0], ""}
    changed = False
    for _, part in view.parts(flag):
        if part.string == words[0] and shown:
            twin = new(view.page, part.name, sorted(shown)[0], attrs={"style": "display:none"})
            twin["class"] = str(part.get_attribute_list("class")[0])
            part.insert_before(twin)
            changed = True
    return changed


def all_positive(view: View) -> bool:
    """Show the same state in every row: the site itself is wrong."""
    flag, words = view.field("flag"), view.marks.contrary
    states = [state for row in view.rows if (state := row.get(flag)) and (words is None or state != words[0])]
    if not states:
        return False
    return some(row.put(flag, states[0]) for row in view.rows if row.get(flag) != states[0])


def stock_of_others(view: View) -> bool:
    """Add words to the positive state by which it is no longer one."""
    flag, words = view.field("flag"), view.marks.contrary
    if words is None or not flag:
        return False
    return some(
        row.rewrite(flag, lambda shown: f"{shown} at our partners only")
        for row in view.rows
        if row.get(flag) != words[0]
    )


def swapped_labels(view: View) -> bool:
    """Exchange two columns or terms of numbers, with their labels: code that counts positions reads the other."""
    first, second = view.field("money"), view.field("measure")
    if view.page is None or not first or not second:
        return False
    pairs = list(zip(view.labels(first), view.labels(second), strict=False))
    pairs += [(one, two) for item, one in view.parts(first) if (two := item.part(second)) is not None]
    for one, two in pairs:
        _exchange(one, two)
    return bool(pairs)


def _exchange(one: Tag, two: Tag) -> None:
    kept = [list(one.children), list(two.children)]
    one.extend([child.extract() for child in kept[1]])
    two.extend([child.extract() for child in kept[0]])


def shifted(view: View) -> bool:
    """Shift a field up by one row, where a value is missing: what is read apart no longer belongs together."""
    money = view.field("money")
    values = [row.get(money) for row in view.rows]
    if len(values) < 4 or not money:
        return False
    return some(row.put(money, value) for row, value in zip(view.rows, [*values[1:], values[0]], strict=True))


def files_shifted(view: View) -> bool:
    """Link each row to the file of the next."""
    return _relink(view, lambda links, at: links[(at + 1) % len(links)])


def one_file(view: View) -> bool:
    """Link every row to the same file."""
    return _relink(view, lambda links, at: links[0])


def older_files(view: View) -> bool:
    """Link each row to an older edition."""
    return _relink(view, lambda links, at: re.sub(r"20\d\d", lambda m: str(int(m[0]) - 1), links[at]))


def sample_files(view: View) -> bool:
    """Link each row to a sample that stands for the file."""
    return _relink(view, lambda links, at: re.sub(r"/[\w-]+\.(\w+)$", r"/sample.\1", links[at]))


def _relink(view: View, link: Callable[[list[str], int], str]) -> bool:
    parts = [part for _, part in view.parts(view.field("file"))]
    links = [str(part["href"]) for part in parts]
    for at, part in enumerate(parts):
        part["href"] = link(links, at)
    return len(links) > 1


def in_files(change: Callable[[bytes], bytes], kind: str = "", asked: str = "") -> Callable[[Reply], bool]:
    """Return a change of the content of each file whose address holds a text.

    Args:
        kind: The content type that it is sent with; empty for its own.
    """

    def on_reply(reply: Reply) -> bool:
        if not reply.content_type.startswith(_FILES) or asked not in reply.target:
            return False
        reply.body, reply.content_type = change(reply.body), kind or reply.content_type
        return True

    return on_reply


def cut_file(body: bytes) -> bytes:
    """Return a file's first line as a preview of it."""
    return body.split(b"\n", 1)[0] + b"\n% preview: the full report is for subscribers\n"


def replaced_object(view: View) -> bool:
    """Show the values of a successor, which a line names, under the old heading."""
    if view.page is None or view.marks.items or not view.rows:
        return False
    _other_numbers(view)
    heading = view.page.select_one("h1")
    if heading is None:
        return False
    heading.insert_after(new(view.page, "p", "No longer made. Shown below: its successor, Model X2."))
    return True


def renamed_object(view: View) -> bool:
    """Show another object with its own name and values."""
    if view.page is None or view.marks.items or not view.rows:
        return False
    for element in view.page.select(view.marks.heading):
        rewrite(
            element,
            lambda words: words.replace(words.strip(), f"{words.split()[0]} Plus X2") if words.strip() else words,
        )
    _other_numbers(view)
    return True


def _other_numbers(view: View) -> None:
    for name, selector in view.marks.fields.items():
        if selector != "h1" and name != view.field("date"):
            view.rows[0].number(name, lambda value: value * 1.4 + 3)


def other_account(view: View) -> bool:
    """Show the data of another account, which the page names."""
    account = view.page.select_one(view.marks.account) if view.page is not None and view.marks.account else None
    if account is None or not view.rows:
        return False
    rewrite(account, lambda words: re.sub(r"\w[\w.@-]+$", "m.okafor", words.rstrip()))
    text, names = view.field("text"), ("Castle Bakery", "Union Cycles", "Pier Hotel")
    for at, row in enumerate(view.rows):
        row.put(text, names[at % 3])
        row.number(view.field("money"), lambda value: value * 0.6 + 11)
    return True


def placeholder_images(view: View) -> bool:
    """Show the same placeholder for every picture, whose address is in another attribute until it is seen."""
    pictures = [part for _, part in view.parts(view.field("image"))]
    for picture in pictures:
        picture["data-src"], picture["src"] = picture["src"], "/img/blank.gif"
    return bool(pictures)


def pictures_shifted(view: View) -> bool:
    """Show the picture of the next row in each."""
    pictures = [part for _, part in view.parts(view.field("image"))]
    addresses = [picture["src"] for picture in pictures]
    for at, picture in enumerate(pictures):
        picture["src"] = addresses[(at + 1) % len(addresses)]
    return len(pictures) > 1


def other_period(view: View) -> bool:
    """Show the figures of another period, whose tab is now the current one."""
    if view.page is None or view.marks.items or not view.rows:
        return False
    tabs = view.page.select("[role=tab]")
    if len(tabs) < 2:
        return False
    current = next(at for at, tab in enumerate(tabs) if tab.get("aria-selected") == "true")
    for at, tab in enumerate(tabs):
        tab["aria-selected"] = str(at == (current + 1) % len(tabs)).lower()
    for name in view.marks.fields:
        if name != view.field("date"):
            view.rows[0].number(name, lambda value: value * 4.2)
    for small in view.page.select(".tile small"):
        rewrite(small, lambda words: words.replace("this week", "this month"))
    return True


def stale(view: View) -> bool:
    """Show figures of weeks ago, which a line tells."""
    money, number = view.field("money"), view.field("number")
    if not view.rows or not (money or number):
        return False
    if view.page is not None:
        heading = view.page.select_one("main h1, main h2") or view.page.select_one("h1, h2")
        if heading is not None:
            heading.insert_after(new(view.page, "p", "Cached copy of 3 August 2026. Live data are unavailable."))
    for row in view.rows:
        for name in (money, number):
            row.number(name, lambda value: value * 0.94)
    return True


def inverted_label(view: View) -> bool:
    """Ask the contrary question, with the same two answers."""
    flag = view.field("flag")
    states = sorted({row.get(flag) for row in view.rows} - {""})
    if not view.marks.labels.get(flag):
        return False  # without a label nobody could tell
    if view.page is not None and not view.rows:
        return view.relabel(flag, lambda words: f"Not {words.lower()}" if words.strip() else words)
    if len(states) != 2 or len(view.rows) < 3:
        return False
    other = dict(zip(states, reversed(states), strict=True))
    for row in view.rows:
        row.put(flag, other[row.get(flag)])
    view.relabel(flag, lambda words: f"Not {words.lower()}" if words.strip() else words)
    return True


def json_hundredths(view: View) -> bool:
    """Send amounts in hundredths."""
    money = view.field("money")
    if view.page is not None:
        return False
    return some(row.number(money, lambda value: value * 100) for row in view.rows if isinstance(row, JsonItem))


STATES = (
    meaning("one-badge", "one badge for both states", one_badge),
    meaning("contrary-reworded", "the contrary state in other words", contrary_reworded),
    meaning("all-contrary", "every row in the contrary state, in other words", all_contrary),
    meaning("badge-hidden", "both badges in each row, one of them hidden", hidden_badge, json=False),
    meaning("all-positive", "every row in the positive state", all_positive),
    meaning("positive-limited", "the positive state with words that limit it", stock_of_others),
    meaning("inverted-flag", "the contrary question, and the contrary answers", inverted_label),
    meaning("swapped-columns", "two columns of numbers exchanged, with their labels", swapped_labels, json=False),
    meaning("shifted-money", "amounts one row too high", shifted),
    meaning("files-shifted", "each row's file is that of the next", files_shifted, json=False),
    meaning("one-file", "every row has the same file", one_file, json=False),
    meaning("older-files", "each row's file is last year's", older_files, json=False),
    meaning("sample-files", "each row's file is a sample", sample_files, json=False),
    Mutation("page-for-file", "a page that asks to sign in, for a file", "trouble",
             whole=in_files(lambda _: _SIGN_IN.encode(), "text/html; charset=utf-8")),
    Mutation("file-preview", "the first page of a file, as a preview", "trouble", whole=in_files(cut_file)),
    meaning("replaced-object", "the values of a successor under the old heading", replaced_object, json=False),
    meaning("renamed-object", "another object with its own name", renamed_object, json=False),
    meaning("other-period", "the figures of another period", other_period, json=False),
    meaning("other-account", "the data of another account, which the page names", other_account, json=False),
    meaning("placeholder-images", "one placeholder for every picture", placeholder_images, json=False),
    meaning("pictures-shifted", "each row's picture is that of the next", pictures_shifted, json=False),
    meaning("stale-cache", "figures of weeks ago, which a line tells", stale),
    meaning("hundredths", "amounts in hundredths, in JSON", json_hundredths),
)  # fmt: skip
