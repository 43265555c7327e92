"""``webtasks demo``: explore, replay, redesign and repair, on a small site that this process serves."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from engine import TaskResult
from engine.cli.commands.demo_script import DemoRun, DemoScript, DemoStep
from engine.cli.commands.doctor import DoctorCheck, missing_requirements
from engine.cli.errors import name_options
from engine.cli.output import print_json, print_table, print_wrapped, to_json
from engine.cli.settings import Settings, options, pass_settings
from engine.task.event_text import summary
from engine.task.formatting import clean, count, dollars, one_line, seconds

_INDENT = " " * 3
_LIVE = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL")


@click.command()
@click.option("--model", metavar="NAME", help="haiku (default), sonnet, opus, or a model id; asks the live model.")
@options(shown=False)
@pass_settings
@click.pass_context
def demo(context: click.Context, settings: Settings, model: str | None) -> None:
    """Run a demonstration on a small local site.

    In four runs, about a minute: the model explores the site and writes code; the code is replayed; the site is
    redesigned and the model repairs the code; the repaired code is replayed. Without ANTHROPIC_API_KEY or
    ANTHROPIC_BASE_URL in the environment, the model's answers come from a recording.
    """
    from engine.fixtures_sites import serve
    from engine.fixtures_sites.scenarios import SCENARIOS

    if problems := missing_requirements(settings):
        _print_missing(settings, problems)
        context.exit(1)
    if not settings.store_given:
        settings.store = Path(tempfile.mkdtemp(prefix="webtasks-demo-"))
    scenario = SCENARIOS["directory"]
    live = bool(model or settings.base_url or any(os.environ.get(name) for name in _LIVE))
    with serve(scenario.site) as site:
        script = DemoScript(settings, scenario, site, _unused_key(settings, scenario.site), model, live)
        if not settings.as_json:
            _print_introduction(script)
        for number, step in enumerate(script.steps(), 1):
            if not settings.as_json:
                click.echo()
                print_wrapped(f"{number}. {step.title}", hanging=_INDENT, bold=True)
                print_wrapped(_parameters(step), _INDENT)
            run = script.run(step)
            script.runs.append(run)
            if not run.result.ok:
                _print_failure(script, run.result)
                context.exit(1)
            if not settings.as_json:
                _print_run(script, run)
    _print_end(script)


def _print_missing(settings: Settings, problems: list[DoctorCheck]) -> None:
    if settings.as_json:
        print_json(
            {"ok": False, "missing": [{"name": p.name, "detail": p.detail, "remedy": p.remedy} for p in problems]}
        )
    click.echo("The demo cannot run here:", err=True)
    for problem in problems:
        click.echo(f"  {problem.name}: {clean(problem.detail)}\n    {clean(problem.remedy)}", err=True)
    if settings.isolation != "none" and all(problem.name != "browser" for problem in problems):
        click.echo(
            "To run it without a jail, with your own rights (a model wrote the code, which opens only the demo's own"
            " site):\n  webtasks demo --isolation none, or: make demo ISOLATION=none",
            err=True,
        )


def _unused_key(settings: Settings, key: str) -> str:
    """Return a key under which nothing is saved, so that the first run of the demo explores."""
    used = set(settings.bundles.keys())
    return next(name for n in range(1, len(used) + 2) if (name := key if n == 1 else f"{key}-{n}") not in used)


_JAILS = {
    "auto": "bubblewrap, or Landlock where bubblewrap does not work",
    "none": "none: generated code runs with your own rights",
}


def _print_introduction(script: DemoScript) -> None:
    settings = script.settings
    model = (
        f"live: {script.model or 'haiku'}"
        if script.live
        else "recorded: its answers are played back at once; set ANTHROPIC_API_KEY to use a live model"
    )
    facts = {
        "Site": f"{script.site.url} (served by this process; {script.site.site.about})",
        "Task": script.scenario.task,
        "Model": model,
        "Jail": _JAILS.get(settings.isolation, settings.isolation),
        "Store": str(settings.root),
    }
    for name, value in facts.items():
        print_wrapped(value, f"{name + ':':<7} ", " " * 8)


def _parameters(step: DemoStep) -> str:
    return ", ".join(f"{name} = {to_json(value, indent=None)}" for name, value in step.parameters.items())


def _print_run(script: DemoScript, run: DemoRun) -> None:
    output = run.result.output
    if isinstance(output, list) and output:
        first_row = one_line(to_json(output[0], indent=None), 160)
        print_wrapped(f"{count(len(output), 'row')}; the first: {first_row}", _INDENT)
    else:
        print_wrapped(one_line(to_json(output, indent=None), 200), _INDENT)
    for number, before in enumerate(script.runs[:-1], 1):
        if before.step.parameters == run.step.parameters:
            same = "the same as" if before.result.output == output else "not the same as"
            print_wrapped(f"The output is {same} that of run {number}, from the old design.", _INDENT)
    print_wrapped(summary(run.result, run.seconds), _INDENT)
    if run.recorded:
        print_wrapped(
            f"Recorded: the answers took {seconds(run.model_seconds)} when they were given, by hand through a stand-in"
            " for the model's API; the cost is at Haiku's prices. Playing them back costs nothing.",
            _INDENT,
        )
    elif script.runs[0].result.model_calls and not run.result.model_calls:
        first = script.runs[0]
        model = f" and {seconds(first.model_seconds)} of the model's time, recorded" if first.recorded else ""
        print_wrapped(f"The first run took {seconds(first.seconds)}{model}.", _INDENT)


def _print_failure(script: DemoScript, result: TaskResult) -> None:
    error = result.error
    if script.settings.as_json:
        print_json(
            {"ok": False, "runs": [run.to_json() for run in script.runs], "error": error.to_wire() if error else None}
        )
    click.echo(f"\nError: {clean(name_options(error.message)) if error else 'the run returned no result'}", err=True)
    click.echo(f"Traces of the runs: {script.settings.root / 'traces'}", err=True)


def _print_end(script: DemoScript) -> None:
    settings, store = script.settings, script.settings.bundles
    path, revisions, bundle = store.path(script.key), store.history(script.key), store.load(script.key)
    lines = len(bundle.automation.splitlines()) if bundle else 0
    if settings.as_json:
        print_json({
            "ok": True,
            "site": script.scenario.site,
            "key": script.key,
            "bundle": str(path),
            "runs": [run.to_json() for run in script.runs],
            "commits": [{"id": each.id, "subject": each.subject} for each in revisions],
        })  # fmt: skip
        return
    click.echo()
    _print_comparison(script)
    click.echo(f"\nEvery change is a commit:\n  git -C {path} log --oneline")
    for revision in revisions:
        print_wrapped(f"{revision.short} {revision.subject}", "  ", " " * 13)
    click.echo(f"\nThe code is yours, {count(lines, 'line')} of Python:\n  {path / 'automation.py'}")
    click.echo(
        f"  webtasks --store {settings.store} bundles show {script.key}\n"
        f"  webtasks --store {settings.store} bundles diff {script.key}"
    )
    click.echo(
        "\nFor a site of your own:\n"
        "  export ANTHROPIC_API_KEY=…    # for a local model: ANTHROPIC_BASE_URL=… and --model NAME\n"
        '  webtasks run "The task, in plain words" --key my-task \\\n'
        "      --start-url https://… -p name=value\n"
        "From the second run on, --key my-task needs no model. To check this machine:\n"
        "  webtasks doctor"
    )


def _print_comparison(script: DemoScript) -> None:
    """Print the runs side by side; figures from a recording are marked in their heading."""
    recorded = any(run.recorded for run in script.runs)
    cost, model_time = ("Cost, recorded", "Model's time, recorded") if recorded else ("Cost", "of it the model's")
    rows = [
        (
            f"{number}. {', '.join(attempt.kind for attempt in run.result.attempts)}",
            seconds(run.seconds),
            str(run.result.model_calls),
            dollars(run.result.cost.ai_usd),
            seconds(run.model_seconds) if run.result.model_calls else "none",
        )
        for number, run in enumerate(script.runs, 1)
    ]
    columns = ("Run", "Time", "Model calls", cost, model_time)
    print_table(columns, rows, numbers=columns[1:])
