"""Files of large results: over 64 KiB of JSON a result is a file, and rows are a CSV file as well."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from engine.task.outputs import FileResult, InlineResult, Preview, StoredFile

INLINE_BYTES = 64 << 10
KEPT = timedelta(days=7)
_SAMPLE_BYTES = 4 << 10
_SHARED = "shared"  # directory of results, which those of tasks are links to
_UNUSED = 3600.0  # seconds for which a file that no task has is left: one may be about to take it


def keep(root: Path, task_id: str, value: Any, now: datetime) -> InlineResult | FileResult:
    """Return a result as the task's record holds it: inline up to 64 KiB of JSON, else files that expire.

    Args:
        root: The workspace's directory.
        value: The output, JSON-able, without secrets.
        now: The time from which files are kept for seven days.
    """
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= INLINE_BYTES and len(text.encode()) <= INLINE_BYTES:
        return InlineResult(data=value)
    directory = root / "results" / task_id
    directory.mkdir(parents=True, exist_ok=True)
    expires = now + KEPT
    table = _as_csv(value)
    return FileResult(
        file=_store(directory / "result.json", text, "application/json", expires),
        csv=_store(directory / "result.csv", table, "text/csv", expires) if table is not None else None,
        preview=_preview(value),
    )


def _store(path: Path, text: str, content_type: str, expires: datetime) -> StoredFile:
    """Write the file whole or not at all, and sync it: the record that names it is written after.

    Tasks with equal results share one file.
    """
    data = text.encode("utf-8", "backslashreplace")
    shared = path.parents[2] / _SHARED / f"{hashlib.sha256(data).hexdigest()}{path.suffix}"
    try:
        if not shared.exists() or shared.read_bytes() != data:
            _write(shared, data, path.parent.name)
        path.unlink(missing_ok=True)
        path.hardlink_to(shared)
    except OSError:  # a file system without links, or with no more for this file; or another engine just swept it
        _write(path, data, path.parent.name)
    return StoredFile(url=path.as_uri(), content_type=content_type, size_bytes=len(data), expires_at=expires)


def _write(path: Path, data: bytes, task_id: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{task_id}.partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.chmod(0o444)  # a change in place would be one of other tasks' results, too
    partial.replace(path)


def _as_csv(value: Any) -> str | None:
    """Return rows as CSV; None where the value is no list of objects with plain values."""
    if not isinstance(value, list) or not value or not all(isinstance(row, Mapping) for row in value):
        return None
    if any(isinstance(cell, (Mapping, list)) for row in value for cell in row.values()):
        return None
    columns = list(dict.fromkeys(name for row in value for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(cell) for name, cell in row.items()} for row in value)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Return booleans as JSON writes them; anything else as it is."""
    return json.dumps(value) if isinstance(value, bool) else value


def _preview(value: Any) -> Preview:
    if isinstance(value, list):
        return Preview(rows=len(value), sample=_first(value))
    if isinstance(value, Mapping):
        lists = [v for v in value.values() if isinstance(v, list)]
        return Preview(rows=len(lists[0]) if len(lists) == 1 else None, sample=_first_fields(value))
    return Preview(sample=_sample(value))


def _first(items: list[Any], most: int = 3) -> list[Any]:
    sample: list[Any] = []
    for item in items[:most]:
        shown = _sample(item)
        if sample and len(json.dumps([*sample, shown])) > _SAMPLE_BYTES:
            break
        sample.append(shown)
    return sample


def _first_fields(value: Mapping[str, Any]) -> dict[str, Any]:
    return {str(k)[:200]: _first(v, 1) if isinstance(v, list) else _sample(v) for k, v in list(value.items())[:20]}


def _sample(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= _SAMPLE_BYTES // 4:
        return value
    return f"{value if isinstance(value, str) else text}"[:200] + "…"


def sweep(root: Path, task_ids: list[str], now: datetime) -> None:
    """Remove the files of expired tasks, results and downloads, and logs and traces that are as old."""
    for task_id in task_ids:
        for directory in (root / "results" / task_id, root / "files" / task_id):
            shutil.rmtree(directory, ignore_errors=True)
    for path in (root / _SHARED).glob("*"):
        with suppress(OSError):
            if path.stat().st_nlink == 1 and now.timestamp() - path.stat().st_ctime > _UNUSED:
                path.unlink()
    for path in (*(root / "logs").glob("*.log"), *(root / "traces").glob("*.jsonl")):
        with suppress(OSError):  # its process may just have ended and removed it
            if now.timestamp() - path.stat().st_mtime > KEPT.total_seconds():
                path.unlink()
