"""The surroundings of a result: main headings of the pages, currencies that they speak of, requests that failed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from engine.contract.model import Breach
from engine.contract.provenance.lens import own_values
from engine.contract.provenance.phrases import says_aside, says_instead
from engine.contract.provenance.reading import Reading
from engine.contract.provenance.units import CURRENCIES, MONEY_SIGNS, change, senses

_MOST = 12  # headings, paths and currencies that are kept
_LONGEST = 160  # characters of a text that says in which currency prices are
_SIGN = f"[{MONEY_SIGNS}]"
_AMOUNT = re.compile(rf"{_SIGN}\s?\d[\d.,]*|\d[\d.,]*\s?(?:{_SIGN}|[A-Z]{{3}}\b)")  # says nothing of other amounts
_BY_THE_WAY = re.compile(
    r"track|beacon|metric|analytic|telemetry|collect|consent|pixel|\bads?\b|log$|\.(?:js|css|map)$"
)

Described = dict[str, list[str]]


def describe(reading: Reading) -> Described:
    """Return the main headings, the currencies and the failed requests of all that a run read."""
    own = _own(reading)
    headings = {reading.lens.heading([text], own) for page in reading.document.maps for text in page.h1}
    return {
        "h1": sorted(headings)[:_MOST],
        "currencies": sorted({unit for units, _ in _currencies(reading) for unit in units})[:_MOST],
        "failed": sorted(_failed(reading))[:_MOST],
    }


def _own(reading: Reading) -> tuple[str, ...]:
    leaves = (leaf for table in reading.tables for row in table.rows for leaf in row.leaves)
    return own_values(value for _, value in leaves)


def merge(parts: Sequence[Described]) -> Described:
    """Return the headings that all runs had, and the currencies and failures of any."""
    if not parts:
        return {"h1": [], "currencies": [], "failed": []}
    return {
        "h1": sorted(set.intersection(*(set(part["h1"]) for part in parts))),
        "currencies": sorted({each for part in parts for each in part["currencies"]})[:_MOST],
        "failed": sorted({each for part in parts for each in part["failed"]})[:_MOST],
    }


def check(known: Mapping[str, Any], reading: Reading, *, about: Collection[str], headed: bool) -> Iterator[Breach]:
    """Yield the departures of a run's surroundings; see `describe`.

    Args:
        known: The whole signature.
        about: Words of the task.
        headed: Other headings of values were told already.
    """
    had = known["around"]
    if not headed:
        yield from _other_heading(had["h1"], describe(reading)["h1"], about)
    money = _of_fields(known)
    for units, text in _currencies(reading) if money else ():
        if fresh := units - set(had["currencies"]) - money:
            got = f"the page says {text[:120]!r} ({', '.join(sorted(fresh))})"
            yield Breach("currency", "$", "no other currency on the page", got, "doubtful")
            break
    if fresh_paths := sorted(set(_failed(reading)) - set(had["failed"])):
        status = _failed(reading)[fresh_paths[0]]
        yield Breach(
            "request-failed", "$", "a page whose own requests succeed",
            f"{fresh_paths[0]} failed while it was read ({f'status {status}' if status else 'no answer'})", "doubtful",
        )  # fmt: skip


def _other_heading(had: Sequence[str], now: Sequence[str], about: Collection[str]) -> Iterator[Breach]:
    """Yield a breach where the heading of all runs is gone, and one in its place says something else."""
    fresh, gone = [text for text in now if text not in had], [text for text in had if text not in now]
    if not fresh or not gone:
        return
    odd = [text for text in fresh if says_aside(text) or says_instead(text)]
    if odd or change(gone, fresh[:1], about) in ("unknown", "other"):
        yield Breach("heading", "$", f"a page headed {gone[0]!r}", repr((odd or fresh)[0]), "doubtful")


def _currencies(reading: Reading) -> Iterator[tuple[frozenset[str], str]]:
    """Yield the currencies that loose texts of the pages name, other than in an amount, with the text."""
    for text in reading.document.texts:
        loose = text.loose and not text.attribute and not text.aside and not text.place.hidden
        if not loose or text.region == "aside" or len(text.plain) > _LONGEST or text.is_head:
            continue
        if units := senses(_AMOUNT.sub("", text.plain)).units & CURRENCIES:
            yield units, text.plain


def _of_fields(known: Mapping[str, Any]) -> set[str]:
    """Return the currencies in which values are written anyway."""
    texts = (text for field in known["fields"].values() for name in ("words", "label") for text in field[name] or ())
    return {unit for text in texts for unit in senses(text).units & CURRENCIES}


def _failed(reading: Reading) -> dict[str, int]:
    """Return the paths of the pages' own requests to their own site that failed, with the status."""
    found: dict[str, int] = {}
    for page in reading.document.maps:
        for url, status in page.failed:
            parts = urlsplit(url)
            if parts.netloc == urlsplit(page.url).netloc and not _BY_THE_WAY.search(parts.path):
                found[reading.lens.mask(parts.path)] = status
    return found
