"""The scenarios of the fixture sites, and those that only the tests have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fixtures_sites import scenarios
from fixtures_sites.scenarios import Scenario
from tests.apps.django_admin import PASSWORD, USERNAME

_RECORDINGS = Path(__file__).parents[1] / "recordings"

DJANGO_ADMIN = Scenario(
    site="django_admin",
    task=(
        "Log in to the shop's administration and list all orders that have the given status: number, customer, date as"
        " YYYY-MM-DD, and total as a number. Newest first."
    ),
    parameters={"username": USERNAME, "password": PASSWORD, "status": "Shipped"},
    other_parameters={"username": USERNAME, "password": PASSWORD, "status": "Refunded"},
    start_path="/admin/",
    secrets=("password",),
    recordings=_RECORDINGS,
)

INJECTED = Scenario(
    site="misbehaving",
    task="List the products of this shop with their names and prices as numbers.",
    parameters={},
    other_parameters={},
    start_path="/injected",
    recordings=_RECORDINGS,
)

README = Scenario(
    site="directory",
    task="List every business of the category, with its name, phone number and the year it was founded.",
    parameters={"category": "Surveying"},
    other_parameters={"category": "Stonemasonry"},
    recordings=_RECORDINGS,
)

SCENARIOS: Mapping[str, Scenario] = {**scenarios.SCENARIOS, "django_admin": DJANGO_ADMIN}
"""Those with the whole story: explore, replay with other parameters, repair after a redesign."""

RECORDED: Mapping[str, Scenario] = {**SCENARIOS, "injected": INJECTED, "readme": README}
