"""Nothing as the answer: what the pages that were read say of a list without rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.contract.model import Observed
from engine.contract.provenance.document import BESIDE, region_of
from engine.contract.provenance.lens import Lens
from engine.contract.provenance.phrases import says_nothing
from engine.contract.provenance.signature import leaves_out
from engine.contract.provenance.spellings import normal
from sandbox.nothing_words import says_plainly

if TYPE_CHECKING:
    from sandbox.page_map import PageMap, Place

_LONGEST = 160  # characters of a message
_MOST_KEPT = 30
_TOTALS = frozenset(
    {"total", "count", "totalcount", "totalresults", "totalitems", "numfound", "hits", "size", "length"}
)


@dataclass(frozen=True)
class Nothing:
    """The reason why no rows may be right.

    Args:
        text: The page's words, or what it shows.
        told: True where the page says so; False where it is only likely, by what it shows.
    """

    text: str
    told: bool


def messages_on_full_pages(runs: Sequence[Observed]) -> list[str]:
    """Return the texts on pages of good runs that would say that there is nothing, if they were not there always."""
    found = {normal(text) for run in runs for page in run.evidence.maps for text in _messages(page)}
    return sorted(found)[:_MOST_KEPT]


def words_for_nothing(full: Sequence[Observed], empty: Sequence[Observed]) -> list[str]:
    """Return what pages without rows say outside of their items and full pages do not, parameters as placeholders."""
    known = {text for run in full for page in run.evidence.maps for text in _said(page, run)}
    found = {text for run in empty for page in run.evidence.maps for text in _said(page, run)}
    return sorted(found - known)[:_MOST_KEPT] if full else []


def _said(page: PageMap, run: Observed) -> Iterator[str]:
    lens = Lens(run.parameters)
    for unit in page.units if page.kind == "page" else ():
        if unit.item < 0 and _is_shown(page.places[unit.place]) and len(unit.text) <= _LONGEST:
            yield lens.mask(unit.text)


def _is_shown(place: Place) -> bool:
    return not (place.hidden or "@" in place.path or region_of(place.region) in BESIDE)


def nothing_there(contract: Mapping[str, Any], run: Observed) -> Nothing | None:
    """Return why the run's output may rightly have no rows; None where nothing that was read says so.

    Args:
        contract: The contract of good results: what was there on full pages says nothing.
    """
    maps = [page for page in run.evidence.maps if page.kind != "file"]
    if not maps:
        return None
    last, known = maps[-1], contract.get("page", {}).get("none_said")
    if last.kind == "json":
        return _of_json(last, contract.get("provenance", {}))
    if last.row_count == 0:
        return Nothing("a list of 0 rows", told=True)
    learnt = set(contract.get("page", {}).get("none_words", ()))
    for text in _said(last, run) if learnt else ():
        if text in learnt:
            return Nothing(text, told=True)
    for text in _messages(last):
        if known is None or normal(text) not in known:
            return Nothing(text, told=known is not None)  # what full pages say is not known for earlier versions
    return _of_table(last, contract.get("provenance", {}))


def _messages(page: PageMap) -> Iterator[str]:
    """Yield the texts of a page, outside of its items, that say that there is nothing."""
    if page.kind != "page":
        return
    yield from (text for text, number in page.totals if number == 0)
    yield from (text for text in page.messages if len(text) <= _LONGEST and says_nothing(text))
    for unit in page.units:
        alone = unit.item < 0 and _is_shown(page.places[unit.place]) and len(unit.text) <= _LONGEST
        if alone and says_plainly(unit.text):
            yield unit.text


def _of_json(page: PageMap, provenance: Mapping[str, Any]) -> Nothing | None:
    if page.items:
        return _let_none_through(page, provenance)
    for unit in page.units:
        name = page.places[unit.place].label.casefold().replace("_", "")
        if name in _TOTALS and unit.text.strip() == "0":
            return Nothing(f"{page.places[unit.place].label}: 0", told=True)
    return Nothing(f"an empty answer of {page.url[:120]}", told=False)


def _of_table(page: PageMap, provenance: Mapping[str, Any]) -> Nothing | None:
    """Return what the page shows of the list: its column heads alone, or items of which code takes some."""
    labels = {normal(label) for field in provenance.get("fields", {}).values() for label in field.get("label") or ()}
    labels -= {""}
    cells = any(normal(page.places[unit.place].label) in labels for unit in page.units)
    texts = {normal(unit.text) for unit in page.units if not page.places[unit.place].hidden}
    if labels and not cells and labels <= texts:
        return Nothing(f"the heads of the list ({', '.join(sorted(labels)[:4])}) and no rows", told=False)
    return _let_none_through(page, provenance)


def _let_none_through(page: PageMap, provenance: Mapping[str, Any]) -> Nothing | None:
    """Return the items that stand where those of good runs stood, if code left out some of theirs, too."""
    if not any(map(leaves_out, provenance.get("tables", {}).values())):
        return None
    fields = provenance.get("fields", {}).values()
    known = {
        (path, label) for field in fields for path in field.get("path") or () for label in field.get("label") or ()
    }
    places = {at for at, place in enumerate(page.places) if (place.path, normal(place.label)) in known}
    count = len({unit.item for unit in page.units if unit.item >= 0 and unit.place in places})
    return Nothing(f"{count} items, of which code let none through", told=False) if count else None
