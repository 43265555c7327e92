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
        ({"headers": {"Authorization": "Bearer {tokn}"}}, "names 'tokn', which is not a parameter"),
        ({"headers": {"Cookie": "session={token}"}}, "Cookie"),
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


def test_header_names_a_parameter_and_is_saved_without_its_value() -> None:
    headers = {"Authorization": "Bearer {token}", "X-Team": "red", "X-Version": "{version}"}
    options = build(browser={"headers": headers}, parameters={"token": "s3same", "version": 3}).browser
    assert options.headers == headers
    context = options.context({"token": "s3same", "version": 3}, "https://user@Shop.example:8443/list?a=b")
    assert context.headers == {"X-Team": "red"}
    assert context.own_headers == {"Authorization": "Bearer s3same", "X-Version": "3"}
    assert context.own_origin == "https://Shop.example:8443"
    assert "s3same" not in repr(context)
    assert options.context({"token": "s3same", "version": 3}, None).own_headers == {}
    saved_earlier = BrowserOptions(headers={"X-Filter": "{open}"}).context({}, "https://shop.example/")
    assert (saved_earlier.headers, saved_earlier.own_headers) == ({"X-Filter": "{open}"}, {})
    with pytest.raises(InvalidRequest, match="value of token"):
        build(browser={"headers": {"X-Key": "{token}"}}, parameters={"token": "a\r\nX-Evil: b"})


def test_wire_spelling_and_arguments_are_the_same_options() -> None:
    wire = {"userAgent": "Mozilla/5.0", "viewport": {"width": 390, "height": 844}, "headers": {"X-Region": "north"}}
    options = BrowserOptions(user_agent="Mozilla/5.0", viewport=(390, 844), headers={"X-Region": "north"})
    assert build(browser=wire).browser == build(browser=options).browser == options
    assert BrowserOptions.model_validate_json(options.model_dump_json()) == options


def test_options_of_a_request_win_one_by_one() -> None:
    saved = BrowserOptions(user_agent="Mozilla/5.0", locale="de-DE")
    assert BrowserOptions(locale="fr-FR").over(saved) == BrowserOptions(user_agent="Mozilla/5.0", locale="fr-FR")
    assert BrowserOptions().over(saved) == saved
    headers = BrowserOptions(headers={"X-Key": "{key}", "X-Team": "red"})
    both = BrowserOptions(headers={"x-team": "blue"}).over(headers)
    assert both.headers == {"X-Key": "{key}", "x-team": "blue"}
    assert build().browser == BrowserOptions()
