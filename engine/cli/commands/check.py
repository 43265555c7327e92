"""``webtasks check``: do the automations in a repository still give good results?"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import arguments
from engine.cli.errors import name_options
from engine.cli.interrupt import run_interruptible
from engine.cli.output import print_json, print_table, to_json
from engine.cli.report import FAILED
from engine.cli.settings import Settings, options, pass_settings
from engine.task.formatting import clean, count, one_line, seconds

if TYPE_CHECKING:
    from engine.cli.progress import EventHandler
    from engine.testing.checking import Check


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--live", "mode", flag_value="live", help="Ask the sites, in place of the recordings.")
@click.option("--record", "mode", flag_value="record", help="Ask the sites, and record them anew.")
@click.option("-p", "given", metavar="NAME=TEXT", multiple=True, help="Parameter of KEY, in place of its checks.json.")
@click.option("--start-url", metavar="URL", help="With -p: page to start on.")
@options(shown=False)
@pass_settings
@click.pass_context
def check(
    context: click.Context,
    settings: Settings,
    /,
    directory: Path,
    *,
    keys: tuple[str, ...],
    mode: str | None,
    given: tuple[str, ...],
    start_url: str | None,
) -> None:
    """Replay the automations in DIR, each from its recording.

    DIR/KEY/recording.wtrec has all that the site answered, so that no network is needed; --record makes it. The files
    count as they are, committed or not, and no model is asked. Parameters come from DIR/KEY/checks.json, a list of
    objects such as {"parameters": {"shelf": "Travel"}}; --record -p writes it. Secret parameters come from the
    environment: WEBTASKS_SECRET_PASSWORD. The exit code is 1 if a result is not good.
    """
    from engine.testing.checking import CheckedParameters, check_bundles

    if (given or start_url) and len(keys) != 1:
        raise click.UsageError("-p and --start-url are of one KEY: name it")
    own = CheckedParameters(arguments.parameters(None, given), start_url) if given or start_url else None

    async def work(_: EventHandler) -> list[Check]:
        return await check_bundles(
            directory,
            keys,
            open_engine=settings.engine,
            mode=mode or "replay",  # type: ignore[arg-type]  # click has checked it
            given=own,
        )

    found = run_interruptible(work(lambda _: None))
    failed = [each for each in found if not each.ok]
    if settings.as_json:
        print_json([dataclasses.asdict(each) for each in found])
    elif not found:
        click.echo(f"No automation is in {clean(str(directory))}.", err=True)
    else:
        print_table(("Key", "Parameters", "Result", "Rows", "Time"), [_row(each) for each in found], numbers=("Rows",))
        for each in failed:
            click.echo(f"\n{clean(each.key)}: {clean(name_options(each.message or ''))}", err=True)
        click.echo(f"\n{count(len(found), 'check')}, {len(failed)} failed", err=True)
    context.exit(FAILED if failed else 0)


def _row(check: Check) -> tuple[str, ...]:
    parameters = ", ".join(f"{name}={to_json(value, indent=None)}" for name, value in check.parameters.items())
    rows = "" if check.rows is None else str(check.rows)
    return check.key, one_line(parameters, 80), "good" if check.ok else check.reason or "failed", rows, seconds(
        check.seconds
    )  # fmt: skip
