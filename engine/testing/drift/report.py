"""Findings as a table for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.testing.drift.bench import Finding

_SIGNS = {"unaffected": ".", "noticed": "n", "repaired": "r", "silently wrong": "WRONG"}
_LEGEND = (
    ".      unaffected: the output was right",
    "n      noticed: the run failed, and says why",
    "n!     false alarm: noticed, though the output was right",
    "r      repaired: noticed, then right by new code",
    "WRONG  silently wrong: success with a wrong output",
    "       (empty: the site has nothing that this mutation changes)",
)


def tables(findings: Sequence[Finding]) -> str:
    """Format findings: a line per mutation and a column per subject, a legend, totals, and details of wrong outputs."""
    subjects = list(dict.fromkeys(finding.subject for finding in findings))
    names = list(dict.fromkeys(finding.mutation.name for finding in findings))
    cell = {(f.mutation.name, f.subject): _sign(f) for f in findings}
    rows = [["mutation", *subjects]] + [[name, *(cell.get((name, s), "") for s in subjects)] for name in names]
    return "\n".join([*_aligned(rows), "", *_LEGEND, "", *_totals(findings), *_remarks(findings)])


def _sign(finding: Finding) -> str:
    return "n!" if finding.refused else _SIGNS[finding.verdict]


def _aligned(rows: list[list[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ("  ".join(each.ljust(width) for each, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _totals(findings: Sequence[Finding]) -> Iterable[str]:
    total = len(findings)
    for verdict in _SIGNS:
        number = sum(finding.verdict == verdict for finding in findings)
        yield f"{verdict}: {number} of {total} ({number / max(total, 1):.1%})"
    caught = [f for f in findings if f.verdict == "noticed" and f.by_contract]
    refused = sum(f.refused for f in caught)
    yield (
        f"of the noticed, {len(caught)} by the schema or the contract, the others by the automation or by triage;"
        f" {refused} of the {len(caught)} were false alarms: the output was right"
    )


def _remarks(findings: Sequence[Finding]) -> Iterable[str]:
    for finding in findings:
        if finding.verdict == "silently wrong":
            yield f"silently wrong: {finding.mutation.name} on {finding.subject}: {finding.says}"
        elif finding.refused:
            yield f"false alarm: {finding.mutation.name} on {finding.subject}: {finding.says}"
