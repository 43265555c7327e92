"""A task for each fixture site, shared by the demo, the tests and the recordings of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from .ledger.data import PASSWORD, USER

__all__ = ["SCENARIOS", "Scenario"]

_RECORDINGS = Path(__file__).parent / "recordings"


@dataclass(frozen=True)
class Scenario:
    """One task on one site, as a user would write it.

    Args:
        site: The fixture site's name, and the reuse key.
        task: The task, in plain words.
        parameters: Inputs of the run that explores.
        other_parameters: Inputs of the run that replays; the output must differ.
        start_path: Page to start on, from the site's root.
        output_schema: JSON Schema of the result; None if it is to be inferred.
        secrets: Parameters whose values are secret.
        writes: True if the task changes something on the site.
        recordings: Directory of the recordings.
    """

    site: str
    task: str
    parameters: Mapping[str, Any]
    other_parameters: Mapping[str, Any]
    start_path: str = "/"
    output_schema: Mapping[str, Any] | None = None
    secrets: tuple[str, ...] = ()
    writes: bool = False
    recordings: Path = field(default=_RECORDINGS, repr=False)

    def start_url(self, site_url: str) -> str:
        """Return the start URL on a site that is served at ``site_url``."""
        return urljoin(site_url, self.start_path)

    def recording(self, phase: str) -> Path:
        """Return the path of a phase's recording, ``explore`` or ``repair``; the file need not exist yet."""
        return self.recordings / f"{self.site}.{phase}.jsonl"

    def substitutions(self, site_url: str) -> dict[str, str]:
        """Return the values that differ from run to run, by their names in a recording: the site, and the secrets."""
        parts = urlsplit(site_url)
        secrets = {name: str(self.parameters[name]) for name in self.secrets}
        return {"site": f"{parts.scheme}://{parts.netloc}", **secrets}


def _rows(**fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "array",
        "items": {
            "type": "object",
            "properties": fields,
            "required": list(fields),
            "additionalProperties": False,
        },
    }


_TEXT = {"type": "string", "minLength": 1}
_DATE = {"type": "string", "format": "date"}
_COUNT = {"type": "integer", "minimum": 0}
_NUMBER = {"type": "number"}

_DIRECTORY = Scenario(
    site="directory",
    task=(
        "List every business in the given category of this trades guide, in the guide's order: name, town, rating as a"
        " number, and call-out price in pounds as a number."
    ),
    parameters={"category": "Joinery & Carpentry"},
    other_parameters={"category": "Electrical Work"},
)

_FEED = Scenario(
    site="feed",
    task=(
        "Get all stories that this newspaper has on the given topic, newest first: headline, author, date of"
        " publication as YYYY-MM-DD, and number of comments."
    ),
    parameters={"topic": "Harbor"},
    other_parameters={"topic": "Weather"},
    output_schema=_rows(headline=_TEXT, author=_TEXT, date=_DATE, comments=_COUNT),
)

_LEDGER = Scenario(
    site="ledger",
    task=(
        "Log in and list all invoices that have the given status, sorted by invoice number: number, client, due date as"
        " YYYY-MM-DD, and amount in euros as a number."
    ),
    parameters={"username": USER, "password": PASSWORD, "status": "Overdue"},
    other_parameters={"username": USER, "password": PASSWORD, "status": "Open"},
    output_schema=_rows(number=_TEXT, client=_TEXT, due=_DATE, amount=_NUMBER),
    secrets=("password",),
)

_APPLICANT = {
    "full_name": "Edda Marchbanks",
    "email": "edda.marchbanks@mail.example",
    "street": "14 Ropewalk",
    "postcode": "TW4 7QD",
    "registration": "KT21 BWN",
    "make": "Tresco Ember",
    "fuel": "Petrol",
    "zone": "Station",
    "start_date": "2026-02-01",
    "months": 6,
}

_FORM = Scenario(
    site="form",
    task=(
        "Apply for a resident parking permit with the given details, accept whatever has to be accepted, and tell me"
        " the reference number of the application."
    ),
    parameters=_APPLICANT,
    other_parameters={
        **_APPLICANT,
        "full_name": "Osric Delamere",
        "email": "osric.delamere@mail.example",
        "registration": "LM70 GXE",
        "fuel": "Electric",
        "zone": "Northgate",
        "start_date": "2026-03-15",
        "months": 12,
    },
    output_schema={
        "type": "object",
        "properties": {"reference": {"type": "string", "pattern": r"^TPP-\d{6}$"}},
        "required": ["reference"],
        "additionalProperties": False,
    },
    writes=True,
)

_ARCHIVE = Scenario(
    site="archive",
    task=(
        "For every report of the given year, oldest first: report number, title, date of publication as YYYY-MM-DD, and"
        " its CSV data file, downloaded."
    ),
    parameters={"year": 2023},
    other_parameters={"year": 2025},
    output_schema=_rows(number=_TEXT, title=_TEXT, published=_DATE, data={"type": "attachment"}),
)

SCENARIOS: Mapping[str, Scenario] = {
    scenario.site: scenario for scenario in (_DIRECTORY, _FEED, _LEDGER, _FORM, _ARCHIVE)
}
