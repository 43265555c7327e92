"""The attempts of a task, read afterwards: which of them gave its result."""

from __future__ import annotations

from collections.abc import Sequence

_AUTHORED = frozenset({"explore", "update", "repair", "adopt", "compile", "continue"})


def giving_attempt(attempts: Sequence[tuple[str, str]]) -> int | None:
    """Return the place of the attempt that gave the result of a task that succeeded; None where none can have.

    A replay that looked suspect gives it, too, once a check or a confirmation has cleared it: these give nothing
    themselves.

    Args:
        attempts: Kind and outcome of each, in order.

    >>> giving_attempt([("replay", "failed"), ("check", "success")])
    0
    >>> giving_attempt([("replay", "failed"), ("repair", "success")])
    1
    """
    made = [n for n, (kind, outcome) in enumerate(attempts) if kind in _AUTHORED and outcome == "success"]
    replays = [n for n, (kind, _) in enumerate(attempts) if kind == "replay"]
    found = made or replays
    return found[-1] if found else None
