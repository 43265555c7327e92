"""BrowserOptions: what is refused by its name, what a request adds to saved options, and both spellings."""

from typing import Any

import pytest

from engine import BrowserOptions, InvalidRequest
from tests.unit.task.test_validation import build


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"user_agent": ""}, "user_agent"),
        ({"user_agent": "a\nb"}, "user_agent"),
        ({"locale": "German"}, "locale"),
        ({"timezone": "Berlin"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"viewport": (0, 100)}, "viewport"),
        ({"viewport": "390x844"}, "viewport"),
        ({"headers": {"X": "a\r\nY: b"}}, "headers"),
        ({"headers": {"a b": "c"}}, "headers"),
        ({"headers": {"Host": "a"}}, "headers"),
        ({"headers": {"User-Agent": "a"}}, "user_agent"),
        ({"headers": {"Authorization": "Bearer a"}}, "secret"),
        ({"headers": {"X-Api-Key": "a"}}, "secret"),
        ({"language": "de"}, "language"),
    ],
)
def test_malformed_option_is_refused_by_its_name(given: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidRequest, match=named) as caught:
        build(browser=given)
    assert caught.value.details["field"] == "browser"


def test_value_of_a_secret_parameter_is_refused_since_options_are_saved() -> None:
    with pytest.raises(InvalidRequest, match="secret parameter"):
        build(browser={"headers": {"X-Team": "hunter2"}}, parameters={"password": "hunter2"})


def test_wire_spelling_and_arguments_are_the_same_options() -> None:
    wire = {"userAgent": "Mozilla/5.0", "viewport": {"width": 390, "height": 844}, "headers": {"X-Region": "north"}}
    options = BrowserOptions(user_agent="Mozilla/5.0", viewport=(390, 844), headers={"X-Region": "north"})
    assert build(browser=wire).browser == build(browser=options).browser == options
    assert BrowserOptions.model_validate_json(options.model_dump_json()) == options


def test_options_of_a_request_win_one_by_one() -> None:
    saved = BrowserOptions(user_agent="Mozilla/5.0", locale="de-DE")
    assert BrowserOptions(locale="fr-FR").over(saved) == BrowserOptions(user_agent="Mozilla/5.0", locale="fr-FR")
    assert BrowserOptions().over(saved) == saved
    assert build().browser == BrowserOptions()
