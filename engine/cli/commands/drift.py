"""``webtasks drift``: would a saved automation notice that its site changed?"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from engine.cli import arguments
from engine.cli.commands.bundles import load_bundle
from engine.cli.interrupt import run_interruptible
from engine.cli.output import print_json, print_text
from engine.cli.report import FAILED
from engine.cli.settings import Settings, options, pass_settings
from engine.errors import EngineError, InvalidRequest
from engine.task.formatting import count, one_line, seconds

if TYPE_CHECKING:
    from engine.bundles import Bundle
    from engine.testing.drift import Finding, Mutation, Subject


@click.command()
@click.argument("key")
@arguments.saved_run("the runs")
@click.option("--only", metavar="NAME", multiple=True, help="Only the mutation of this name. Repeatable.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress, only the table.")
@options(shown=False)
@pass_settings
@click.pass_context
def drift(
    context: click.Context,
    settings: Settings,
    /,
    key: str,
    *,
    start_url: str | None,
    given: tuple[str, ...],
    whole: str | None,
    wanted: tuple[str, ...],
    only: tuple[str, ...],
    quiet: bool,
) -> None:
    """Measure how KEY behaves when its site changes.

    A proxy in front of the site changes its answers in one way at a time, and the automation is replayed there, with no
    model. A table says which changes it withstood, noticed, or fell for. The store is copied, never changed. Only for
    automations that read. The exit code is 1 if an output was silently wrong.
    """
    bundle = load_bundle(settings, key)
    if importlib.util.find_spec("bs4") is None:
        raise EngineError('drift needs beautifulsoup4; install with: pip install "webtasks-engine[testing]"')
    from engine.testing.drift import WrongBaseline, measure, tables

    mutations = _chosen(only)
    typed = arguments.parameters(whole, given)
    subject = _subject(settings, key, bundle, start_url, typed | arguments.secrets(wanted, typed, given), wanted)
    tell = _silent if quiet else _tell

    async def work() -> list[Finding]:
        return await measure(
            subject, mutations, on_finding=tell, on_estimate=_silent if quiet else _tell_estimate(len(mutations)),
            engine=settings.engine_options,
        )  # fmt: skip

    try:
        findings = run_interruptible(work())
    except WrongBaseline as error:
        raise EngineError(f"{error}; give the parameters with which it works, and nothing was measured") from None
    if settings.as_json:
        print_json([_finding_json(each) for each in findings])
    else:
        print_text(tables(findings))
    context.exit(FAILED if any(each.verdict == "silently wrong" for each in findings) else 0)


def _chosen(names: tuple[str, ...]) -> list[Mutation]:
    from engine.testing.drift import MUTATIONS

    known = {each.name: each for each in MUTATIONS}
    if unknown := [name for name in names if name not in known]:
        raise InvalidRequest(f"--only: there is no mutation {unknown[0]!r}; there are {', '.join(sorted(known))}")
    return [known[name] for name in names] if names else list(MUTATIONS)


def _subject(
    settings: Settings, key: str, bundle: Bundle, start_url: str | None, parameters: dict[str, Any], secret: Any
) -> Subject:
    from engine.testing.drift import Subject

    meta = bundle.meta
    if meta.effects != "read":
        raise InvalidRequest(f"{key!r} changes its site, and would do so at each of many runs; drift is for what reads")
    start = start_url or meta.start_url
    if start is None:
        raise InvalidRequest("the automation has no start URL of its own; give --start-url", field="start_url")
    names = tuple(entry.partition("=")[0] for entry in secret)
    return Subject(key, settings.root.parent, key, meta.tasks[-1], start, parameters, secrets=names)


def _silent(_: object) -> None:
    """Print nothing."""


def _tell_estimate(number: int) -> Callable[[float], None]:
    def tell(amount: float) -> None:
        click.echo(f"{count(number, 'mutation')}, about {seconds(amount)} in all", err=True)

    return tell


def _tell(finding: Finding) -> None:
    said = f": {one_line(finding.says, 120)}" if finding.says else ""
    click.echo(f"{finding.mutation.name}: {'false alarm' if finding.refused else finding.verdict}{said}", err=True)


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "mutation": finding.mutation.name,
        "verdict": finding.verdict,
        "falseAlarm": finding.refused,
        "reason": finding.reason or None,
        "says": finding.says,
    }
