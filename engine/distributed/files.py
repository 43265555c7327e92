"""The files of a task on their way from a node to the store, and from there to a caller on another machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from engine.errors import StoreError

_DIRECTORIES = ("files", "results")


def files_of(root: Path, task_id: str, *, trace: bool = True) -> Iterator[str]:
    """Yield the names, below the workspace's directory, of all files of a task, its trace among them unless told."""
    for directory in _DIRECTORIES:
        for path in sorted((root / directory / task_id).rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(root).as_posix()
    events = root / "traces" / f"{task_id}.jsonl"
    if trace and events.is_file():
        yield events.relative_to(root).as_posix()


def write_files(root: Path, task_id: str, files: Mapping[str, Callable[[], bytes]]) -> None:
    """Write files of a task that came from another machine.

    Raises:
        StoreError: A name is none of this task's.
    """
    for name, read in files.items():
        parts = PurePosixPath(name).parts
        of_task = parts[0] in _DIRECTORIES and parts[1:2] == (task_id,) and len(parts) > 2
        if not (of_task or parts == ("traces", f"{task_id}.jsonl")):
            raise StoreError(f"{name!r} is no file of task {task_id}")
        write_below(root, {name: read()})


def write_below(directory: Path, files: Mapping[str, bytes]) -> None:
    """Write files from another machine below a directory, in their order, each as a whole or not at all.

    Raises:
        StoreError: A name leads elsewhere.
    """
    for name, data in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise StoreError(f"{name!r} from another machine leads out of {directory}")
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.partial")
        partial.write_bytes(data)
        partial.replace(target)


def moved(value: Any, old: Path, new: Path) -> Any:
    """Return JSON in which paths and ``file:`` URLs below one directory lead below another.

    >>> moved({"path": "/a/files/x", "rows": ["file:///a/y", 1]}, Path("/a"), Path("/b"))
    {'path': '/b/files/x', 'rows': ['file:///b/y', 1]}
    """
    if isinstance(value, Mapping):
        return {name: moved(each, old, new) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [moved(each, old, new) for each in value]
    if isinstance(value, str):
        for before, after in ((f"{old}/", f"{new}/"), (f"{old.as_uri()}/", f"{new.as_uri()}/")):
            if value.startswith(before):
                return after + value[len(before) :]
    return value
