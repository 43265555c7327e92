"""Pages that plainly say that a search found nothing, where code waits for rows in vain."""

from __future__ import annotations

from engine.contract import rows, says_plainly
from engine.runs.verdict import OtherParameters
from engine.task.text import comparable, shorten
from sandbox import Outcome

_LONGEST = 200  # characters


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
    lines = (line.strip() for line in page.text.splitlines())
    said = next((line for line in lines if says_plainly(line) and comparable(line) not in full), None)
    return shorten(said, _LONGEST) if said is not None else None
