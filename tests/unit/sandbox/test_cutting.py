"""Printed values are cut one by one, so that a long one leaves room for the next."""

from hypothesis import given
from hypothesis import strategies as st

from sandbox.cutting import cut_each, lengths
from sandbox.results import Execution


def test_each_long_value_keeps_its_beginning_and_its_end() -> None:
    first, second = "<" + "a" * 9000 + ">", "<" + "b" * 9000 + ">"
    shown = cut_each([first, "a short one\n", second], 4000)
    assert shown[1] == "a short one\n"
    for value, letter in ((shown[0], "a"), (shown[2], "b")):
        assert value.startswith("<" + letter * 1000)
        assert value.endswith(letter * 400 + ">")
        assert "characters cut" in value
    assert len("".join(shown)) < 4100


def test_of_very_many_values_the_middle_goes() -> None:
    shown = "".join(cut_each([f"row {n}\n" for n in range(5000)], 1000))
    assert shown.startswith("row 0\nrow 1\n")
    assert shown.endswith("row 4998\nrow 4999\n")
    assert "values of" in shown
    assert len(shown) < 1100


@given(st.lists(st.text(max_size=300), max_size=40), st.integers(50, 1000))
def test_values_that_fit_stay_and_no_text_grows_beyond_the_limit(values: list[str], limit: int) -> None:
    shown = cut_each(values, limit)
    if sum(map(len, values)) <= limit:
        assert shown == values
    assert len("".join(shown)) <= limit + 40 * len(values) + 60


def test_the_values_of_an_output_are_known_by_their_lengths() -> None:
    values = ["one", "", "two\n"]
    assert Execution(True, "onetwo\n", None, "", "", 0.0, tuple(lengths(values))).values == ["one", "two\n"]
    assert Execution(True, "x" * 600, None, "", "", 0.0, tuple(lengths(["x"] * 600))).values == ["x" * 600]
    assert Execution(True, "", None, "", "", 0.0).values == [""]
