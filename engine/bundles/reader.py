"""Reading of saved bundles, which takes no lock and changes nothing."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from engine.bundles.bundle import AUTOMATION, META, Bundle, BundleMeta, is_bundle_file
from engine.bundles.git_objects import GitObjects
from engine.bundles.paths import directory_name, key_of
from engine.bundles.revision import Revision
from engine.bundles.working_tree import WorkingTree, scan
from engine.errors import BundleCorrupt, BundleError, BundleNotFound, EngineError, StoreError
from sandbox.kinds import AutomationKind, automation_kind

if TYPE_CHECKING:
    from engine.bundles.git_repository import GitRepository
    from engine.bundles.shown import ShownKey

PINNED = "refs/webtasks/pinned"
_MOST_KNOWN = 10_000
_replayed: dict[tuple[Path, str], bool] = {}  # by revision, which never changes: read at each start of a task


class Last(NamedTuple):
    """The newest revision of a bundle, the one it is pinned to, if any, and the newest one's kind of automation."""

    revision: Revision
    pinned: Revision | None
    kind: AutomationKind


class BundleReader:
    """The reading half of a ``BundleStore``."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root))  # noqa: PTH100  resolve() would follow links of the user's

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.root}>"

    def _repr_html_(self) -> str:
        """Return the keys as a notebook shows them."""
        from engine.bundles.shown import MOST, store_html  # not at the top: replays show nothing

        keys = self.keys()
        return store_html([self._shown(key) for key in keys[:MOST]], len(keys))

    def _shown(self, key: str) -> ShownKey:
        from engine.bundles.shown import ShownKey  # as above

        try:
            bundle = self.load(key)
        except EngineError as error:  # one broken bundle does not hide the others
            return ShownKey(key, str(error), None)
        if bundle is None or bundle.revision is None:
            return ShownKey(key, "", None)
        return ShownKey(key, bundle.meta.tasks[-1] if bundle.meta.tasks else "", bundle.revision.timestamp)

    def keys(self) -> list[str]:
        """Return all reuse keys under which a bundle is saved, sorted."""
        bundles = self.root / "bundles"
        found: set[str] = set()
        with self._errors():
            for name in _repositories(bundles) if bundles.is_dir() else ():
                key = key_of(name) or self._key_inside(bundles / name)
                if key is not None:
                    found.add(key)
        return sorted(found)

    def path(self, key: str) -> Path:
        """Return the directory of a key's bundle, existing or not.

        Raises:
            InvalidRequest: The key is empty or longer than 1000 characters.
        """
        return self.root / "bundles" / directory_name(key)

    def shown_at(self, key: str) -> Path:
        """Return the directory in which a user finds and edits the key's files."""
        return self.path(key)

    def load(self, key: str, revision: str | None = None) -> Bundle | None:
        """Return the bundle at HEAD, or at a revision; None where nothing is saved under the key.

        Args:
            revision: A full or short id, or what git reads as one, such as ``HEAD~1``.

        Raises:
            BundleNotFound: The bundle has no such revision.
        """
        with self._errors(key):
            if not self._exists(key):
                return None
            with GitObjects(self.path(key)) as objects:
                return read_bundle(objects, self._head(objects) if revision is None else objects.require(revision))

    def load_active(self, key: str) -> Bundle | None:
        """Return the bundle that a run uses, at the pinned revision, else HEAD; None where nothing is saved."""
        with self._errors(key):
            if not self._exists(key):
                return None
            with GitObjects(self.path(key)) as objects:
                return read_bundle(objects, self._active(objects))

    def active(self, key: str) -> Revision | None:
        """Return the revision of `load_active`; None where nothing is saved."""
        with self._errors(key):
            if not self._exists(key):
                return None
            with GitObjects(self.path(key)) as objects:
                return self._active(objects)

    def reads_without_browser(self, key: str) -> bool:
        """Return True where a run of the key replays code without a browser that changes nothing on the site.

        False where the bundle cannot be read: whoever runs it tells that.
        """
        try:
            if not self._exists(key):
                return False
            with GitObjects(self.path(key)) as objects:
                revision = self._active(objects)
                known = self.path(key), revision.id
                if known not in _replayed:
                    bundle = read_bundle(objects, revision)
                    _replayed[known] = bundle.kind == "web" and bundle.meta.effects == "read"
                    while len(_replayed) > _MOST_KNOWN:
                        del _replayed[next(iter(_replayed))]
                return _replayed[known]
        except (EngineError, OSError):
            return False

    def proposal(self, key: str) -> Bundle | None:
        """Return a saved change that the run's own bundle does not have yet: there is none where HEAD is what runs."""
        return None

    def unpublished(self, key: str) -> str | None:
        """Return what to tell about a change that a run has just saved: nothing where the next run has it."""
        return None

    def head(self, key: str) -> Revision | None:
        """Return the newest revision; None where nothing is saved under the key."""
        with self._errors(key):
            if not self._exists(key):
                return None
            with GitObjects(self.path(key)) as objects:
                return self._head(objects)

    def pinned(self, key: str) -> Revision | None:
        """Return the revision that the key is pinned to; None where it is not."""
        with self._errors(key):
            if not self._exists(key):
                return None
            with GitObjects(self.path(key)) as objects:
                return objects.revision(PINNED)

    def last(self, key: str) -> Last | None:
        """Return what is saved last, read by one process; None where nothing is saved."""
        with self._errors(key):
            if not self._exists(key):
                return None
            with GitObjects(self.path(key)) as objects:
                head = self._head(objects)
                entries = {path: entry for path, entry in objects.tree(head).items() if path == AUTOMATION}
                code = objects.files(entries).get(AUTOMATION, b"").decode("utf-8", "replace")
                return Last(head, objects.revision(PINNED), automation_kind(code))

    def history(self, key: str, limit: int | None = None) -> list[Revision]:
        """Return the revisions, newest first.

        Args:
            limit: Most revisions; default all.

        Raises:
            BundleNotFound: Nothing is saved under the key.
        """
        with self._errors(key), self._objects(key) as objects:
            head = self._head(objects)
            with self._repository(key) as repository:
                return repository.history(head.id, limit)

    def diff(self, key: str, old: str = "HEAD~1", new: str = "HEAD") -> str:
        """Return the unified diff of two revisions, by default the last two; empty where they are equal.

        Raises:
            BundleNotFound: No such bundle or revision.
        """
        with self._errors(key), self._objects(key) as objects:
            first, last = objects.require(old), objects.require(new)
            with self._repository(key) as repository:
                return repository.diff(first.id, last.id)

    def edited(self, key: str) -> tuple[str, ...]:
        """Return the files that the user changed, added or deleted in the bundle's directory.

        The engine does not write to such a directory.
        """
        with self._errors(key):
            if not self._exists(key):
                return ()
            with GitObjects(self.path(key)) as objects:
                return WorkingTree(objects, self._head(objects)).edited()

    def read_working_tree(self, key: str) -> Bundle:
        """Return the bundle in the files of its directory, edits included, for adopting them.

        Raises:
            BundleNotFound: Nothing is saved under the key.
            BundleCorrupt: The files are no complete bundle.
        """
        with self._errors(key):
            if not self._exists(key):
                raise self.missing(key)
            files = {}
            for path, regular in scan(self.path(key)):
                if not regular:
                    raise BundleCorrupt(f"{path} is a link; a bundle holds regular files only", key=key, file=path)
                files[path] = (self.path(key) / path).read_bytes()
            return replace(Bundle.from_files(files), working_files=files)

    def verify(self, key: str) -> tuple[str, ...]:
        """Return the faults of the bundle's objects, one line each; empty where it is sound.

        Raises:
            BundleNotFound: Nothing is saved under the key.
        """
        with self._errors(key):
            if not self._exists(key):
                raise self.missing(key)
            with self._repository(key) as repository:
                found = repository.check()
            try:
                self.load(key)
            except BundleCorrupt as error:
                return (*found, error.message)
            return found

    def has(self, key: str) -> bool:
        """Return True where something is saved under the key."""
        with self._errors(key):
            return self._exists(key)

    def near_key(self, key: str) -> str | None:
        """Return the saved key that is spelled most like this one; None where none is similar."""
        spelled = {each.casefold(): each for each in self.keys()}
        near = difflib.get_close_matches(key.casefold(), spelled, n=1, cutoff=0.75)
        return spelled[near[0]] if near else None

    def missing(self, key: str) -> BundleNotFound:
        """Return the error of a key under which nothing is saved."""
        near = self.near_key(key)
        remedy = f"; did you mean {near!r}?" if near is not None else ""
        return BundleNotFound(
            f"no such key: nothing is saved under the reuse key {key!r} in {self.root}{remedy}", key=key, near=near
        )

    # Parts

    def _exists(self, key: str) -> bool:
        return self.path(key).is_dir()

    def _objects(self, key: str) -> GitObjects:
        if not self._exists(key):
            raise self.missing(key)
        return GitObjects(self.path(key))

    def _repository(self, key: str) -> GitRepository:
        return open_repository(self.path(key))

    def _active(self, objects: GitObjects) -> Revision:
        return objects.revision(PINNED) or self._head(objects)

    def _head(self, objects: GitObjects) -> Revision:
        head = objects.revision("HEAD")
        if head is None:
            raise BundleCorrupt(
                f"{objects.directory} has no revision; restore its .git directory, or remove the directory"
            )
        return head

    def _key_inside(self, directory: Path) -> str | None:
        """Return the key of a shortened directory name; None where the directory is not the engine's."""
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
    """Return the names of directories with a repository inside; cheap for each, as there may be ten thousand."""
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        names = os.listdir(folder)  # noqa: PTH208  a descriptor has no Path
        return [name for name in names if os.access(f"{name}/.git", os.F_OK, dir_fd=folder)]
    finally:
        os.close(folder)


def read_bundle(objects: GitObjects, revision: Revision) -> Bundle:
    """Return the bundle at a revision."""
    entries = {path: entry for path, entry in objects.tree(revision).items() if is_bundle_file(path)}
    return Bundle.from_files(objects.files(entries), revision)


def repository_class() -> type[GitRepository]:
    """Import ``GitRepository``.

    Raises:
        StoreError: git is not installed, or does not run.
    """
    try:
        from engine.bundles.git_repository import GitRepository
    except ImportError as error:  # raised by GitPython where git itself is missing, or refuses its configuration
        if said := _stderr(error.__cause__):
            raise StoreError(f"git does not run here: {said}; `git version` shows it, too") from error
        raise StoreError("git is not installed, or not on the PATH; install git 2.36 or newer") from error
    return GitRepository


def _stderr(error: BaseException | None) -> str:
    """Return what git itself said of an error of GitPython, which wraps it in words of its own."""
    return str(getattr(error, "stderr", "")).strip().removeprefix("stderr:").strip(" '")


def open_repository(directory: Path) -> GitRepository:
    """Return the repository of a bundle's directory, to be entered."""
    return repository_class()(directory)
