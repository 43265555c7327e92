"""Exports of a study: one file of records, Parquet, and logs of inspect-ai."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine.errors import EngineError, InvalidRequest
from engine.studies.lines import schema

if TYPE_CHECKING:
    from engine.studies.results import StudyResults

ExportFormat = Literal["jsonl", "parquet", "inspect", "schema"]


def export(study: StudyResults, form: ExportFormat, path: Path) -> list[Path]:
    """Write a study in a format, and return the files; see ``Study.export``."""
    try:
        if form == "schema":
            path.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
            return [path.absolute()]
        if form == "jsonl":
            return [_one_file(study, path)]
        path.mkdir(parents=True, exist_ok=True)
        if form == "parquet":
            from engine.studies.exports.parquet import write_parquet

            return write_parquet(study, path.absolute())
        if form == "inspect":
            from engine.studies.exports.inspect_logs import write_logs

            return write_logs(study, path.absolute())
    except OSError as error:
        raise EngineError(f"{path} cannot be written: {error.strerror or error}") from error
    raise InvalidRequest(f'form must be "jsonl", "parquet", "inspect" or "schema", not {form!r}', field="form")


def _one_file(study: StudyResults, path: Path) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for trial in study.trials:
            for line in trial.lines:
                written = {"trial": trial.trial.id, **line.model_dump(mode="json")}
                file.write(json.dumps(written, ensure_ascii=False) + "\n")
    return path.absolute()
