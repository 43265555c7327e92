"""Trials and outputs in words, for the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.agent.prompts import fence
from engine.contract import repeated, rows
from engine.gate.verdicts import Trial
from engine.task.redaction import Redactor

_SAMPLE = 1500  # characters of an output shown to the model


def describe_trial(trial: Trial, redactor: Redactor) -> str:
    """What a run of the automation gave, for the model: the shape of the output and a sample, or what went wrong."""
    execution = trial.execution
    if execution is None:
        return "not good:\n" + "\n".join(f"- {p}" for p in trial.problems)
    outcome = execution.outcome
    evidence = outcome.evidence
    parts: list[str] = []
    if execution.rehearsed:
        parts.append(
            f"ran {outcome.seconds:.1f} s and stopped, as it should, before the irreversible action"
            f" {execution.gates[-1][0]!r}. It is done once, after finish; what comes behind it could not be tried."
        )
    elif outcome.ok:
        parts.append(f"ran {outcome.seconds:.1f} s. Output: {describe_output(redactor.data(outcome.value))}")
    if trial.problems:
        parts.append("not good:\n" + "\n".join(f"- {p}" for p in trial.problems))
    if outcome.error is not None and not execution.rehearsed:
        shown = _cut(redactor.text(evidence.text), 300)
        parts.append(_cut(redactor.text(outcome.error.traceback), 1200))
        parts.append(f"at {evidence.url} ({evidence.title!r}), status {evidence.status}: {shown!r}")
    parts += _end_notes(trial)
    return fence("\n".join(p for p in parts if p))


def _end_notes(trial: Trial) -> list[str]:
    execution = trial.execution
    if execution is None or not execution.outcome.ok:
        return []
    evidence, notes = execution.outcome.evidence, []
    if evidence.next_controls:
        notes.append(f"Note: where it ended the page still offered {evidence.next_controls[0]!r}. Is that all of it?")
    count = rows(execution.outcome.value)
    if count is not None and evidence.counts and all(number != count for _, number in evidence.counts):
        notes.append(f"Note: where it ended the page said {evidence.counts[0][0]!r}; the output has {count} rows.")
    value = execution.outcome.value
    if isinstance(value, list) and (copies := repeated(value)):
        notes.append(
            f"Note: {copies} of the {len(value)} rows are copies of another. Do the pages of the list overlap?"
        )
    if execution.progress and execution.progress[1] is not None and execution.progress[0] != execution.progress[1]:
        notes.append(f"Note: task.progress ended at {execution.progress[0]} of {execution.progress[1]}.")
    if evidence.refused:
        notes.append(f"Refused hosts: {', '.join(sorted({h for h, _ in evidence.refused})[:5])}.")
    return notes


def describe_output(value: Any) -> str:
    """The shape of an output: for a list of rows the count, how many rows have each field, and the first and last rows.

    >>> describe_output([{"a": 1}, {"a": None}])
    '2 rows; filled: a 1/2\\n{"a": 1}\\n{"a": null}'
    """
    if isinstance(value, list):
        return _describe_rows(value)
    if isinstance(value, Mapping):
        lists = {k: v for k, v in value.items() if isinstance(v, list) and len(v) > 3}
        rest = {k: (f"<{len(v)} rows>" if k in lists else v) for k, v in value.items()}
        parts = [_cut(json.dumps(rest, ensure_ascii=False), _SAMPLE)]
        parts += [f"{k}: {_describe_rows(v)}" for k, v in lists.items()]
        return "\n".join(parts)
    return _cut(json.dumps(value, ensure_ascii=False), _SAMPLE)


def _describe_rows(value: list[Any]) -> str:
    parts = [f"{len(value)} rows"]
    if value and all(isinstance(v, Mapping) for v in value):
        names = dict.fromkeys(n for v in value for n in v)
        filled = {n: sum(v.get(n) not in (None, "", [], {}) for v in value) for n in names}
        parts[0] += "; filled: " + ", ".join(f"{n} {c}/{len(value)}" for n, c in filled.items())
    shown = value if len(value) <= 3 else [*value[:2], value[-1]]
    lines = [_cut(json.dumps(v, ensure_ascii=False), _SAMPLE // 3) for v in shown]
    if len(value) > 3:
        lines.insert(2, "…")
    return "\n".join([*parts, *lines])


def _cut(text: str, limit: int) -> str:
    return (
        text
        if len(text) <= limit
        else f"{text[: limit - limit // 4]}\n… {len(text) - limit} characters cut …\n{text[-limit // 4 :]}"
    )
