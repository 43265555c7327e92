"""Rows that a list has beyond those that were returned, by what each page that was read says of its own list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.contract import Observed, all_examined, main_rows, rows, stated
from engine.gate.beyond import columns, items
from engine.gate.parameter_use import compares
from engine.gate.vocabulary import RequestWords
from engine.task.text import shorten
from sandbox.page_map import PageMap

_DIGITS = re.compile(r"\d+")
_MANY_ROWS = 5  # a page may well state totals of fewer things beside
_NEARLY = 0.9  # of a list's items; some may be heads
_ROWS_THERE = 3  # rows of the output that stand on a page which is that of their list


def left_unread(
    run: Observed, request: RequestWords, code: str, parameters: Mapping[str, Any]
) -> tuple[str, bool] | None:
    """Return a finding where a page states more rows than were returned, or leads on to more.

    It is certain where the page of the rows themselves says both, and nothing in the request or the code says that some
    of the rows are asked for alone.

    Args:
        run: The run.
        request: The words of the request.
        code: The source, which parses.
        parameters: The parameters that it may filter by.
    """
    count = rows(run.output)
    if count is None or (run.progress is not None and run.progress[0] == run.progress[1] == count):
        return None  # it read elsewhere, from the site's JSON perhaps, and that said how many there are
    named = any(str(value) == str(count) for value in (*parameters.values(), *_DIGITS.findall(request.task)))
    if all_examined(run):  # code let only some of them through
        return None if named or _is_grouped(run) else _kept_back(run, count) or _partly_handed(run, count)
    some = named or request.limits or request.filters or compares(code, parameters) or _is_grouped(run)
    if any(
        total == count for _, total in (*stated(run), *(each for page in run.evidence.maps for each in page.totals))
    ):
        return None
    for page, text in _ends(run, count):
        told = _told(count, text, page.next_controls[0])
        return told, not some
    return _at_the_end(run, count, some=some)


def _kept_back(run: Observed, count: int) -> tuple[str, bool] | None:
    """Judge code that reported more rows as read than it returned, and handed none over before it filtered."""
    if run.evidence.examined is not None or run.progress is None or not 0 < count < run.progress[0]:
        return None
    told = (
        f"it reported {run.progress[0]} rows as read and returned {count}: return them all; where code filters, hand"
        " all rows to task.read first"
    )
    return told, False


def _partly_handed(run: Observed, count: int) -> tuple[str, bool] | None:
    """Judge code that handed fewer rows over than the list has from which it took some, on each of its pages.

    A list that the site had not filtered yet has them, too: where one page has no more than were handed, that is it.
    """
    read = run.evidence.examined[0] if run.evidence.examined is not None else 0
    known, sizes = list(columns(run.output)), []
    for page in run.evidence.maps if read else ():
        texts: dict[int, list[str]] = {}
        for unit in page.units:
            if unit.item >= 0:
                texts.setdefault(unit.item, []).append(unit.text)
        rows_of = {n: " ".join(parts) for n, parts in texts.items()}
        for each in known:
            held = [page.containers[page.items[n].container] for n, text in rows_of.items() if each.has(text)]
            if len(held) >= min(_ROWS_THERE, count):
                sizes.append(max(held))
    if not sizes or read >= min(sizes) * _NEARLY:
        return None
    return f"it handed {read} rows to task.read, while the list on the page has {min(sizes)}: hand all over", False


def _at_the_end(run: Observed, count: int, *, some: bool) -> tuple[str, bool] | None:
    """Judge by the page as the run left it, whether it was read or not."""
    evidence = run.evidence
    more = [text for text, total in stated(run) if total > count]
    # A few rows may be all that is asked for of a long list; a list that offers no more may still lack some.
    if not (evidence.next_controls or count >= _MANY_ROWS):
        return None
    if not more:
        pages = evidence.next_pages
        return (
            (f"it returned {count} rows, while the page leads on to page {pages[0]}: read them all", False)
            if pages
            else None
        )
    if not evidence.next_controls:
        return f"it returned {count} rows, while the page says {more[0]!r}: read them all", False
    there = any(
        sum(map(known.has, evidence.text.splitlines())) >= min(_ROWS_THERE, count) for known in columns(run.output)
    )
    return _told(count, more[0], evidence.next_controls[0]), there and not some


def _told(count: int, text: str, control: str) -> str:
    return (
        f"it returned {count} rows, while the page that has them says {text!r} and offers {shorten(control, 60)!r}:"
        " follow it until there is no more, and return them all; where code filters, hand the rows of every page to"
        " task.read first"
    )


def _ends(run: Observed, count: int) -> Iterator[tuple[PageMap, str]]:
    """Yield the pages on which a list was left that goes on, each with the words of its total.

    A total that several pages state is of one list, and where the last of them leads on, that list was left.
    """
    last: dict[int, tuple[PageMap, str]] = {}
    for page in run.evidence.maps:
        totals = [*page.totals, *([("rows by aria", page.row_count)] if page.row_count else [])]
        if page.kind == "page":
            last |= {total: (page, text) for text, total in totals if total > count}
    known = list(columns(run.output)) if last else ()
    for page, text in last.values():
        if page.next_controls and any(sum(map(each.has, items(page))) >= min(_ROWS_THERE, count) for each in known):
            yield page, text


def _is_grouped(run: Observed) -> bool:
    return any(isinstance(value, list) for row in main_rows(run.output)[1] for value in row.values())
