"""Writing reports to files. What makes them is loaded when one is asked for: results carry the way to theirs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import EngineError

if TYPE_CHECKING:
    from engine.storage.tasks import TaskRecords


@dataclass(frozen=True)
class TaskReport:
    """The report of one task, made when it is asked for.

    Args:
        root: The workspace's directory.
        task_id: The task.
    """

    root: Path
    task_id: str

    def __call__(self, path: str | os.PathLike[str]) -> Path:
        """Write the report to a file, and return its absolute path; it blocks.

        Raises:
            TaskNotFound: The workspace has no such task.
            EngineError: It cannot be written, or packages of the extra ``report`` are missing.
        """
        from engine.bundles import BundleStore
        from engine.reports.task_report import task_report

        with _records(self.root) as records:
            return write_report(task_report(self.root, records, BundleStore(self.root), self.task_id), path)


def write_key_report(root: Path, key: str, path: str | os.PathLike[str]) -> Path:
    """Write the report of a reuse key to a file, and return its absolute path; it blocks.

    Args:
        root: The workspace's directory.

    Raises:
        BundleNotFound: Nothing is saved under the key.
        EngineError: It cannot be written, or packages of the extra ``report`` are missing.
    """
    from engine.bundles import BundleStore
    from engine.reports.key_report import key_report

    with _records(root) as records:
        return write_report(key_report(root, records, BundleStore(root), key), path)


@contextmanager
def _records(root: Path) -> Iterator[TaskRecords]:
    from engine.storage.tasks import TaskRecords

    records = TaskRecords(root / "records.sqlite3")
    try:
        yield records
    finally:
        records.close()


def write_report(html: str, path: str | os.PathLike[str]) -> Path:
    """Write a report, whole or not at all, and return its absolute path.

    Raises:
        EngineError: It cannot be written.
    """
    target = Path(path)
    partial = target.with_name(f"{target.name}.partial")
    try:
        partial.write_text(html, encoding="utf-8", errors="backslashreplace")
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise EngineError(f"the report cannot be written to {target}: {error.strerror or error}") from error
    return target.absolute()
