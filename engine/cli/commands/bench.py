"""``webtasks bench heal``: the rate at which systems survive, notice, repair or miss changes of sites."""

from __future__ import annotations

import importlib
import importlib.util
import json
import runpy
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.interrupt import run_interruptible
from engine.cli.output import print_json, print_text
from engine.cli.settings import Settings, options, pass_settings
from engine.errors import EngineError, InvalidRequest
from engine.task.formatting import seconds

if TYPE_CHECKING:
    from engine.testing.heal import Change, Findings, System

_SHIPPED = ("webtasks", "script", "crawl4ai")


@click.command()
@click.option(
    "--system", "systems", metavar="NAME", multiple=True,
    help=f"{', '.join(_SHIPPED)}, or your own as FILE.py:CLASS or MODULE:CLASS. Repeatable; default: webtasks, script.",
)  # fmt: skip
@click.option("--site", "sites", metavar="NAME", multiple=True, help="Only this site. Repeatable.")
@click.option("--change", "names", metavar="NAME", multiple=True, help="Only this change of the sites. Repeatable.")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, metavar="N",
              help="Measure each change N times, on N days' data.")  # fmt: skip
@click.option("--quick", is_flag=True, help="The short form: two sites, thirteen changes, a few minutes.")
@click.option("--model", metavar="NAME", default="",
              help="A live model for webtasks and crawl4ai; costs money. Default: recorded answers.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write the whole result there, as JSON, after every run.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with the result in --output; runs that it has are not made again.")
@click.option("--details", is_flag=True, help="Print every run, too.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress, only the table.")
@options(shown=False)
@pass_settings
def heal(
    settings: Settings,
    /,
    systems: tuple[str, ...],
    *,
    sites: tuple[str, ...],
    names: tuple[str, ...],
    seeds: int,
    quick: bool,
    model: str,
    output: Path | None,
    resume: bool,
    details: bool,
    quiet: bool,
) -> None:
    """Measure what becomes of web automations when their sites change.

    Each system does a task on fixture sites once, then again under one change of the site at a time; every output is
    held against the right one, which the bench knows. A table gives the rates, with 95% intervals by Wilson's method.
    Add a system of your own with a class of about ten lines: docs/heal.md.
    """
    if importlib.util.find_spec("bs4") is None:
        raise EngineError('bench heal needs beautifulsoup4; install with: pip install "webtasks-engine[testing]"')
    from engine.testing import heal as bench

    if resume and output is None:
        raise InvalidRequest("--resume goes on with a file; name it with --output")
    changes = _chosen(names or (bench.QUICK if quick else ()))
    places = _sites(sites or (tuple(bench.QUICK_SITES) if quick else ()))
    makers = [_maker(name, settings, model) for name in systems or ("webtasks", "script")]
    before = None
    if resume and output is not None and output.exists():
        before = bench.from_json(json.loads(output.read_text(encoding="utf-8")))
    days = list(range(seeds))
    as_json = partial(bench.to_json, sites=places, changes=[each.name for each in changes], seeds=days)
    tell = _Progress(quiet=quiet)

    def on_finding(found: Findings, done: int, total: int) -> None:
        if output is not None:
            bench.write(output, as_json(found))
        tell(found, done, total)

    work = bench.measure(makers, sites=places, changes=changes, seeds=days, before=before, on_finding=on_finding)
    found = run_interruptible(work)
    if output is not None:
        bench.write(output, as_json(found))
    if settings.as_json:
        print_json(as_json(found))
        return
    print_text(bench.table(found))
    print_text("\n" + "\n".join(bench.notes(found)))
    if details:
        print_text("\n" + bench.details(found))


def _chosen(names: Sequence[str]) -> list[Change]:
    from engine.testing.heal import CHANGES

    known = {each.name: each for each in CHANGES}
    if unknown := [name for name in names if name not in known]:
        raise InvalidRequest(f"--change: there is no change {unknown[0]!r}; there are {', '.join(known)}")
    return [each for each in CHANGES if not names or each.name in names]


def _sites(names: Sequence[str]) -> list[str]:
    from engine.testing.heal import SITES

    if unknown := [name for name in names if name not in SITES]:
        raise InvalidRequest(f"--site: there is no site {unknown[0]!r}; there are {', '.join(SITES)}")
    return [name for name in SITES if not names or name in names]


def _maker(name: str, settings: Settings, model: str) -> Callable[[], System]:
    from engine.testing.heal import Crawl4AI, Script, Webtasks

    if name == "webtasks":
        return partial(Webtasks, model, settings.engine_options)
    if name == "script":
        return partial(Script, settings.browser)
    if name == "crawl4ai":
        return partial(Crawl4AI, model, browser=settings.browser)
    return _own(name)


def _own(name: str) -> Callable[[], System]:
    place, _, kind = name.rpartition(":")
    if not place:
        raise InvalidRequest(f"--system: {name!r} is none of {', '.join(_SHIPPED)}, nor FILE.py:CLASS or MODULE:CLASS")
    try:
        names: dict[str, Any] = runpy.run_path(place) if place.endswith(".py") else vars(importlib.import_module(place))
    except (OSError, ImportError) as error:
        raise InvalidRequest(f"--system: {place} cannot be imported: {error}") from error
    if kind not in names:
        raise InvalidRequest(f"--system: {place} has no {kind!r}")
    made: Callable[[], System] = names[kind]
    return made


class _Progress:
    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._began = time.monotonic()
        self._first: int | None = None

    def __call__(self, found: Findings, done: int, total: int) -> None:
        if self._quiet:
            return
        if self._first is None:
            self._first = done - 1
        each = (time.monotonic() - self._began) / (done - self._first)
        last = found.rows[-1] if found.rows else None
        said = f"{last.system} on {last.site}, {last.change}: {last.verdict}" if last is not None else "nothing changed"
        click.echo(f"{done} of {total}, about {seconds(each * (total - done))} left; {said}", err=True)
