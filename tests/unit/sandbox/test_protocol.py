"""Strict JSON and the shape of messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.protocol import ProtocolError, dump_json, parse_json, parse_message

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_json_values_round_trip(value: object) -> None:
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
def test_invalid_json_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_json(data)


@pytest.mark.parametrize(
    "line", [b"[]", b"{}", b'{"t": 1}', b'{"t": "a", "id": "1"}', b"null", b'{"t": "%s"}' % (51 * b"a")]
)
def test_line_that_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_message(line)
