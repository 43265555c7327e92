"""The same without a browser: where it may be had, and whether it gives the same as the code with a page."""

from __future__ import annotations

from engine.execution.automation_run import AutomationRun
from engine.gate import static_checks
from engine.gate.slowed_run import difference, gives_same
from engine.gate.verdicts import Trial
from sandbox.kinds import automation_kind

_ALL = 95  # percent of the values; the rest may be written otherwise


def may_do_without(code: str, run: AutomationRun) -> str | None:
    """Return what to tell the model where responses hold all that code with a page returned; None where not.

    Args:
        run: Its good run, which sent nothing that changes the site.
    """
    sources = run.outcome.evidence.sources
    if automation_kind(code) == "web" or sum(source.percent for source in sources) < _ALL:
        return None
    if static_checks.names_irreversible(code):
        return None
    return (
        f"the values returned are all in: {', '.join(map(str, sources))}. If `run(web, …)` is short, hand it in, too:"
        " finish with web"
    )


def unequal(with_page: AutomationRun, trial: Trial) -> str | None:
    """Return why code without a browser is not taken for code with a page; None where it gives the same.

    Args:
        with_page: The run with a page.
        trial: That without, with the same parameters.
    """
    if trial.run is None or not trial.good:
        return "; ".join(trial.problems)
    if not gives_same(with_page, trial.run):
        return difference(with_page, trial.run)
    return None
