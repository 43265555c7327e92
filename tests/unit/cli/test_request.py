"""Options that describe a task, and the request that they make."""

from pathlib import Path
from typing import Any

import click
import pytest

from engine import BrowserOptions, InvalidRequest
from engine.cli.request import build_request, request_options
from engine.cli.settings import Settings


def request(*arguments: str) -> dict[str, Any]:
    """The request that ``webtasks run`` would make of these arguments."""
    made: list[dict[str, Any]] = []

    @click.command()
    @request_options
    def run(**given: Any) -> None:
        made.append(build_request(Settings(store=Path("none")), given))

    run.main([*arguments], standalone_mode=False)
    return made[0]


def test_browser_options_make_one_argument() -> None:
    made = request(
        "List", "--user-agent", "Mozilla/5.0", "--timezone", "Asia/Tokyo", "--viewport", "390x844",
        "--header", "X-Region: north", "--header", "X-Team:a:b",
    )  # fmt: skip
    assert made["browser"] == BrowserOptions(
        user_agent="Mozilla/5.0", timezone="Asia/Tokyo", viewport=(390, 844),
        headers={"X-Region": "north", "X-Team": "a:b"},
    )  # fmt: skip
    assert "browser" not in request("List")


def test_browser_options_add_to_those_of_a_request_in_the_wire_form() -> None:
    wire = '{"task": "List", "browser": {"userAgent": "Mozilla/5.0", "locale": "de-DE"}}'
    assert request(wire, "--locale", "fr-FR")["browser"] == BrowserOptions(user_agent="Mozilla/5.0", locale="fr-FR")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--viewport", "wide", "390x844"), ("--header", "X-Region", "NAME:VALUE"), ("--timezone", "Berlin", "timezone")],
)
def test_malformed_browser_option_is_refused(option: str, value: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        request("List", option, value)
