"""The fixture sites with their tasks, the layouts of their lists, and the right outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from engine.fixtures_sites import FixtureServer, serve
from engine.fixtures_sites.scenarios import SCENARIOS
from engine.fixtures_sites.truths import truth
from engine.testing.drift import Layout

LAYOUTS: Mapping[str, Layout] = {
    "directory": Layout(
        columns={"name": "Business", "town": "Town", "rating": "Rating", "call_out_price": "Call-out"},
        key="name",
        alike=("name", "town"),
        sparse="rating",
        keep=("Joinery & Carpentry", "Electrical Work"),
    ),
    "feed": Layout(
        columns={"headline": "title", "author": "author", "date": "date", "comments": "comments"},
        key="headline",
        alike=("headline", "author"),
        sparse="author",
        keep=("Harbor", "Weather"),
    ),
    "ledger": Layout(
        columns={"number": "Number", "client": "Client", "due": "Due date", "amount": "Amount"},
        key="number",
        alike=("number", "client"),
        sparse="client",
        keep=("Overdue", "Open"),
    ),
    "archive": Layout(
        columns={"number": "Number", "title": "Title", "published": "Published", "data": "Files"},
        key="title",
        alike=("number", "title"),
        sparse="published",
        keep=("2023", "2025"),
    ),
    "form": Layout(alike=("Full name", "Street and house number")),
}
SITES: tuple[str, ...] = tuple(sorted(LAYOUTS))
"""The sites that are measured."""
WITHOUT_DAYS = frozenset({"form"})
"""Sites that have the same data every day."""


@contextmanager
def site(name: str, *, seed: int = 0) -> Iterator[FixtureServer]:
    """Serve a fixture site with the data of a day, without its artificial delays."""
    with serve(name) as server:
        server.seed = seed
        if name == "feed":
            server.state.delay, server.state.modal_after = 0.01, 60.0
        yield server


def output_schema(name: str) -> Mapping[str, Any]:
    """Return the JSON Schema of a site's output."""
    return SCENARIOS[name].output_schema or _DIRECTORY


_DIRECTORY: Mapping[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "town": {"type": "string"},
            "rating": {"type": ["number", "null"]},
            "call_out_price": {"type": ["number", "null"]},
        },
        "required": ["name", "town", "rating", "call_out_price"],
        "additionalProperties": False,
    },
}


def right_output(name: str, server: Any) -> Any:
    """Return the right output of a site's task, computed from its data; for a form, from what was sent last."""
    parameters = SCENARIOS[name].parameters
    if name != "form":
        return truth(name, parameters, seed=server.seed)
    if not server.state.submissions:
        return {"wrong": "nothing was sent"}
    last = server.state.submissions[-1]
    asked = {field: str(value).lower() for field, value in parameters.items() if field != "zone"}
    wrong = {field: last[field] for field in asked if last[field].lower() != asked[field]}
    return {"wrong": wrong} if wrong else {"reference": last["reference"]}


def plain(output: Any) -> Any:
    """Return an output without the values that differ from run to run: a file is reduced to its hash."""
    if isinstance(output, dict):
        return {"sha256": output["sha256"]} if "sha256" in output else {k: plain(v) for k, v in output.items()}
    return [plain(each) for each in output] if isinstance(output, list) else output
