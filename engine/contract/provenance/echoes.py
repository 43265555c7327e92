"""Numbers and days of a single result that are those of a parameter: what was entered, as the site shows it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.contract.model import Breach
from engine.contract.patterns import finite
from engine.contract.provenance.reading import Reading
from engine.contract.provenance.spellings import day_of
from engine.contract.provenance.tables import last_name
from engine.contract.provenance.units import words_of

Echoes = dict[str, list[str]]


def describe(reading: Reading) -> Echoes:
    """Return for each number or day of a single result the parameters that have the same."""
    return {path: _same(value, reading.run.parameters) for path, value in _measures(reading)}


def merge(parts: Sequence[Mapping[str, Sequence[str]]]) -> Echoes:
    """Return the parameters that each field had the value of in all runs."""
    paths = sorted({path for part in parts for path in part})
    return {path: sorted(set.intersection(*(set(part[path]) for part in parts if path in part))) for path in paths}


def check(known: Mapping[str, Sequence[str]], reading: Reading, *, by_chance: bool) -> Iterator[Breach]:
    """Yield the fields that differ from what was entered; call it for runs that changed something.

    What is only looked up may be called otherwise by the site.

    Args:
        by_chance: Only one run showed them, in which a number may be that of a parameter by chance: their names decide.
    """
    parameters = reading.run.parameters
    for path, value in _measures(reading) if known else ():
        for name in known.get(path, ()):
            asked = parameters.get(name)
            if by_chance and not words_of(last_name(path)) & words_of(name):
                continue
            if _measure(asked) is not None and name not in _same(value, parameters):
                yield Breach("echo", path, f"{asked!r}, as {name} has it", repr(value))


def _measures(reading: Reading) -> Iterator[tuple[str, Any]]:
    for table in reading.tables:
        for row in table.rows if not table.table.many else ():
            yield from ((path, value) for path, value in row.leaves if _measure(value) is not None)


def _same(value: Any, parameters: Mapping[str, Any]) -> list[str]:
    wanted = _measure(value)
    return sorted(name for name, asked in parameters.items() if _measure(asked) == wanted)


def _measure(value: Any) -> float | str | None:
    """Return a number, or a day, in one form; None for what is neither."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str):
        try:
            return finite(value)
        except ValueError:
            return day_of(value)
    return finite(value)
