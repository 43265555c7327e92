"""Parquet files of a study: its runs, and every exchange with a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.studies.packages import load

if TYPE_CHECKING:
    from engine.studies.results import StudyResults


def write_parquet(study: StudyResults, directory: Path) -> list[Path]:
    """Write ``runs.parquet``, the study's rows with output and code, and ``exchanges.parquet``; return both.

    What has no fixed shape (outputs, messages, tools) is JSON in a column of texts.
    """
    arrow, parquet = load("pyarrow", "parquet"), load("pyarrow.parquet", "parquet")
    text, number, amount = arrow.string(), arrow.int64(), arrow.float64()
    about = {b"study": study.name.encode(), b"data_sha256": str(study.plan["data_sha256"]).encode()}
    files = []
    for name, rows, numbers, amounts, times in (
        ("runs", _runs(study), _RUN_NUMBERS, ("usd", "seconds"), ("began",)),
        ("exchanges", _exchanges(study), _EXCHANGE_NUMBERS, ("usd", "seconds"), ("at",)),
    ):
        kinds = dict.fromkeys(numbers, number) | dict.fromkeys(amounts, amount)
        kinds |= dict.fromkeys(times, arrow.timestamp("us", tz="UTC"))
        columns = _RUN_COLUMNS if name == "runs" else _EXCHANGE_COLUMNS
        fields = [arrow.field(column, kinds.get(column, text)) for column in columns]
        files.append(directory / f"{name}.parquet")
        table = arrow.Table.from_pylist(rows, schema=arrow.schema(fields, metadata=about))
        parquet.write_table(table, files[-1], compression="zstd")
    return files


_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_RUN_NUMBERS = ("number", "repeat", "seed", "run", "replay", "model_calls", *_TOKENS)
_RUN_COLUMNS = (
    "trial", "number", "task", "model", "options", "repeat", "seed", "run", "phase", "replay", "variant", "verdict",
    "reason", "says", "usd", "seconds", "model_calls", *_TOKENS, "revision", "began", "output", "code", "attempts",
    "warnings",
)  # fmt: skip
_EXCHANGE_NUMBERS = ("request", "run", "max_tokens", *_TOKENS)
_EXCHANGE_COLUMNS = (
    "trial", "request", "run", "at", "purpose", "system", "tools", "messages", "max_tokens", "output_schema", "answer",
    "stop_reason", "answered_by", "error", "usd", "seconds", *_TOKENS,
)  # fmt: skip


def _runs(study: StudyResults) -> list[dict[str, Any]]:
    ends = [run for trial in study.trials for run in trial.runs]
    return [
        {**row, "output": _json(run.output), "code": run.code, "attempts": _json(run.attempts),
         "warnings": _json(run.warnings)}
        for row, run in zip(study.rows(), ends, strict=True)
    ]  # fmt: skip


def _exchanges(study: StudyResults) -> list[dict[str, Any]]:
    rows = []
    for trial in study.trials:
        for each in trial.exchanges():
            request, answer = each.request, each.answer
            row = {
                "trial": trial.trial.id, "request": request.number, "run": request.run, "at": request.at,
                "purpose": request.purpose, "system": each.prompt.system, "tools": _json(each.prompt.tools),
                "messages": _json(each.messages), "max_tokens": request.max_tokens,
                "output_schema": _json(request.output_schema) if request.output_schema is not None else None,
            }  # fmt: skip
            if answer is not None:
                row |= {
                    "answer": _json(answer.content), "stop_reason": answer.stop_reason, "answered_by": answer.model,
                    "error": answer.error, "usd": answer.usd, "seconds": answer.seconds, **answer.usage,
                }  # fmt: skip
            rows.append(row)
    return rows


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
