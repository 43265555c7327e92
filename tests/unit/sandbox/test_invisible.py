"""Characters that pages must not bring onto a terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli.output import to_json
from engine.task.formatting import clean, one_line
from sandbox.invisible import escaped_in_json

UNSEEN = (
    *(
        "\x1b",
        "\x9b",
        "\x85",
        "\b",
        "\r",
        "\u061c",
        "\u202e",
        "\u2066",
        "\u200b",
        "\u180e",
        "\u2062",
        "\u206a",
        "\ufeff",
    ),
    *("\ufff9", "\U000e0041", "\U000e0001"),
)


@pytest.mark.parametrize("unseen", UNSEEN, ids=ascii)
def test_unseen_character_is_not_printed(unseen: str) -> None:
    assert (clean(f"a{unseen}b"), one_line(f"a{unseen}b")) == ("ab", "ab")
    assert unseen not in to_json([f"a{unseen}b"])


@pytest.mark.parametrize("text", ["\u0645\u06cc\u200c\u062e\u0648", "👩\u200d🔬", "☎\ufe0f", "葛\U000e0100", "a\tb\nc"])
def test_character_that_scripts_and_emoji_need_is_printed(text: str) -> None:
    assert clean(text) == text


@settings(max_examples=50)
@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_escaped_json_means_the_same(value: object) -> None:
    assert json.loads(escaped_in_json(json.dumps(value, ensure_ascii=False))) == value
