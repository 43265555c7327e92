"""Hold a candidate's output against other witnesses: what the model saw, what the page says, earlier outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.contract import (
    Observed,
    PreviousOutput,
    changed_files,
    check,
    compact,
    content_fields,
    disagreements,
    empty_confirmed,
    error_text,
    learn,
    main_rows,
    rows,
)
from engine.task.text import comparable

_FEW_ROWS = 3  # of more rows that read like errors, the list may well be one of errors
_VALUES = 3  # texts of an output; fewer need not have been seen
_LOOKED_UP = 60  # texts of an output
_VOLATILE = 0.5  # share of a field's values that changed between earlier runs: then it may differ once more
_KINDS = frozenset({"type", "pattern"})


def doubts(run: Observed) -> Iterator[str]:
    """Yield what the output gives away by itself: no rows without the site's word, or an error message for a result."""
    if rows(run.output) == 0 and not empty_confirmed(run):
        yield (
            "it returned no rows, and the page was not shown to say so: await task.empty(locator) of the message by"
            " which the site says that there is nothing, or read the rows"
        )
    _, found = main_rows(run.output)
    values = [v for row in found for v in row.values()] if found else [run.output]
    if len(found) <= _FEW_ROWS:
        for value in (v for v in values if error_text(v)):
            yield f"it returned {str(value)[:120]!r}, which reads like an error message: raise instead"


def unseen(output: Any, seen: Sequence[str], code: str) -> str | None:
    """Return an advisory where nothing of an output was in anything that the model looked at or printed.

    Args:
        code: The automation; an answer to ``task.ask`` need not stand on a page.
    """
    _, found = main_rows(output)
    values = [v for row in found for v in row.values() if isinstance(v, str) and len(v.strip()) >= 3]
    texts = {comparable(v) for v in values[:_LOOKED_UP]}
    if "task.ask" in code or len(texts) < _VALUES:
        return None
    shown = comparable("\n".join(seen))
    if any(text in shown for text in texts):
        return None
    few = ", ".join(repr(v[:60]) for v in values[:2])
    return (
        f"none of its values ({few}, …) was on a page that you looked at, or in what you printed: find them with look,"
        " or print them with python"
    )


def incomplete(run: Observed) -> str | None:
    """Return an advisory where the page, as the run left it, states more rows than were returned, and offers them."""
    count = rows(run.output)
    if run.progress is not None and run.progress[0] == run.progress[1] == count:
        return None  # it read elsewhere, from the site's JSON perhaps, and that said how many there are
    more = [text for text, total in run.evidence.counts if count is not None and total > count]
    exact = any(total == count for _, total in run.evidence.counts)
    if not (more and run.evidence.next_controls) or exact:
        return None
    control = run.evidence.next_controls[0]
    return f"it returned {count} rows, while the page says {more[0]!r} and still offers {control!r}: read them all"


def unlike(first: Observed, other: Observed) -> list[str]:
    """Return the fields that are of another kind with other parameters: read from elsewhere, or never read at all."""
    found = check({"output": learn([first])["output"]}, other)
    return [
        f"{b.path}: with the task's own parameters {b.expected}, with these {b.got}" for b in found if b.kind in _KINDS
    ]


def contradictions(previous: PreviousOutput, run: Observed, seen: Sequence[str]) -> list[str]:
    """Return contradictions between a repair's output and the last good one of the same parameters.

    Args:
        seen: Texts that the model looked at; a changed value that is there is borne out, if the old one is not.
    """
    found = disagreements(previous.output, run.output, "\n".join((*seen, run.evidence.text)), _steady_fields(previous))
    return [
        f"{f}; where the data did change, show that (find it with look, or print it with python) and write again; else"
        " read them from where they are"
        for f in found
    ]


def replaced_files(previous: PreviousOutput, run: Observed) -> list[str]:
    """Return an advisory for each saved file that is not the last good one: the site's own file may have changed."""
    return changed_files(previous.output, compact(run.output))


def _steady_fields(previous: PreviousOutput) -> frozenset[str]:
    names = {name for row in previous.output for name in row}
    steady = frozenset(name for name in names if previous.changed.get(name, 0.0) <= _VOLATILE)
    return steady - content_fields(previous.output)


def same_parameters(outputs: Sequence[PreviousOutput], parameters: Mapping[str, Any]) -> PreviousOutput | None:
    """Return the earlier output of these parameters, if any."""
    asked = json.dumps(dict(parameters), sort_keys=True, default=str)
    return next((p for p in outputs if json.dumps(dict(p.parameters), sort_keys=True, default=str) == asked), None)
