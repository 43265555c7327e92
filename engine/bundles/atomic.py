"""Atomic writes, which a crash at any instant leaves old or new, and the removal of what a crash left behind."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

_GIT_GRACE = 1.0  # seconds: a git process that outlived its killed parent needs milliseconds to end
_INDEX_GRACE = 600.0  # index.lock is never ours; a user's `git commit` may hold it while an editor is open


def write_whole(file: Path, data: bytes, aside: Path) -> None:
    """Write a file that readers see whole or not at all.

    Args:
        aside: A directory on the same file system, in which the file is prepared.
    """
    handle, name = tempfile.mkstemp(prefix="webtasks-", dir=aside)
    prepared = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        prepared.chmod(0o644)
        prepared.replace(file)
    except BaseException:  # an interrupt, too, leaves no half-written file behind
        prepared.unlink(missing_ok=True)
        raise


def sync_tree(root: Path) -> None:
    """Sync the entries of a directory and of all below it to disk."""
    for directory, _, _ in os.walk(root):
        sync_directory(Path(directory))


def sync_directory(directory: Path) -> None:
    """Sync the entries of one directory to disk."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(git_directory: Path) -> None:
    """Remove the locks and half-written files of git processes that were killed."""
    names = ("HEAD.lock", "packed-refs.lock", "config.lock", "shallow.lock")
    locks = [path for name in names if (path := git_directory / name).exists()]
    for lock in [*locks, *(git_directory / "refs").rglob("*.lock")]:
        while (age := _age(lock)) is not None and age < _GIT_GRACE:
            time.sleep(0.05)
        lock.unlink(missing_ok=True)
    if (age := _age(git_directory / "index.lock")) is not None and age > _INDEX_GRACE:
        (git_directory / "index.lock").unlink(missing_ok=True)
    for prepared in git_directory.glob("webtasks-*"):
        if prepared.name != "webtasks-view":
            prepared.unlink(missing_ok=True)


def _age(file: Path) -> float | None:
    """Return the seconds since the file was written; None where it is gone, infinity for a time in the future."""
    try:
        age = time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return None
    return age if age >= 0 else float("inf")
