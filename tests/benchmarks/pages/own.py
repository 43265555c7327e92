"""The fixture sites as sites of a make: their automations are those that a recorded model wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from engine.models.base import Model
from engine.models.recorded import RecordedModel
from engine.testing.drift import Marks
from engine.testing.heal.sites import site
from fixtures_sites import FixtureServer
from fixtures_sites.scenarios import SCENARIOS, Scenario
from fixtures_sites.truths import truth
from tests.benchmarks.pages.make import asking


@dataclass(frozen=True)
class Own:
    """A fixture site, its task, and its marks."""

    scenario: Scenario
    marks: Marks

    @property
    def name(self) -> str:
        """The site's name."""
        return self.scenario.site

    @property
    def task(self) -> str:
        """The task."""
        return self.scenario.task

    @property
    def parameters(self) -> tuple[Mapping[str, Any], ...]:
        """The two sets of parameters."""
        return self.scenario.parameters, self.scenario.other_parameters

    @property
    def secrets(self) -> tuple[str, ...]:
        """The parameters that are secret."""
        return self.scenario.secrets

    @property
    def output_schema(self) -> Mapping[str, Any] | None:
        """The schema of the output."""
        return self.scenario.output_schema

    def author(self, site_url: str) -> Model:
        """Return the recorded model."""
        return RecordedModel(self.scenario.recording("explore"), substitutions=self.scenario.substitutions(site_url))


@dataclass
class OwnSite:
    """A fixture site that is being served."""

    own: Own
    server: FixtureServer

    @property
    def url(self) -> str:
        """Its address."""
        return self.server.url

    @property
    def day(self) -> int:
        """Its data change from day to day."""
        return self.server.seed

    @day.setter
    def day(self, day: int) -> None:
        self.server.seed = day

    def truth(self, parameters: Mapping[str, Any]) -> Any:
        """Return the right output."""
        return truth(self.own.name, parameters, seed=self.server.seed)


@contextmanager
def served_own(own: Own) -> Iterator[OwnSite]:
    """Serve a fixture site."""
    with site(own.name) as server:
        yield OwnSite(own, server)


def _cells(places: Mapping[str, int]) -> dict[str, str]:
    return {name: f"td:nth-of-type({at})" for name, at in places.items()}


def _heads(places: Mapping[str, int]) -> dict[str, str]:
    return {name: f"thead th:nth-of-type({at})" for name, at in places.items()}


_DIRECTORY_COLUMNS = {"name": 2, "town": 4, "rating": 5, "call_out_price": 6}
_LEDGER_COLUMNS = {"number": 1, "client": 2, "due": 3, "amount": 4}
_ARCHIVE_COLUMNS = {"number": 1, "title": 2, "published": 3, "data": 4}
_DIRECTORY = Marks(
    items="tbody tr",
    heading="h1, title",
    name="name",
    fields={**_cells(_DIRECTORY_COLUMNS), "name": "td:nth-of-type(2) a"},
    labels=_heads(_DIRECTORY_COLUMNS),
    roles={"money": "call_out_price", "number": "rating", "text": "town"},
    filtered=asking("category", ""),
    another=asking("category", "stonemasonry"),
)
_LEDGER = Marks(
    items="tbody tr",
    heading="h1, title",
    name="number",
    fields=_cells(_LEDGER_COLUMNS),
    labels=_heads(_LEDGER_COLUMNS),
    roles={"money": "amount", "date": "due", "text": "client"},
    goods=False,
    account='span:-soup-contains("Signed in as")',
    filtered=asking("status", ""),
    another=asking("status", "paid"),
)
_ARCHIVE = Marks(
    items="tbody tr",
    heading="h1, title",
    name="number",
    fields={**_cells(_ARCHIVE_COLUMNS), "data": "td:nth-of-type(4) a:last-of-type"},
    labels=_heads(_ARCHIVE_COLUMNS),
    roles={"date": "published", "file": "data", "text": "title"},
    another=lambda target: "/reports/2024" if re.fullmatch(r"/reports/\d{4}", target) else None,
)
_FEED = Marks(
    name="headline",
    items="article",
    fields={"headline": "title", "author": "author", "date": "date", "comments": "comments"},
    roles={"number": "comments", "text": "author", "date": "date"},
    filtered=lambda target: asking("topic", "")(target) if target.startswith("/api/") else None,
    another=lambda target: asking("topic", "sport")(target) if target.startswith("/api/") else None,
)
OWN: Mapping[str, Own] = {
    name: Own(SCENARIOS[name], marks)
    for name, marks in (("directory", _DIRECTORY), ("ledger", _LEDGER), ("archive", _ARCHIVE), ("feed", _FEED))
}
