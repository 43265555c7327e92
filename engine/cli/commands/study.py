"""``webtasks study``: run a study, and see what came of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from engine.cli.interrupt import run_interruptible
from engine.cli.output import print_json, print_table, to_json
from engine.cli.report import FAILED
from engine.cli.settings import Settings, options, pass_settings
from engine.task.formatting import count, dollars

if TYPE_CHECKING:
    from engine.studies import KeptTrial, Study, TrialPlace
    from engine.studies.comparison import Compared
    from engine.studies.exports import ExportFormat
    from engine.studies.trial import OpenEngine

_DIRECTORY = click.Path(file_okay=False, path_type=Path)


def _output(about: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option that names the file to write."""
    return click.option("-o", "--output", "file", type=click.Path(dir_okay=False, path_type=Path), help=about)


@click.command("run")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of the study; default: studies/NAME in the store.",
)
@click.option(
    "--on",
    "address",
    metavar="ADDRESS",
    help="Run the trials on a Ray cluster: ray://HOST:10001, or auto for the one that this machine belongs to.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print no progress.")
@options(shown=False)
@pass_settings
@click.pass_context
def run(
    context: click.Context,
    settings: Settings,
    file: Path,
    directory: Path | None,
    address: str | None,
    *,
    quiet: bool,
) -> None:
    """Run the study that FILE describes, or what is left of it.

    FILE is TOML: a data set of tasks, models, options, repeats, changes of the site, and most dollars. A trial that has
    ended is never run again, so an interrupted study goes on where it stopped. The exit code is 1 if trials are left,
    because the dollars did not suffice.
    """

    async def work() -> Study:
        async with settings.engine() as engine:
            place = None if address is None else _cluster(address)
            return await engine.study(file, directory=directory, on_progress=None if quiet else _tell, place=place)

    study = run_interruptible(work())
    if settings.as_json:
        print_json(_summary(study))
    else:
        click.echo(str(study.directory))
    if not study.complete:
        left = study.planned - len(study.trials)
        click.echo(f"{count(left, 'trial')} left: of the study's dollars too few are left for one more.", err=True)
        context.exit(FAILED)


def _cluster(address: str) -> TrialPlace:
    from engine import AsyncEngine
    from engine.distributed.study_place import RayPlace  # not at the top: it is needed for this alone

    return RayPlace(address, cast("OpenEngine", AsyncEngine))  # which has all of it


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


@click.command("report")
@click.argument("directory", type=_DIRECTORY)
@_output("File to write; default: webtasks-study-NAME.html in the current directory.")
@options(shown=False)
@pass_settings
def report(settings: Settings, directory: Path, file: Path | None) -> None:
    """Write the report of the study in DIRECTORY: one HTML file that loads nothing."""
    from engine.studies import Study

    study = Study(directory)
    _print_file(settings, study.report(file or Path(f"webtasks-study-{study.name}.html")))


@click.command("compare")
@click.argument("first", type=_DIRECTORY)
@click.argument("second", type=_DIRECTORY)
@_output("Write an HTML file instead of printing a table.")
@options(shown=False)
@pass_settings
def compare(settings: Settings, first: Path, second: Path, file: Path | None) -> None:
    """Compare the studies in two directories, FIRST and SECOND.

    Only what both have is compared: the same tasks, models, options, repeats and changes of the site. Each difference
    is SECOND less FIRST, with an interval of 95 %.
    """
    from engine.studies import Study

    one, other = Study(first), Study(second)
    if file is not None:
        _print_file(settings, one.write_comparison(other, file))
        return
    compared = one.compare(other)
    if settings.as_json:
        print_json([asdict(each) for each in compared])
        return
    columns = ("MEASURE", str(first), str(second), "DIFFERENCE", "95 %", "PAIRS", "P")
    print_table(columns, [_compared_row(each) for each in compared], numbers=columns[1:])


def _compared_row(each: Compared) -> tuple[str, ...]:
    found = each.difference
    values = (found.first, found.second, found.value, found.low, found.high)
    shown = [f"{100 * v:.1f} %" if each.unit == "rate" else f"{v:.4g}" for v in values]
    name = each.measure if each.unit != "rate" else f"{each.measure} (points)"
    p = "" if found.p is None else f"{found.p:.3g}"
    return name, shown[0], shown[1], shown[2], f"{shown[3]} to {shown[4]}", str(found.pairs), p


@click.command("frame")
@click.argument("directory", type=_DIRECTORY)
@_output("File to write; default: standard output.")
@options(shown=False)
@pass_settings
def frame(settings: Settings, directory: Path, file: Path | None) -> None:
    """Print a row for each run of the study in DIRECTORY, as CSV; with --json, as JSON."""
    from engine.studies import COLUMNS, Study

    rows = Study(directory).rows()
    if settings.as_json:
        text = to_json(rows) + "\n"
    else:
        written = io.StringIO()
        table = csv.DictWriter(written, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        text = written.getvalue()
    if file is None:
        click.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")


@click.command("export")
@click.argument("directory", type=_DIRECTORY)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "parquet", "inspect", "schema"]),
    default="jsonl",
    show_default=True,
    help="All records in one file, Parquet files, a log for each model for inspect-ai, or the JSON Schema of records.",
)
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path),
    required=True,
    help="File to write; for parquet and inspect, a directory.",
)
@options(shown=False)
@pass_settings
def export(settings: Settings, directory: Path, form: ExportFormat, target: Path) -> None:
    """Export all that was kept of the study in DIRECTORY: every request and answer of the models, and every run."""
    from engine.studies import Study

    for file in Study(directory).export(form, target):
        _print_file(settings, file)


def _print_file(settings: Settings, file: Path) -> None:
    if settings.as_json:
        print_json({"file": str(file)})
    else:
        click.echo(str(file))
