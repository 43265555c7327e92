"""What is saved, as anybody may read it: no lock is taken, and nothing is changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.bundles.bundle import META, Bundle, BundleMeta, is_bundle_file
from engine.bundles.git_objects import GitObjects
from engine.bundles.paths import directory_name, key_of
from engine.bundles.revision import Revision
from engine.bundles.working_tree import WorkingTree, scan
from engine.errors import BundleCorrupt, BundleError, BundleNotFound, EngineError, StoreError

if TYPE_CHECKING:
    from engine.bundles.git_repository import GitRepository

PINNED = "refs/webtasks/pinned"


class BundleReader:
    """The reading half of a store; see ``BundleStore``."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would follow links of the user's

    def keys(self) -> list[str]:
        """All reuse keys that something is saved under, sorted."""
        bundles = self.root / "bundles"
        found: set[str] = set()
        with self._errors():
            for name in _repositories(bundles) if bundles.is_dir() else ():
                key = key_of(name) or self._key_inside(bundles / name)
                if key is not None:
                    found.add(key)
        return sorted(found)

    def path(self, key: str) -> Path:
        """The bundle's directory, whether it exists or not.

        Raises:
            InvalidRequest: The key is empty or longer than 1000 characters.
        """
        return self.root / "bundles" / directory_name(key)

    def load(self, key: str, revision: str | None = None) -> Bundle | None:
        """The bundle at HEAD, or at a revision; None where nothing is saved under the key.

        Args:
            revision: A full or short id, or what git reads as one, such as ``HEAD~1``.

        Raises:
            BundleNotFound: The bundle has no such revision.
        """
        with self._errors(key):
            if not self._exists(key):
                return None
            with GitObjects(self.path(key)) as objects:
                return read_bundle(objects, self._head(objects) if revision is None else objects.need(revision))

    def load_active(self, key: str) -> Bundle | None:
        """The bundle that a run uses: the pinned revision, else HEAD."""
        with self._errors(key):
            if not self._exists(key):
                return None
            with GitObjects(self.path(key)) as objects:
                return read_bundle(objects, objects.revision(PINNED) or self._head(objects))

    def head(self, key: str) -> Revision | None:
        """The newest revision; None where nothing is saved under the key."""
        with self._errors(key):
            if not self._exists(key):
                return None
            with GitObjects(self.path(key)) as objects:
                return self._head(objects)

    def pinned(self, key: str) -> Revision | None:
        """The revision that the key is pinned to; None where it is not."""
        with self._errors(key):
            if not self._exists(key):
                return None
            with GitObjects(self.path(key)) as objects:
                return objects.revision(PINNED)

    def last(self, key: str) -> tuple[Revision, Revision | None] | None:
        """The newest revision and the pinned one, read with one process; None where nothing is saved under the key."""
        with self._errors(key):
            if not self._exists(key):
                return None
            with GitObjects(self.path(key)) as objects:
                return self._head(objects), objects.revision(PINNED)

    def history(self, key: str, limit: int | None = None) -> list[Revision]:
        """The revisions, newest first.

        Raises:
            BundleNotFound: Nothing is saved under the key.
        """
        with self._errors(key), self._objects(key) as objects:
            head = self._head(objects)
            with self._repository(key) as repository:
                return repository.history(head.id, limit)

    def diff(self, key: str, old: str = "HEAD~1", new: str = "HEAD") -> str:
        """What changed between two revisions, by default the last two, as a unified diff; empty where nothing did.

        Raises:
            BundleNotFound: No such bundle or revision.
        """
        with self._errors(key), self._objects(key) as objects:
            first, last = objects.need(old), objects.need(new)
            with self._repository(key) as repository:
                return repository.diff(first.id, last.id)

    def edited(self, key: str) -> tuple[str, ...]:
        """Files in the bundle's directory that the user changed, added or deleted; such a directory is left alone."""
        with self._errors(key):
            if not self._exists(key):
                return ()
            with GitObjects(self.path(key)) as objects:
                return WorkingTree(objects, self._head(objects)).edited()

    def read_working_tree(self, key: str) -> Bundle:
        """The bundle as the files in its directory say, edits included, for adopting them.

        Raises:
            BundleNotFound: Nothing is saved under the key.
            BundleCorrupt: The files make no bundle.
        """
        with self._errors(key):
            if not self._exists(key):
                raise self._missing(key)
            files = {}
            for path, regular in scan(self.path(key)):
                if not regular:
                    raise BundleCorrupt(f"{path} is a link; a bundle holds regular files only", key=key, file=path)
                files[path] = (self.path(key) / path).read_bytes()
            return replace(Bundle.from_files(files), working_files=files)

    def verify(self, key: str) -> tuple[str, ...]:
        """What is wrong with the bundle's objects, one line each; empty where it is sound.

        Raises:
            BundleNotFound: Nothing is saved under the key.
        """
        with self._errors(key):
            if not self._exists(key):
                raise self._missing(key)
            with self._repository(key) as repository:
                found = repository.check()
            try:
                self.load(key)
            except BundleCorrupt as error:
                return (*found, error.message)
            return found

    # Parts

    def _exists(self, key: str) -> bool:
        return self.path(key).is_dir()

    def _missing(self, key: str) -> BundleNotFound:
        return BundleNotFound(f"nothing is saved under the reuse key {key!r} in {self.root}", key=key)

    def _objects(self, key: str) -> GitObjects:
        if not self._exists(key):
            raise self._missing(key)
        return GitObjects(self.path(key))

    def _repository(self, key: str) -> GitRepository:
        return open_repository(self.path(key))

    def _head(self, objects: GitObjects) -> Revision:
        head = objects.revision("HEAD")
        if head is None:
            raise BundleCorrupt(
                f"{objects.directory} holds no revision; restore its .git directory, or remove the directory"
            )
        return head

    def _key_inside(self, directory: Path) -> str | None:
        """The key of a shortened directory name; None where the directory was not made by us."""
        try:
            with GitObjects(directory) as objects:
                entry = objects.tree(self._head(objects))[META]
                key = BundleMeta.from_json(objects.files({META: entry})[META].decode()).reuse_key
        except (BundleError, KeyError, ValueError):
            return None
        return key if directory_name(key) == directory.name else None

    @contextmanager
    def _errors(self, key: str | None = None) -> Iterator[None]:
        try:
            yield
        except BundleError as error:
            error.details.setdefault("key", key)
            raise
        except EngineError:
            raise
        except OSError as error:
            raise StoreError(f"the store {self.root} cannot be used: {error}") from error


def _repositories(directory: Path) -> list[str]:
    """The directories with a repository inside; one quick look at each, as there may be ten thousand."""
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        names = os.listdir(folder)  # noqa: PTH208 - a descriptor has no Path
        return [name for name in names if os.access(f"{name}/.git", os.F_OK, dir_fd=folder)]
    finally:
        os.close(folder)


def read_bundle(objects: GitObjects, revision: Revision) -> Bundle:
    entries = {path: entry for path, entry in objects.tree(revision).items() if is_bundle_file(path)}
    return Bundle.from_files(objects.files(entries), revision)


def repository_class() -> type[GitRepository]:
    try:
        from engine.bundles.git_repository import GitRepository
    except ImportError as error:  # GitPython's way of saying that git itself is not there
        raise StoreError(f"git cannot be used: {error}; install git 2.36 or newer") from error
    return GitRepository


def open_repository(directory: Path) -> GitRepository:
    return repository_class()(directory)
