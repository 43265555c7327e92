"""Messages: what is JSON here, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.inside.evidence import stated_totals
from sandbox.protocol import ProtocolError, dump_json, parse_json, parse_message

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_values_survive(value: object) -> None:
    assert parse_json(dump_json(value).encode()) == value


@pytest.mark.parametrize(
    "data",
    [
        b"NaN",
        b"[Infinity]",
        b"1e999",
        b"\xff",
        b'"\\ud800"',
        b"[" * 101 + b"]" * 101,
        b"[" * 50_000,
        b"1" * 5000,
        b"",
        b"{'a': 1}",
    ],
)
def test_what_is_not_taken(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_json(data)


@pytest.mark.parametrize(
    "line", [b"[]", b"{}", b'{"t": 1}', b'{"t": "a", "id": "1"}', b"null", b'{"t": "%s"}' % (51 * b"a")]
)
def test_messages_have_a_shape(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_message(line)


@pytest.mark.parametrize(
    ("text", "totals"),
    [
        ("47 results", [47]),
        ("Showing 1\u201310 of 47", [47]),
        ("Showing 1 to 10 of 1,247 entries", [1247]),
        ("1.247 items found", [1247]),
        ("Total: 12", [12]),
        ("12 of 53 companies", [53]),
        ("64 stories", [64]),
        ("5 minutes", []),
        ("Page 2 of 5", []),
        ("\u00a347.00", []),
        ("In stock (22 available)", []),
        ("9" * 400 + " items", []),
    ],
)
def test_totals_that_a_page_states(text: str, totals: list[int]) -> None:
    assert [number for _, number in stated_totals(text)] == totals
