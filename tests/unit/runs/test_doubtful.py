"""Results that may be right: one question to the model, a failure without one, a warning where the request says so."""

from __future__ import annotations

from typing import Any

from tests.unit.runs.test_policy import Replay, good, kinds, replay, store

__all__ = ["replay", "store"]  # fixtures


def books(number: int) -> list[dict[str, Any]]:
    return [{"title": f"Book {n} of the sea", "price": 3.5 + n} for n in range(number)]


async def test_lenient_result_has_a_warning_and_later_runs_are_not_held_against_it(replay: Replay) -> None:
    for _ in range(2):
        assert (await replay(good(books(40))))[0].ok
    strict, _ = await replay(good(books(9)))
    assert strict.error is not None
    assert strict.error.reason == "drift"
    lenient, _ = await replay(good(books(9)), trust="lenient")
    assert (lenient.output, kinds(lenient)) == (books(9), ["replay"])
    assert lenient.warnings
    assert all('with trust="lenient"' in warning for warning in lenient.warnings)
    again, _ = await replay(good(books(9)))
    assert again.error is not None


async def test_lenient_request_fails_by_what_data_cannot_do_by_themselves(replay: Replay) -> None:
    result, _ = await replay(good([{"price": "none"}]), trust="lenient")
    assert result.error is not None
    assert result.error.reason == "drift"
