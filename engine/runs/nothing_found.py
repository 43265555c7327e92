"""Pages that plainly say that a search found nothing, where code waits for rows in vain."""

from __future__ import annotations

from engine.contract import rows
from engine.runs.verdict import OtherParameters
from engine.task.text import comparable
from sandbox import Outcome
from sandbox.nothing_words import plain_lines


def nothing_found(outcome: Outcome, other: OtherParameters) -> str | None:
    """Return the page's own words where the code failed, and the site only said that it has nothing to list.

    Args:
        outcome: The run that failed.
        other: A run with other parameters; where it gave rows, its page does not say so.
    """
    error, page = outcome.error, outcome.evidence
    if error is None or error.kind not in ("timeout", "script") or (page.status or 200) >= 400:
        return None
    if not other.works or other.run is None or not rows(other.run.outcome.value):
        return None
    full = comparable(other.page_text)
    return next((line for line in plain_lines(page.text) if comparable(line) not in full), None)
