"""Saved files: which values of its row a file's address names, where its link leads, and the kind of what it holds."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_plus, urljoin, urlsplit

from engine.contract.model import Breach, Severity
from engine.contract.provenance.reading import Reading
from engine.contract.provenance.spellings import normal
from engine.contract.provenance.tables import Leaf, files
from sandbox.page_map import PageMap

_SHORTEST = 4  # letters and digits of a value that an address can be said to name
_TIED = 0.95  # share of files whose address names a value of the row
_TIED_STILL = 0.4  # share of files of which it must go on to do so: some rows may bear other names
_NEW_FOLDERS = 0.1  # share of files from other folders
_TYPES = frozenset({"pdf", "zip", "x-zip-compressed", "csv", "html", "plain"})
_MOST_FOLDERS = 4  # of links; more say nothing
# Kinds that files of these names have; another one is of what a server gave instead
_BY_NAME: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("pdf",), frozenset({"pdf"})),
    **dict.fromkeys(("zip", "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub", "jar", "whl"), frozenset({"zip"})),
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "tif", "tiff", "webp"), frozenset({"image", "binary"})),
    **dict.fromkeys(("tgz", "tar", "xz", "bz2", "7z", "rar", "zst", "exe", "msi", "dmg"), frozenset({"binary"})),
}
_OPAQUE = re.compile(r"[#a-f]*#[#a-f-]*", re.IGNORECASE)  # with its digits masked: a digest, or a part of one
_OPAQUE_BESIDE = re.compile(r"[a-f]{1,8}", re.IGNORECASE)
BY_LINK = "its link"
"""The name under which it is told that the file's link stands in the row's item."""

Described = dict[str, Any]


def describe(reading: Reading) -> dict[str, Described]:
    """Return for each field of files: how many, by which values of the row their addresses name, kinds, folders."""
    maps = _maps_by_name(reading)
    found: dict[str, Described] = {}
    addresses: dict[str, set[str]] = defaultdict(set)
    for table in reading.tables:
        for row in table.rows:
            for path, file in files(row.source, f"{table.path}[*]" if table.table.many else table.path):
                page = _map_of(maps[str(file["name"])])
                links = _links(reading, row.item, str(file["name"]), page)
                address = links[0] if links else page.url if page is not None else ""
                kind = _kind(file, page)
                whole = f"{unquote_plus(urlsplit(address).path)} {file['name']}"
                named = _named(whole, row.leaves)
                one = found.setdefault(path, {"count": 0, "named": {}, "kinds": {}, "folders": {}, "others": 0})
                one["count"] += 1
                # Only a few rows are looked at: a file of another row is mostly that of one beside.
                near = table.rows[max(0, row.number - 3) : row.number + 4] if not named else ()
                one["others"] += any(_named(whole, other.leaves) for other in near)
                _count(one["kinds"], [kind] if kind else [])
                _count(one["named"], [*named, *([BY_LINK] if links else [])])
                _count(one["folders"], [_folder(reading, address)] if address else [])
                addresses[path].add(whole)
                one["distinct"] = len(addresses[path])
    return found


def misnamed(reading: Reading) -> Iterator[tuple[str, str, str]]:
    """Yield path, name and kind of the saved files that hold something else than their names say."""
    maps = _maps_by_name(reading)
    for table in reading.tables:
        for row in table.rows:
            for path, file in files(row.source, f"{table.path}[*]" if table.table.many else table.path):
                name, kind = str(file["name"]), _kind(file, _map_of(maps[str(file["name"])]))
                last = name.casefold().removesuffix(".gz").rpartition(".")[2] if "." in name else ""
                if kind and kind not in _BY_NAME.get(last, {kind}):
                    yield path, name, kind


def _maps_by_name(reading: Reading) -> dict[str, list[PageMap]]:
    maps: dict[str, list[PageMap]] = defaultdict(list)
    for each in reading.document.maps:
        if each.kind == "file":
            maps[each.title].append(each)
    return maps


def _kind(file: Mapping[str, Any], page: PageMap | None) -> str:
    return (page.content if page is not None else "") or _kind_of(str(file["content_type"]))


def _kind_of(content_type: str) -> str:
    """Return the kind of a file by its content type, as maps name kinds; empty where the type says nothing.

    >>> _kind_of("application/pdf; x=1"), _kind_of("image/png"), _kind_of("application/octet-stream")
    ('pdf', 'image', '')
    """
    main, _, sub = content_type.partition(";")[0].strip().casefold().partition("/")
    if main == "image":
        return main
    return {"plain": "text", "x-zip-compressed": "zip"}.get(sub, sub) if sub in _TYPES else ""


def _count(counts: dict[str, int], names: Sequence[str]) -> None:
    for name in names:
        counts[name] = counts.get(name, 0) + 1


def _map_of(pages: list[PageMap]) -> PageMap | None:
    """Return the first map of files of one name, and take it away, but for the last."""
    if not pages:
        return None
    return pages.pop(0) if len(pages) > 1 else pages[0]


def _links(reading: Reading, item: int | None, name: str, page: PageMap | None) -> list[str]:
    """Return the links in a row's item that lead to its file: to its address, or else to one of its name."""
    if item is None or item < 0:
        return []
    links = [urljoin(t.url, t.plain) for t in reading.document.texts_of[item] if t.is_link]
    if page is not None and page.url in links:
        return [page.url]
    return [link for link in links if unquote_plus(urlsplit(link).path).rpartition("/")[2] == name]


