"""``webtasks study``: run a study, and see what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.interrupt import run_interruptible
from engine.cli.output import print_json
from engine.cli.report import FAILED
from engine.cli.settings import Settings, options, pass_settings
from engine.task.formatting import count, dollars

if TYPE_CHECKING:
    from engine.studies import KeptTrial, Study

_DIRECTORY = click.Path(file_okay=False, path_type=Path)


@click.command("run")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of the study; default: studies/NAME in the store.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print no progress.")
@options(shown=False)
@pass_settings
@click.pass_context
def run(context: click.Context, settings: Settings, file: Path, directory: Path | None, *, quiet: bool) -> None:
    """Run the study that FILE describes, or what is left of it.

    FILE is TOML: a data set of tasks, models, options, repeats, changes of the site, and most dollars. A trial that has
    ended is never run again, so an interrupted study goes on where it stopped. The exit code is 1 if trials are left,
    because the dollars did not suffice.
    """

    async def work() -> Study:
        async with settings.engine() as engine:
            return await engine.study(file, directory=directory, on_progress=None if quiet else _tell)

    study = run_interruptible(work())
    if settings.as_json:
        print_json(_summary(study))
    else:
        click.echo(str(study.directory))
    if not study.complete:
        left = study.planned - len(study.trials)
        click.echo(f"{count(left, 'trial')} left: of the study's dollars too few are left for one more.", err=True)
        context.exit(FAILED)


def _tell(ended: int, planned: int, kept: KeptTrial) -> None:
    verdict = ", ".join(dict.fromkeys(run.verdict for run in kept.runs))
    spent = dollars(kept.end.usd) if kept.end else ""
    click.echo(f"{ended}/{planned} {kept.trial.id}: {verdict}, {spent}", err=True)


def _summary(study: Study) -> dict[str, Any]:
    return {
        "directory": str(study.directory),
        "complete": study.complete,
        "trials": len(study.trials),
        "planned": study.planned,
        "lost": study.lost,
        "usd": study.usd,
    }
