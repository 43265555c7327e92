"""Requests of all runs to one host: so many at once, and so many in a second."""

from __future__ import annotations

import asyncio
import time

import pytest

from engine import InvalidRequest
from engine.api.options import EngineOptions
from sandbox import PerHost
from sandbox.egress.turns import HostTurns


async def most_at_once(turns: HostTurns, *hosts: str, hold: float = 0.01) -> int:
    now = most = 0

    async def one(host: str) -> None:
        nonlocal now, most
        async with turns.take(host):
            now += 1
            most = max(most, now)
            await asyncio.sleep(hold)
            now -= 1

    await asyncio.gather(*map(one, hosts))
    return most


async def test_one_host_gets_so_many_at_once_and_others_their_own() -> None:
    turns = HostTurns(PerHost(3))
    assert await most_at_once(turns, *["a:80"] * 12) == 3
    assert await most_at_once(turns, *["a:80"] * 6, *["b:80"] * 6) == 6
    assert not turns._hosts, "nothing is kept of hosts that nobody asks"


async def test_one_host_gets_so_many_in_a_second() -> None:
    turns = HostTurns(PerHost(4, per_second=50))
    started = time.monotonic()
    await most_at_once(turns, *["a:80"] * 11, hold=0)
    assert time.monotonic() - started >= 0.2
    await most_at_once(turns, "b:80", hold=0)


async def test_run_that_is_canceled_or_fails_gives_its_turn_back() -> None:
    turns = HostTurns(PerHost(1))
    for error in (asyncio.CancelledError, KeyError):
        with pytest.raises(error):
            async with turns.take("a:80"):
                raise error
    async with asyncio.timeout(30), turns.take("a:80"):
        waits = asyncio.ensure_future(most_at_once(turns, "a:80"))
        await asyncio.sleep(0)
        waits.cancel()
    assert await most_at_once(turns, *["a:80"] * 2) == 1


@pytest.mark.parametrize("given", [0, -1, True, "4", 1.5])
def test_what_is_no_number_of_requests_is_refused(given: object) -> None:
    with pytest.raises(InvalidRequest, match="per_host"):
        EngineOptions.parse(per_host=given)


def test_numbers_and_rates_are_taken() -> None:
    assert EngineOptions.parse(per_host=None).per_host == EngineOptions.parse(per_host=4).per_host == PerHost(4)
    assert EngineOptions.parse(per_host=PerHost(2, 0.5)).per_host == PerHost(2, 0.5)
    with pytest.raises(ValueError, match="rate above zero"):
        PerHost(1, 0)
