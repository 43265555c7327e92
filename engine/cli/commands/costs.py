"""``webtasks costs``: what each automation has cost, and what it has saved."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from engine.cli.output import count, dollars, print_json, print_table, say, seconds
from engine.cli.settings import Settings, options, pass_settings

if TYPE_CHECKING:
    from engine.storage.spending import KeyCosts


@click.command()
@click.argument("key", required=False)
@options(shown=False)
@pass_settings
def costs(settings: Settings, key: str | None) -> None:
    """Show what automations cost and save.

    All of them, or KEY in full. "Saved" is against asking the model each time, at the price of the first run; "Paid
    after" names the run after which the first had paid for itself.
    """

    async def read() -> Sequence[KeyCosts]:
        async with settings.engine() as engine:
            return await engine.costs(reuse_key=key)

    found = [] if settings.is_empty else asyncio.run(read())
    if settings.as_json:
        print_json([each.to_json() for each in found])
    elif not found:
        where = f"under the key {key!r} in {settings.root}" if key else f"in {settings.root}"
        click.echo(f"No automation has been tried {where} yet, so nothing was spent.", err=True)
    elif key is not None:
        _tell(found[0])
    else:
        _compare(found)


def _compare(found: Sequence[KeyCosts]) -> None:
    rows = [
        (
            each.key,
            str(each.runs),
            dollars(each.first_usd),
            _number_and_cost(each.replays, each.replay_usd),
            _number_and_cost(each.repairs, each.repair_usd),
            dollars(each.total_usd),
            dollars(each.saved_usd),
            _paid_after(each),
        )
        for each in found
    ]
    columns = ("Key", "Runs", "First run", "Replays", "Repairs", "All", "Saved", "Paid after")
    print_table(columns, rows, numbers=columns[1:-1], wrapped=columns[:1])


def _tell(costs: KeyCosts) -> None:
    tokens = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in costs.tokens.items() if number)
    facts = {
        "Key": costs.key,
        "Runs": str(costs.runs),
        "First run": f"{dollars(costs.first_usd)}, failed tries included",
        "Replays": f"{costs.replays} for {dollars(costs.replay_usd)}",
        "Repairs": f"{costs.repairs} for {dollars(costs.repair_usd)}, updates included",
        "All": dollars(costs.total_usd),
        "Saved": f"{dollars(costs.saved_usd)}: asking the model each time would have cost {dollars(costs.model_usd)}",
        "Paid after": _paid_after(costs),
        "Model": f"{count(costs.model_calls, 'call')}{f'; tokens: {tokens}' if tokens else ''}",
        "Browser": seconds(costs.browser_seconds),
    }
    for name, value in facts.items():
        say(value, f"{name + ':':<16}", " " * 16)


def _paid_after(costs: KeyCosts) -> str:
    if costs.paid_after is not None:
        return f"run {costs.paid_after}"
    return "not yet" if costs.first_usd or not costs.runs else "free"


def _number_and_cost(number: int, usd: float) -> str:
    return f"{number} for {dollars(usd)}" if usd else str(number)
