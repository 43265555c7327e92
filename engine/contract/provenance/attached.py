"""Saved files: which values of its row a file's address names, and the kind of what it holds."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus, urljoin

from engine.contract.provenance.reading import Reading
from engine.contract.provenance.spellings import normal
from engine.contract.provenance.tables import files
from sandbox.page_map import PageMap

_SHORTEST = 4  # letters and digits of a value that an address can be said to name
BY_LINK = "its link"
"""The name under which it is told that the file's link stands in the row's item."""

Described = dict[str, Any]


def describe(reading: Reading) -> dict[str, Described]:
    """Return for each field of files: how many, by which values of the row their addresses name, and their kinds."""
    maps: dict[str, list[PageMap]] = defaultdict(list)
    for each in reading.document.maps:
        if each.kind == "file":
            maps[each.title].append(each)
    found: dict[str, Described] = {}
    for table in reading.tables:
        for row in table.rows:
            for path, file in files(row.source, f"{table.path}[*]" if table.table.many else table.path):
                page = _map_of(maps[str(file["name"])])
                one = found.setdefault(path, {"count": 0, "named": {}, "kinds": {}})
                one["count"] += 1
                kind = (page.content if page is not None else "") or str(file["content_type"]).partition(";")[0]
                one["kinds"][kind] = one["kinds"].get(kind, 0) + 1
                named: Counter[str] = Counter(one["named"])
                named.update(_named(file, page, row.leaves))
                if page is not None and row.item is not None and row.item >= 0:
                    named[BY_LINK] += _is_linked(reading, row.item, page)
                one["named"] = dict(named)
    return found


def _map_of(pages: list[PageMap]) -> PageMap | None:
    """Return the first map of files of one name, and take it away, but for the last."""
    if not pages:
        return None
    return pages.pop(0) if len(pages) > 1 else pages[0]


def _named(file: Mapping[str, Any], page: PageMap | None, leaves: Any) -> set[str]:
    address = _letters(f"{unquote_plus(page.url) if page is not None else ''} {file['name']}")
    found = set()
    for path, value in leaves:
        said = _letters(str(value)) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
        if len(said) >= _SHORTEST and said in address:
            found.add(path)
    return found


def _is_linked(reading: Reading, item: int, page: PageMap) -> bool:
    links = [urljoin(t.url, t.plain) for t in reading.document.texts_of[item] if t.is_link]
    return page.url in links


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", normal(text))


def merge(parts: list[Mapping[str, Described]]) -> dict[str, Described]:
    """Return the sums of several descriptions."""
    merged: dict[str, Described] = {}
    for part in parts:
        for path, one in part.items():
            known = merged.setdefault(path, {"count": 0, "named": {}, "kinds": {}})
            known["count"] += one["count"]
            for name in ("named", "kinds"):
                known[name] = dict(Counter(known[name]) + Counter(one[name]))
    return merged
