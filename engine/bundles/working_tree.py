"""The working tree of a bundle: the files of HEAD for people to read and edit. No run reads it.

A crash between a commit and its update of the working tree leaves files of the old revision beside files of the new
one. So that they are not taken for edits, a marker in the git directory names every revision whose files may be there;
each file is written whole, by rename. A file, or a missing file, that fits none of these revisions is the user's edit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

from engine.bundles.atomic import write_whole
from engine.bundles.git_objects import GitObjects, TreeEntry, blob_id
from engine.bundles.revision import Revision

_MARKER = "webtasks-view"
_JUNK = ("__pycache__", "*.pyc", ".DS_Store", "Thumbs.db", "desktop.ini", "*.swp", "*~", ".*_cache", ".idea", ".vscode")
_OTHER = "not a regular file"


class WorkingTree:
    """The working tree of one bundle.

    Args:
        objects: Open objects of the bundle.
        head: The revision at HEAD.
        also: The id of a content by path (None: no file) that HEAD was made from, and so is no longer an edit.
    """

    def __init__(self, objects: GitObjects, head: Revision, also: Mapping[str, str | None] | None = None) -> None:
        self._objects = objects
        self._head = head
        self._also = also or {}
        self._root = objects.directory

    def is_current(self) -> bool:
        """Return True where the engine wrote all of HEAD's files; edits since do not count."""
        return self._marked() == [self._head.id]

    def edited(self) -> tuple[str, ...]:
        """Return the paths that the user changed, deleted or added: they differ from all that the engine wrote."""
        explained = self._explained()
        found = dict(scan(self._root))
        return tuple(
            os.fsencode(path).decode("utf-8", "replace")
            for path in sorted({*found, *explained})
            if not self._is_ours(path, explained)
        )

    def refresh(self) -> bool:
        """Write the files of HEAD, unless the user edited one.

        Returns:
            True where the working tree holds HEAD now.
        """
        if self.edited():
            return False
        explained, wanted = self._explained(), self._objects.tree(self._head)
        self._mark([*self._marked(), self._head.id])
        for path in sorted({*explained, *wanted}):
            if not self._is_ours(path, explained):  # checked once more: the user may have saved it since
                return False
            if path not in wanted:
                self._remove(path)
            elif self._state(path) != wanted[path].id:
                self._write(path, wanted[path])
        from engine.bundles.git_repository import GitRepository

        with GitRepository(self._root) as repository:
            repository.rebuild_index(self._head.id)
        self._mark([self._head.id])
        return True

    def _explained(self) -> dict[str, set[str | None]]:
        """Return the contents by path that are no edit; None stands for no file."""
        revisions = {self._head.id: self._head}
        for name in self._marked():
            if name not in revisions and (revision := self._objects.revision(name)) is not None:
                revisions[name] = revision
        trees = [self._objects.tree(revision) for revision in revisions.values()]
        explained: dict[str, set[str | None]] = {
            path: {tree[path].id if path in tree else None for tree in trees} for path in set().union(*trees)
        }
        for path, content in self._also.items():
            explained.setdefault(path, {None}).add(content)
        return explained

    def _is_ours(self, path: str, explained: dict[str, set[str | None]]) -> bool:
        return self._state(path) in explained.get(path, {None})

    def _state(self, path: str) -> str | None:
        """Return the id of the file's content; None where there is no file."""
        file = self._root / path
        if _behind_link(self._root, path) or file.is_symlink():
            return _OTHER
        try:
            return blob_id(file.read_bytes()) if file.is_file() else (_OTHER if file.exists() else None)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _write(self, path: str, entry: TreeEntry) -> None:
        data = self._objects.files({path: entry})[path]
        file = self._root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, data, self._root / ".git")

    def _remove(self, path: str) -> None:
        file = self._root / path
        if self._state(path) in (None, _OTHER):
            return
        file.unlink(missing_ok=True)
        for parent in file.parents:
            if parent == self._root or any(parent.iterdir()):
                return
            parent.rmdir()

    def _marked(self) -> list[str]:
        try:
            return (self._root / ".git" / _MARKER).read_text("ascii").split()
        except (FileNotFoundError, UnicodeDecodeError):
            return []

    def _mark(self, revisions: list[str]) -> None:
        text = "".join(f"{each}\n" for each in dict.fromkeys(revisions))
        write_whole(self._root / ".git" / _MARKER, text.encode(), self._root / ".git")


def scan(root: Path, prefix: str = "") -> Iterator[tuple[str, bool]]:
    """Yield each path below the bundle's directory, with True for a regular file; git's own and junk are left out."""
    with os.scandir(root / prefix) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if (not prefix and entry.name == ".git") or any(fnmatch(entry.name, junk) for junk in _JUNK):
                continue
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from scan(root, f"{path}/")
            else:
                yield path, entry.is_file(follow_symlinks=False)


def _behind_link(root: Path, path: str) -> bool:
    """Return True where a link on the path would lead out of the bundle's directory."""
    parents = Path(path).parents
    return any((root / parent).is_symlink() for parent in parents if parent != Path())
