"""A run read with its anchors: what signatures are learnt from, and what checks look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from engine.contract.model import Observed
from engine.contract.provenance.anchors import Anchor, Anchored, Anchoring, Row, Votes
from engine.contract.provenance.document import Document, document_of
from engine.contract.provenance.lens import Lens
from engine.contract.provenance.tables import files


class Reading:
    """One run: its output, anchored to what it read.

    Args:
        run: The run.
    """

    def __init__(self, run: Observed) -> None:
        self.run = run
        self.document: Document = document_of(run)
        self.lens = Lens(run.parameters)
        self.shares: dict[str, tuple[float, float, int]] | None = None
        """The shares of rows that name each parameter, once they were computed."""
        self.said: dict[Row, dict[str, list[str]]] = {}
        """The short texts of rows by place, as they were looked up."""
        self._anchoring = Anchoring(self.document, run.legible, self.lens)

    def is_of(self, run: Observed) -> bool:
        """Return True for a view of the same run with the same parameters, output and maps."""
        same = self.run.legible is run.legible and self.run.parameters == run.parameters
        return same and self.document is document_of(run)

    @property
    def tables(self) -> list[Anchored]:
        """The output's tables."""
        return self._anchoring.tables

    def votes(self) -> Votes:
        """Return where each field may have been read from."""
        return self._anchoring.votes()

    def settle(self, votes: Votes, known: Mapping[str, Any]) -> None:
        """Choose the spot of each value; see `Anchoring.settle`."""
        self._anchoring.settle(votes, known)

    @cached_property
    def fields(self) -> dict[str, tuple[list[tuple[Row, Anchor]], list[tuple[Row, Any]]]]:
        """By path of a field, its anchors and its values that stand nowhere."""
        found: dict[str, tuple[list[tuple[Row, Anchor]], list[tuple[Row, Any]]]] = {}
        for table in self.tables:
            for row in table.rows:
                for path, anchors in row.anchors.items():
                    found.setdefault(path, ([], []))[0].extend((row, anchor) for anchor in anchors)
                for path, value in row.missing:
                    found.setdefault(path, ([], []))[1].append((row, value))
        return found


def is_seen(run: Observed) -> bool:
    """Return True where the maps have what a run read.

    They do not where it took its data from answers to requests of its own that were not mapped: what of them the page
    shows, too, it shows by chance.
    """
    if not run.evidence.maps:
        return False
    if any(page.kind == "json" for page in run.evidence.maps):
        return True
    paths = [unquote_plus(urlsplit(url).path) for url, status in run.evidence.answers if 200 <= status < 300]
    if not paths:
        return True
    # A site may name a file otherwise than its address does; that of the address is on the file's map.
    saved = {unquote_plus(urlsplit(page.url).path) for page in run.evidence.maps if page.kind == "file"}
    names = {str(file["name"]) for _, file in files(run.output)}
    return all(path in saved or path.rpartition("/")[2] in names for path in paths)


def read(runs: Sequence[Observed], known: Mapping[str, Any] | None = None) -> list[Reading]:
    """Return runs of the same code with their anchors, settled with the votes of them all.

    Args:
        known: The fields of a known signature.
    """
    readings = [Reading(run) for run in runs]
    votes: Votes = {}
    for reading in readings:
        for path, counted in reading.votes().items():
            if path in votes:
                votes[path].update(counted)
            else:
                votes[path] = counted.copy()
    for reading in readings:
        reading.settle(votes, known or {})
    return readings


def read_once(run: Observed, known: Mapping[str, Any]) -> Reading:
    """Return one run with its anchors; once for all who ask, so that what is learnt is what was checked.

    Args:
        known: The fields of a known signature, by which the first who asks settles them.
    """
    memo = (run.same or run).memo
    had = memo.get("reading")
    if isinstance(had, Reading) and had.is_of(run):
        return had
    (reading,) = read([run], known)
    memo["reading"] = reading
    return reading
