"""Pages of a list that overlap: a row that stands on two of them was read twice, in the place of another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin

from engine.contract.model import Breach, Observed
from engine.contract.page import count_confirmed
from engine.contract.profile import main_rows
from sandbox.page_map import PageMap


def check_overlap(page: Mapping[str, Any], learned: Mapping[str, Mapping[str, Any]], run: Observed) -> Iterator[Breach]:
    """Yield a breach where the list has as many rows as its page states, and some of them are one item, read twice.

    A site that sorts its items anew for each page shows one on two pages, and another on none. Equal rows of one page,
    and equal ones with addresses of their own, are data.

    Args:
        page: What the contract knows of the page.
        learned: The profile of good outputs.
    """
    path, rows = main_rows(run.legible)
    known, got = learned.get(path), run.described.get(path)
    if known is None or known.get("twins", 1.0) > 0 or not got or not got["twins"]:
        return
    pages = [each for each in run.evidence.maps if each.kind == "page"]
    if len(pages) < 2 or not count_confirmed(run, page):
        return
    counted = Counter(name for row in rows if (name := _name(row)))
    again = [name for name, count in counted.items() if count > 1]
    linked = [_links(each, again) for each in pages]
    twice = 0
    for name in again:
        found = [links.get(name, (0, frozenset())) for links in linked]
        # One page that shows it as often is the page of equal rows, whatever other page, as that of all, has them, too.
        twice += max(count for count, _ in found) < counted[name] and _on_two_pages([each for _, each in found])
    if twice:
        told = f"{twice} of them a second time, from a further page of the list, so that as many are missing"
        yield Breach("overlap", path, f"{len(rows)} rows of their own, as the page states", told, "doubtful")


def _name(row: Mapping[str, Any]) -> str:
    """Return the text by which a row is found on a page: its longest."""
    return max((value for value in row.values() if isinstance(value, str)), key=len, default="")


def _links(page: PageMap, names: Sequence[str]) -> dict[str, tuple[int, frozenset[str]]]:
    """Return for these names the number of items that have them, and the addresses that those lead to."""
    named: dict[str, set[int]] = {}
    links: dict[int, set[str]] = {}
    for unit in page.units:
        if unit.item < 0:
            continue
        if page.places[unit.place].path.endswith("@href"):
            links.setdefault(unit.item, set()).add(urljoin(page.url, unit.text))
        for name in names:
            if name in unit.text:
                named.setdefault(name, set()).add(unit.item)
    return {
        name: (len(items), frozenset(a for item in items for a in links.get(item, ()))) for name, items in named.items()
    }


def _on_two_pages(links: Sequence[frozenset[str]]) -> bool:
    return any(count > 1 for count in Counter(address for found in links for address in found).values())
