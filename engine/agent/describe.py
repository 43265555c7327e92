"""Trials and outputs in words, for the model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.agent.prompts import fence
from engine.contract import rows, stated
from engine.execution.automation_run import AutomationRun
from engine.gate.verdicts import Refused, Trial
from engine.task.redaction import Redactor

_REQUESTS = 3  # that are told where a run failed
_SAMPLE = 1500  # characters of an output shown to the model


def describe_trial(trial: Trial, redactor: Redactor) -> str:
    """Describe a trial for the model: the shape of the output and a sample, or what went wrong."""
    run = trial.run
    if run is None:
        return "not good:\n" + "\n".join(f"- {p}" for p in trial.problems)
    outcome = run.outcome
    parts: list[str] = []
    if run.rehearsed:
        parts.append(
            f"ran {outcome.seconds:.1f} s and stopped, as it should, before the irreversible action"
            f" {run.gates[-1][0]!r}. It is done once, after finish; what comes behind it could not be tried."
        )
    elif outcome.ok:
        parts.append(f"ran {outcome.seconds:.1f} s. Output: {describe_output(redactor.data(outcome.value))}")
    if trial.problems:
        parts.append("not good:\n" + "\n".join(f"- {p}" for p in trial.problems))
    if outcome.error is not None and not run.rehearsed:
        parts.append(describe_failure(run, redactor))
    parts += _end_notes(trial)
    return fence("\n".join(p for p in parts if p))


def describe_refusal(refused: Refused, redactor: Redactor) -> str:
    """Describe a refusal for the model, with where the run ended, as `describe_trial` does."""
    parts = ["not accepted:", *(f"- {reason}" for reason in refused.reasons)]
    run = refused.run
    if run is not None and run.outcome.error is not None and not run.rehearsed:
        parts.append(describe_failure(run, redactor))
    return fence("\n".join(parts))


def describe_failure(run: AutomationRun, redactor: Redactor) -> str:
    """Describe where a run failed: its lines, the page, and the last requests that may have changed something."""
    outcome, evidence = run.outcome, run.outcome.evidence
    shown = cut(redactor.text(evidence.text), 300)
    parts = [
        cut(redactor.text(outcome.error.traceback), 1200) if outcome.error is not None else "",
        f"at {evidence.url} ({evidence.title!r}), status {evidence.status}: {shown!r}",
    ]
    pages = {url.partition("?")[0] for url, _ in evidence.documents}
    for method, url in evidence.state_changing[-_REQUESTS:] if not run.held else ():
        how = "" if url in pages else " by a script; it opened no page"
        parts.append(f"sent before: {method} {url}{how}")
    return "\n".join(part for part in parts if part)


def describe_advisories(advisories: Sequence[str]) -> str:
    """Describe what the model is to look at once more, though the trial was good; empty where there is nothing.

    >>> describe_advisories([])
    ''
    """
    if not advisories:
        return ""
    shown = "\n".join(f"- {advisory}" for advisory in advisories)
    return fence(f"look at this once more; where it is right as it is, finish with why_right, the reason:\n{shown}")


def _end_notes(trial: Trial) -> list[str]:
    run = trial.run
    if run is None:
        return []
    evidence = run.outcome.evidence
    notes = [f"({notice})" for notice in evidence.notices if not trial.good or "dialog" in notice]
    if not run.outcome.ok:
        return notes
    if evidence.next_controls:
        notes.append(f"Note: where it ended the page still offered {evidence.next_controls[0]!r}. Is that all of it?")
    count = rows(run.outcome.value)
    totals = stated(run.observed())
    if count is not None and totals and all(number != count for _, number in totals):
        notes.append(f"Note: where it ended the page said {totals[0][0]!r}; the output has {count} rows.")
    if run.progress and run.progress[1] is not None and run.progress[0] != run.progress[1]:
        notes.append(f"Note: task.progress ended at {run.progress[0]} of {run.progress[1]}.")
    if evidence.refused and not trial.good:
        notes.append(f"Refused hosts: {', '.join(sorted({h for h, _ in evidence.refused})[:5])}.")
    return notes


def describe_output(value: Any) -> str:
    """Describe the shape of an output: for rows their count, the share that has each field, the first and last rows.

    >>> describe_output([{"a": 1}, {"a": None}])
    '2 rows; filled: a 1/2\\n{"a": 1}\\n{"a": null}'
    """
    if isinstance(value, list):
        return _describe_rows(value)
    if isinstance(value, Mapping):
        lists = {k: v for k, v in value.items() if isinstance(v, list) and len(v) > 3}
        rest = {k: (f"<{len(v)} rows>" if k in lists else v) for k, v in value.items()}
        parts = [cut(json.dumps(rest, ensure_ascii=False), _SAMPLE)]
        parts += [f"{k}: {_describe_rows(v)}" for k, v in lists.items()]
        return "\n".join(parts)
    return cut(json.dumps(value, ensure_ascii=False), _SAMPLE)


def _describe_rows(value: list[Any]) -> str:
    parts = [f"{len(value)} rows"]
    if value and all(isinstance(v, Mapping) for v in value):
        names = dict.fromkeys(n for v in value for n in v)
        filled = {n: sum(v.get(n) not in (None, "", [], {}) for v in value) for n in names}
        parts[0] += "; filled: " + ", ".join(f"{n} {c}/{len(value)}" for n, c in filled.items())
    shown = value if len(value) <= 3 else [*value[:2], value[-1]]
    lines = [cut(json.dumps(v, ensure_ascii=False), _SAMPLE // 3) for v in shown]
    if len(value) > 3:
        lines.insert(2, "…")
    return "\n".join([*parts, *lines])


def cut(text: str, limit: int) -> str:
    """Cut the middle out of a text that is longer than ``limit`` characters."""
    return (
        text
        if len(text) <= limit
        else f"{text[: limit - limit // 4]}\n… {len(text) - limit} characters cut …\n{text[-limit // 4 :]}"
    )
