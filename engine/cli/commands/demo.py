"""``webtasks demo``: the whole story on a site served by this machine; every figure is measured while it runs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from engine import TaskResult
from engine.cli.commands.demo_script import Measured, Phase, Story
from engine.cli.commands.doctor import DoctorCheck, unavailable
from engine.cli.event_text import summary
from engine.cli.output import clean, count, dollars, one_line, print_json, print_table, say, seconds, to_json
from engine.cli.settings import Settings, options, pass_settings

_INDENT = " " * 3
_LIVE = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL")


@click.command()
@click.option("--model", metavar="NAME", help="haiku (default), sonnet, opus, or a model id; asks the live model.")
@options(shown=False)
@pass_settings
@click.pass_context
def demo(context: click.Context, settings: Settings, model: str | None) -> None:
    """Show the story on a small local site.

    It takes about a minute. The model explores the site once; a second run replays its code; the site is redesigned;
    the code is repaired; a fourth run replays it. Without ANTHROPIC_API_KEY or ANTHROPIC_BASE_URL in the environment,
    the model's answers come from a recording.
    """
    from fixtures_sites import serve
    from fixtures_sites.scenarios import SCENARIOS

    if problems := unavailable(settings.browser, settings.isolation):
        _stop(settings, problems)
        context.exit(1)
    if not settings.store_named:
        settings.store = Path(tempfile.mkdtemp(prefix="webtasks-demo-"))
    scenario = SCENARIOS["directory"]
    live = bool(model or settings.base_url or any(os.environ.get(name) for name in _LIVE))
    with serve(scenario.site) as site:
        story = Story(settings, scenario, site, _free_key(settings, scenario.site), model, live)
        if not settings.as_json:
            _introduce(story)
        for number, phase in enumerate(story.phases(), 1):
            if not settings.as_json:
                click.echo(click.style(f"\n{number}. {phase.title}", bold=True))
                say(_parameters(phase), _INDENT)
            measured = story.play(phase)
            story.told.append(measured)
            if not measured.result.ok:
                _fail(story, measured.result)
                context.exit(1)
            if not settings.as_json:
                _tell(story, measured)
    _close(story)


def _stop(settings: Settings, problems: list[DoctorCheck]) -> None:
    if settings.as_json:
        print_json(
            {"ok": False, "missing": [{"name": p.name, "detail": p.detail, "remedy": p.remedy} for p in problems]}
        )
    click.echo("The demo cannot run here:", err=True)
    for problem in problems:
        click.echo(f"  {problem.name}: {clean(problem.detail)}\n    {clean(problem.remedy)}", err=True)
    if settings.isolation != "none" and all(problem.name != "browser" for problem in problems):
        click.echo(
            "To run it without the jail, with your own rights (the code comes from a model and opens only the demo's"
            " own site):\n  webtasks demo --isolation none, or: make demo ISOLATION=none",
            err=True,
        )


def _free_key(settings: Settings, key: str) -> str:
    """A key that nothing is saved under, so that the first run of the story is a first run."""
    used = set(settings.bundles.keys())
    return next(name for n in range(1, len(used) + 2) if (name := key if n == 1 else f"{key}-{n}") not in used)


_JAILS = {
    "auto": "bubblewrap, or Landlock where that does not work",
    "none": "none: generated code runs with your own rights",
}


def _introduce(story: Story) -> None:
    settings = story.settings
    model = (
        f"live: {story.model or 'haiku'}"
        if story.live
        else "recorded: its answers are played back, at once; with ANTHROPIC_API_KEY set, a live model is asked"
    )
    facts = {
        "Site": f"{story.site.url} (served by this process; {story.site.site.about})",
        "Task": story.scenario.task,
        "Model": model,
        "Jail": _JAILS.get(settings.isolation, settings.isolation),
        "Store": str(settings.root),
    }
    for name, value in facts.items():
        say(value, f"{name + ':':<7} ", " " * 8)


def _parameters(phase: Phase) -> str:
    return ", ".join(f"{name} = {to_json(value, indent=None)}" for name, value in phase.parameters.items())


def _tell(story: Story, measured: Measured) -> None:
    output = measured.result.output
    if isinstance(output, list) and output:
        say(f"{count(len(output), 'row')}; the first: {one_line(to_json(output[0], indent=None), 160)}", _INDENT)
    else:
        say(one_line(to_json(output, indent=None), 200), _INDENT)
    for before in story.told[:-1]:
        if before.phase.parameters == measured.phase.parameters:
            same = "the same as" if before.result.output == output else "not the same as"
            say(f"That is {same} what run {story.told.index(before) + 1} gave from the old design.", _INDENT)
    say(summary(measured.result, measured.seconds), _INDENT)
    if measured.recorded:
        say(
            f"Recorded: the answers took {seconds(measured.model_seconds)} when they were given, by hand through a"
            " stand-in for the model's API; the cost is at Haiku's prices. Here they were played back for nothing.",
            _INDENT,
        )
    elif story.told[0].result.model_calls and not measured.result.model_calls:
        first = story.told[0]
        model = f" and {seconds(first.model_seconds)} of the model's time, recorded" if first.recorded else ""
        say(f"The first run took {seconds(first.seconds)}{model}.", _INDENT)


def _fail(story: Story, result: TaskResult) -> None:
    error = result.error
    if story.settings.as_json:
        print_json(
            {"ok": False, "runs": [m.to_json() for m in story.told], "error": error.to_wire() if error else None}
        )
    click.echo(f"\nError: {clean(error.message) if error else 'the run gave nothing'}", err=True)
    click.echo(f"What happened is in {story.settings.root / 'traces'}.", err=True)


def _close(story: Story) -> None:
    settings, store = story.settings, story.settings.bundles
    path, revisions, bundle = store.path(story.key), store.history(story.key), store.load(story.key)
    lines = len(bundle.automation.splitlines()) if bundle else 0
    if settings.as_json:
        print_json({
            "ok": True,
            "site": story.scenario.site,
            "key": story.key,
            "bundle": str(path),
            "runs": [measured.to_json() for measured in story.told],
            "commits": [{"id": each.id, "subject": each.subject} for each in revisions],
        })  # fmt: skip
        return
    click.echo()
    _compare(story)
    click.echo(f"\nEvery change is a commit:\n  git -C {path} log --oneline")
    for revision in revisions:
        say(f"{revision.short} {revision.subject}", "  ", " " * 13)
    click.echo(f"\nThe Python is yours, {count(lines, 'line')} of it:\n  {path / 'automation.py'}")
    click.echo(
        f"  webtasks --store {settings.store} show {story.key}\n  webtasks --store {settings.store} diff {story.key}"
    )
    click.echo(
        "\nFor a site of your own:\n"
        "  export ANTHROPIC_API_KEY=…    # or ANTHROPIC_BASE_URL=… and --model NAME, for a local one\n"
        '  webtasks run "What you want, in plain words" --key my-task \\\n'
        "      --start-url https://… -p name=value\n"
        "From the second run on, --key my-task needs no model. What this machine lacks:\n"
        "  webtasks doctor"
    )


def _compare(story: Story) -> None:
    """The runs side by side; what comes from a recording says so in its heading."""
    recorded = any(measured.recorded for measured in story.told)
    cost, waiting = ("Cost, recorded", "Model's time, recorded") if recorded else ("Cost", "of it the model's")
    rows = [
        (
            f"{number}. {', '.join(attempt.kind for attempt in measured.result.attempts)}",
            seconds(measured.seconds),
            str(measured.result.model_calls),
            dollars(measured.result.cost.ai_usd),
            seconds(measured.model_seconds) if measured.result.model_calls else "none",
        )
        for number, measured in enumerate(story.told, 1)
    ]
    columns = ("Run", "Took", "Model calls", cost, waiting)
    print_table(columns, rows, numbers=columns[1:])