def _folder(reading: Reading, address: str) -> str:
    """Return the path of a link without its last part, parameters as placeholders."""
    parts = [reading.lens.mask(unquote_plus(part)) for part in urlsplit(address).path.split("/")[1:-1]]
    return _without_digests("/".join(parts))


def _without_digests(folder: str) -> str:
    """Return a folder with digests as ``#``: stores that are addressed by content have another for each file.

    >>> _without_digests("root/+f/c#/fcb#f"), _without_digests("root/+f/fad/#d#b#c"), _without_digests("reports/#")
    ('root/+f/#/#', 'root/+f/#/#', 'reports/#')
    """
    parts = ["#" if _OPAQUE.fullmatch(part) else part for part in folder.split("/")]
    for at, part in enumerate(parts):
        if _OPAQUE_BESIDE.fullmatch(part) and "#" in parts[at + 1 : at + 2]:
            parts[at] = "#"
    return "/".join(parts)


def _named(address: str, leaves: Sequence[Leaf]) -> set[str]:
    """Return the fields that an address names, or that have the name of the file within them."""
    whole, stem = _letters(address), _letters(address.rpartition("/")[2].partition(" ")[0].partition(".")[0])
    found = set()
    for path, value in leaves:
        said = _letters(str(value)) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
        if (len(said) >= _SHORTEST and said in whole) or (len(stem) >= _SHORTEST and stem in said):
            found.add(path)
    return found


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", normal(text))


def merge(parts: Sequence[Mapping[str, Described]]) -> dict[str, Described]:
    """Return the sums of several descriptions."""
    merged: dict[str, Described] = {}
    for part in parts:
        for path, one in part.items():
            known = merged.setdefault(path, {"count": 0, "named": {}, "kinds": {}, "folders": {}, "others": 0})
            known["count"] += one["count"]
            known["others"] += one["others"]
            for name in ("named", "kinds", "folders"):
                known[name] = dict(Counter(known[name]) + Counter(one[name]))
    return merged


def check(known: Mapping[str, Described], reading: Reading) -> Iterator[Breach]:
    """Yield the files that belong to other rows, come from elsewhere, or are of another kind."""
    now = describe(reading) if known else {}
    for path, had in known.items():
        if path not in now or not had["count"]:
            continue
        got = now[path]
        for name, hits in had["named"].items():
            has = got["named"].get(name, 0)
            if hits >= _TIED * had["count"] and has < _TIED_STILL * got["count"]:
                what = BY_LINK if name == BY_LINK else f"the row's {name}"
                wanted = f"files whose address is tied to the row by {what}"
                yield Breach("file", path, wanted, f"so in {has} of {got['count']}", _of_untied(name, had, got))
                break
        yield from _check_folders(path, had, got)
        fresh = sorted(set(got["kinds"]) - set(had["kinds"]))
        if fresh and had["kinds"]:
            yield Breach("file-kind", path, f"files of kind {', '.join(sorted(had['kinds']))}", ", ".join(fresh))


def _of_untied(name: str, had: Described, got: Described) -> Severity:
    """Return the severity of addresses that do not name their rows: these may have other names now."""
    if got["others"]:
        return "structural"
    linked = name != BY_LINK and got["named"].get(BY_LINK, 0) == got["count"] == got["distinct"]
    return "advisory" if linked and set(got["folders"]) <= set(had["folders"]) else "doubtful"


def _check_folders(path: str, had: Described, got: Described) -> Iterator[Breach]:
    known = {_without_digests(folder) for folder in had["folders"]}
    fresh = {folder: n for folder, n in got["folders"].items() if folder not in known}
    if not known or len(known) > _MOST_FOLDERS or sum(fresh.values()) <= _NEW_FOLDERS * got["count"]:
        return
    folder = max(fresh, key=lambda each: fresh[each])
    lost = all("{" in each for each in known) and "{" not in folder
    yield Breach(
        "folder", path, f"files in {' or '.join(map(repr, sorted(known)))}",
        f"{fresh[folder]} of {got['count']} in {folder!r}", "structural" if lost else "doubtful",
    )  # fmt: skip
