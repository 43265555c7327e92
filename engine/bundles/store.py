"""The bundles of a workspace on disk: directories, locks, revisions, working trees."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.bundles.advancing import admit, advance
from engine.bundles.atomic import remove_leftovers, sync_directory, sync_tree
from engine.bundles.bundle import META, Bundle, is_bundle_file
from engine.bundles.bundle_file import pack, unpack
from engine.bundles.git_objects import GitObjects, blob_id, require_git
from engine.bundles.lock import Lock, try_lock, wait_for_lock
from engine.bundles.paths import directory_name
from engine.bundles.reader import PINNED, BundleReader, open_repository, read_bundle, repository_class
from engine.bundles.revision import Revision, format_message
from engine.bundles.working_tree import WorkingTree
from engine.errors import BundleCorrupt, InvalidRequest, StoreError

if TYPE_CHECKING:
    pass

log = logging.getLogger(__name__)

_IMPORT = "~import"  # no key's directory has this name
_LEAST_ROOM_MB = 16  # that the disk must have before a model is asked to write
_LOCK_TIMEOUT = 10.0  # seconds that a change by hand waits for a run of the same key


class BundleStore(BundleReader):
    """The bundles of one workspace.

    Methods block; call them in a thread from async code. Reading takes no lock. :meth:`commit` and :meth:`recover` need
    the key's lock to be held; the other methods that change something take it themselves.

    Args:
        root: The workspace's directory; made when first written to.

    Raises:
        BundleCorrupt: From any method, where a bundle's git objects or files cannot be read.
        StoreError: From any method, where git is missing or the disk refuses.

    >>> store = BundleStore(Path("store"))
    >>> store.keys(), store.load("invoices")
    ([], None)
    """

    # The lock

    def try_lock(self, key: str) -> Lock | None:
        """Take the key's lock if it is free, else return None. Async code polls this: its wait can be canceled."""
        return try_lock(self._lock_file(key))

    @contextmanager
    def lock(
        self, key: str, timeout: float = _LOCK_TIMEOUT, on_wait: Callable[[], None] | None = None
    ) -> Iterator[Lock]:
        """Hold the key's lock, against other threads and processes, inside the block.

        Args:
            timeout: Seconds to wait; ``math.inf`` waits forever.
            on_wait: Called once if it has to wait.

        Raises:
            BundleLocked: The wait ran out.
        """
        with wait_for_lock(self._lock_file(key), key, timeout, on_wait) as lock:
            yield lock

    # Changing, for the holder of the lock

    def recover(self, key: str) -> None:
        """Remove the remains of a killed run: half-made bundles, stale git locks, a half-written working tree."""
        with self._recovered(key):
            pass

    def load_to_run(self, key: str) -> tuple[Bundle | None, tuple[str, ...]]:
        """Do as `recover` does, and return what `load_active` and `edited` return, all at one opening of the bundle."""
        with self._recovered(key) as found:
            if found is None:
                return None, ()
            objects, head, view = found
            return read_bundle(objects, objects.revision(PINNED) or head), view.edited()

    @contextmanager
    def _recovered(self, key: str) -> Iterator[tuple[GitObjects, Revision, WorkingTree] | None]:
        with self._errors(key):
            if (aside := self._aside(key)).exists():
                shutil.rmtree(aside)
            if not self._exists(key):
                yield None
                return
            remove_leftovers(self.path(key) / ".git")
            with GitObjects(self.path(key)) as objects:
                head = self._head(objects)
                view = WorkingTree(objects, head)
                if not view.is_current():
                    view.refresh()
                yield objects, head, view

    def commit(
        self,
        key: str,
        bundle: Bundle,
        *,
        subject: str,
        body: str = "",
        trailers: Mapping[str, str] | None = None,
        adopt: Bundle | None = None,
    ) -> Revision:
        """Save the bundle as the newest revision, in one atomic step after all its objects are on disk.

        The working tree is updated, unless the user edited it: then the files stay as they are, and :meth:`edited`
        still names them. The user's own files in the last revision stay in the next.

        Args:
            subject: First line of the message.
            body: Further text of the message.
            trailers: Facts by name, such as ``{"Task-Id": …}``.
            adopt: The result of :meth:`read_working_tree` that the bundle was made from: the user's own files are
                saved too, and the edits that it holds are overwritten.

        Raises:
            InvalidRequest: The bundle cannot be written as files, or the message is malformed.
        """
        message = format_message(subject, body, trailers)
        with self._errors(key):
            files = self._files(key, bundle)
            if not self._exists(key):
                return self._create(key, files, message)
            remove_leftovers(self.path(key) / ".git")
            with GitObjects(self.path(key)) as objects, self._repository(key) as repository:
                head = self._head(objects)
                kept = {path: entry for path, entry in objects.tree(head).items() if not is_bundle_file(path)}
                seen = adopt.working_files if adopt is not None else {}
                if adopt is not None:
                    kept = {}
                    files |= {path: data for path, data in seen.items() if not is_bundle_file(path)}
                tree = repository.write_files(files, kept)
                revision = head
                if tree != head.tree:
                    share = partial(self._share, key, self.path(key))
                    revision = advance(objects, repository, tree, head, message, share)
                try:
                    WorkingTree(objects, revision, {path: blob_id(data) for path, data in seen.items()}).refresh()
                except OSError as error:  # it is saved; the next run makes the files follow
                    log.warning("the files of %s do not show the newest revision: %s", key, error)
                return revision

    def check_can_save(self, key: str) -> None:
        """Try all that :meth:`commit` needs, before a model is paid for what could not be saved; needs the lock, too.

        Raises:
            StoreError: git does not run, a directory cannot be written to, or the disk has too little room.
        """
        require_git()
        aside, kept = self._aside(key), self.path(key)
        with self._errors(key):
            try:
                self._clear_aside(key)
                repository_class().create(aside)
                with GitObjects(aside) as objects, open_repository(aside) as repository:
                    advance(objects, repository, repository.write_files({META: b"{}"}, {}), None, "Trial\n")
                written = [path for path in self.root.iterdir() if path.is_dir()]  # traces, files, locks, …
                if self._exists(key):
                    written += [kept, kept / ".git" / "objects"]
                elif kept.parent.exists():
                    written.append(kept.parent)
                for directory in (self.root, *written):
                    with tempfile.TemporaryFile(dir=directory):
                        pass
                if (room := shutil.disk_usage(self.root).free) < _LEAST_ROOM_MB << 20:
                    raise StoreError(
                        f"the disk of {self.root} has {room / (1 << 20):.1f} MiB left, and a new automation may need"
                        f" {_LEAST_ROOM_MB}; make room, or use a store elsewhere"
                    )
            except BundleCorrupt as error:  # of the trial, not of the bundle
                raise StoreError(f"git does not work here, so no automation could be saved: {error.message}") from error
            finally:
                shutil.rmtree(aside, ignore_errors=True)

    # Changing by hand

    def rollback(self, key: str, revision: str, *, timeout: float = _LOCK_TIMEOUT) -> Revision:
        """Save an older revision's files, contract included, as the newest revision.

        Args:
            revision: The older revision: an id, or ``HEAD~1``.
            timeout: Seconds to wait for a run of the key.

        Raises:
            BundleNotFound: No such bundle or revision.
            BundleLocked: A run of the key did not end in time.
        """
        with self.lock(key, timeout):
            self.recover(key)
            with self._errors(key), self._objects(key) as objects, self._repository(key) as repository:
                head, target = self._head(objects), objects.require(revision)
                read_bundle(objects, target)  # an unreadable revision must not become the newest
                if target.tree == head.tree:
                    return head
                message = format_message(
                    f"Roll back to {target.short}: {target.subject}", trailers={"Rolled-Back-To": target.id}
                )
                share = partial(self._share, key, self.path(key))
                new = advance(objects, repository, target.tree, head, message, share)
                WorkingTree(objects, new).refresh()
                return new

    def pin(self, key: str, revision: str | None = None) -> Revision:
        """Pin the key to a revision, by default the newest: from the next run on it is used, and never repaired.

        Raises:
            BundleNotFound: No such bundle or revision.
        """
        with self._without_waiting(key), self._objects(key) as objects, self._repository(key) as repository:
            target = self._head(objects) if revision is None else objects.require(revision)
            read_bundle(objects, target)
            repository.set_ref(PINNED, target.id)
            return target

    def unpin(self, key: str) -> None:
        """Unpin the key, so that its automation is repaired again; does nothing where it is not pinned.

        Raises:
            BundleNotFound: Nothing is saved under the key.
        """
        with self._without_waiting(key), self._objects(key) as objects:
            if objects.revision(PINNED) is not None:
                with self._repository(key) as repository:
                    repository.delete_ref(PINNED)

    def remove(self, key: str, *, timeout: float = _LOCK_TIMEOUT) -> None:
        """Delete the bundle with its history and every edit in its directory.

        Raises:
            BundleNotFound: Nothing is saved under the key.
            BundleLocked: A run of the key did not end in time.
        """
        with self.lock(key, timeout), self._errors(key):
            if not self._exists(key):
                raise self.missing(key)
            self._clear_aside(key)
            self.path(key).rename(self._aside(key))  # removed in one step, however long the deletion takes
            shutil.rmtree(self._aside(key))

    # From store to store

    def export(self, key: str, file: Path) -> Revision:
        """Write the bundle with its whole history into one file, which ``git clone`` reads, too.

        The pin and the edits of the working tree are not exported.

        Args:
            file: The file's path; an existing file is overwritten.

        Returns:
            The newest revision in the file.

        Raises:
            BundleNotFound: Nothing is saved under the key.
        """
        with self._errors(key), self._objects(key) as objects:
            head = self._head(objects)
            refs = ["HEAD", *(name for name in ("refs/heads/main",) if objects.revision(name) is not None)]
        partial = file.with_name(f".{file.name}.partial")
        try:
            with partial.open("wb") as target:
                pack(self.path(key), refs, target)
                os.fsync(target.fileno())
            partial.replace(file)
        except OSError as error:
            raise StoreError(f"cannot write {file}: {error}; name another file") from error
        finally:
            partial.unlink(missing_ok=True)
        return head

    def import_file(
        self, file: Path, key: str | None = None, *, timeout: float = _LOCK_TIMEOUT
    ) -> tuple[str, Revision]:
        """Import a file that :meth:`export` wrote, history included, and return its key and newest revision.

        The file is treated as hostile: it is checked before anything of it is used, and its start URL may not lead to a
        private address.

        Args:
            key: The key to save it under; default: the one that it had.
            timeout: Seconds to wait for another import, and for a run of the key.

        Raises:
            InvalidRequest: There is no such file, or something is saved under the key already.
            BundleCorrupt: The file is no bundle, or one that the engine could not have written.
        """
        if not file.is_file():
            raise InvalidRequest(f"there is no file {file}", field="file")
        aside = self.root / "tmp" / _IMPORT
        with self._errors(key), wait_for_lock(self.root / "locks" / f"{_IMPORT}.lock", _IMPORT, timeout, None):
            shutil.rmtree(aside, ignore_errors=True)
            try:
                with file.open("rb", buffering=0) as source:
                    repository_class().create(aside)
                    commits = unpack(source, aside)
                    with GitObjects(aside) as objects, open_repository(aside) as repository:
                        found, revision = admit(objects, repository, commits, key)
                        WorkingTree(objects, revision, dict.fromkeys(objects.tree(revision))).refresh()
                with self.lock(found, timeout):
                    if self._exists(found):
                        raise InvalidRequest(
                            f"something is saved under the key {found!r} already; import under another key, or remove"
                            " that bundle first",
                            field="key",
                        )
                    self._publish(aside, found)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        return found, revision

    # Parts

    def _files(self, key: str, bundle: Bundle) -> dict[str, bytes]:
        """Return the files to commit."""
        return bundle.to_files()

    def _lock_file(self, key: str) -> Path:
        return self.root / "locks" / f"{directory_name(key)}.lock"

    def _aside(self, key: str) -> Path:
        return self.root / "tmp" / directory_name(key)

    def _clear_aside(self, key: str) -> None:
        aside = self._aside(key)
        if aside.exists():
            shutil.rmtree(aside)
        aside.parent.mkdir(parents=True, exist_ok=True)

    def _create(self, key: str, files: Mapping[str, bytes], message: str) -> Revision:
        """Create the first revision: the repository is built aside and published by a rename, whole or not at all."""
        self._clear_aside(key)
        aside = self._aside(key)
        try:
            repository_class().create(aside)
            with GitObjects(aside) as objects, open_repository(aside) as repository:
                share, tree = partial(self._share, key, aside), repository.write_files(files, {})
                revision = advance(objects, repository, tree, None, message, share)
                WorkingTree(objects, revision, dict.fromkeys(files)).refresh()
            self._publish(aside, key)
        except BaseException:  # an interrupt, too, leaves nothing aside
            shutil.rmtree(aside, ignore_errors=True)
            raise
        return revision

    def _share(self, key: str, directory: Path, commit: str, replaces: str | None) -> None:
        """Offer a commit to others before it becomes the newest revision; a local store has nobody to offer it to."""

    def _publish(self, aside: Path, key: str) -> None:
        """Sync a repository that was made aside to disk, then move it to its place."""
        final = self.path(key)
        sync_tree(aside)
        final.parent.mkdir(exist_ok=True)
        aside.rename(final)
        sync_directory(final.parent)

    @contextmanager
    def _without_waiting(self, key: str) -> Iterator[None]:
        """Change a single ref without waiting for a run of the key: git's own lock is enough."""
        lock = self.try_lock(key)
        try:
            if lock is not None:
                self.recover(key)
            with self._errors(key):
                yield
        finally:
            if lock is not None:
                lock.release()
