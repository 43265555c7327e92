"""``webtasks costs``: the cost of each automation, and the cost that it saved."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from engine.cli.output import print_json, print_table, print_wrapped
from engine.cli.settings import Settings, options, pass_settings
from engine.task.formatting import count, dollars, seconds

if TYPE_CHECKING:
    from engine.storage.spending import KeyCosts


@click.command()
@click.argument("key", required=False)
@options(shown=False)
@pass_settings
def costs(settings: Settings, key: str | None) -> None:
    """Show what automations cost and save.

    A table of all automations, or the details of KEY. "Saved" compares with asking the model in every run, at the cost
    of the first one. "Paid after" is the run after which the first one had paid for itself.
    """

    async def read() -> Sequence[KeyCosts]:
        async with settings.engine() as engine:
            return await engine.costs(reuse_key=key)

    found = [] if settings.is_empty else asyncio.run(read())
    if settings.as_json:
        print_json([each.to_json() for each in found])
    elif not found:
        if key is not None and not settings.is_empty and not settings.bundles.has(key):
            raise settings.bundles.missing(key)
        where = f"under the key {key!r} in {settings.root}" if key else f"in {settings.root}"
        click.echo(f"No automation has run {where} yet, so there are no costs.", err=True)
    elif key is not None:
        _print_details(found[0])
    else:
        _print_comparison(found)


def _print_comparison(found: Sequence[KeyCosts]) -> None:
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
    columns = ("Key", "Runs", "First run", "Replays", "Repairs", "Total", "Saved", "Paid after")
    print_table(columns, rows, numbers=columns[1:-1], wrapped=columns[:1])


def _print_details(costs: KeyCosts) -> None:
    tokens = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in costs.tokens.items() if number)
    facts = {
        "Key": costs.key,
        "Runs": str(costs.runs),
        "First run": f"{dollars(costs.first_usd)}, failed attempts included",
        "Replays": f"{costs.replays} for {dollars(costs.replay_usd)}",
        "Repairs": f"{costs.repairs} for {dollars(costs.repair_usd)}, updates included",
        "Total": dollars(costs.total_usd),
        "Saved": f"{dollars(costs.saved_usd)}: the model in every run would have cost {dollars(costs.model_usd)}",
        "Paid after": _paid_after(costs),
        "Model": f"{count(costs.model_calls, 'call')}{f'; tokens: {tokens}' if tokens else ''}",
        "Browser": seconds(costs.browser_seconds),
    }
    for name, value in facts.items():
        print_wrapped(value, f"{name + ':':<16}", " " * 16)


def _paid_after(costs: KeyCosts) -> str:
    if costs.paid_after is not None:
        return f"run {costs.paid_after}"
    return "not yet" if costs.first_usd or not costs.runs else "free"


def _number_and_cost(number: int, usd: float) -> str:
    return f"{number} for {dollars(usd)}" if usd else str(number)
