"""Evidence of how a run read, as the host takes it from a worker, which counts as hostile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.protocol import ProtocolError
from sandbox.read_evidence import Ambiguous, StaleRead, parse_ambiguous, parse_scrolled, parse_stale

USED = ["text=Rome", "Rome | /a", 2, ["Rome | /a", "Romeo"], "town", "Rome"]


def test_evidence_is_read_as_the_worker_sends_it() -> None:
    assert parse_ambiguous([USED]) == (Ambiguous("text=Rome", "Rome | /a", 2, ("Rome | /a", "Romeo"), "town", "Rome"),)
    assert parse_stale([["li", "click #next", 3]]) == (StaleRead("li", "click #next", 3),)
    scrolled = parse_scrolled([20, 60, True, "no map"])
    assert scrolled is not None
    assert (scrolled.before, scrolled.seen, scrolled.ended, scrolled.map, scrolled.more) == (20, 60, True, None, True)
    assert parse_scrolled(None) is None


@pytest.mark.parametrize(
    ("parse", "wrong"),
    [
        (parse_ambiguous, [USED[:5]]), (parse_ambiguous, [USED] * 21), (parse_ambiguous, {"0": USED}),
        (parse_ambiguous, [[*USED[:3], ["x"] * 11, *USED[4:]]]), (parse_ambiguous, [["x" * 2_001, *USED[1:]]]),
        (parse_stale, [["li", "click", -1]]), (parse_stale, [["li", "click", True]]), (parse_stale, [["li", 1, 1]]),
        (parse_scrolled, []), (parse_scrolled, [1, 2, True]), (parse_scrolled, [1, 2.5, True, ""]),
        (parse_scrolled, [1, 2, True, None]),
    ],
)  # fmt: skip
def test_evidence_of_another_form_is_refused(parse: Callable[[object], object], wrong: object) -> None:
    with pytest.raises(ProtocolError):
        parse(wrong)
