"""A store whose automations come from a directory of the user's, and whose repairs are proposals to it.

The store keeps a repository of its own for each key, as always. Its ref ``refs/webtasks/source`` names the revision
with the files that the user's directory has; runs use that one. What runs commit comes after it, up to HEAD: the
proposal. Once the user's files are the proposal's, the ref moves there, and what is known of that revision stays known.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.bundles.advancing import advance, check_meta
from engine.bundles.atomic import remove_leftovers
from engine.bundles.bundle import CONTRACT, META, Bundle, is_bundle_file
from engine.bundles.git_objects import GitObjects, TreeEntry
from engine.bundles.plain import PlainBundles
from engine.bundles.reader import open_repository, read_bundle
from engine.bundles.revision import Revision, format_message
from engine.bundles.store import BundleStore
from engine.bundles.working_tree import WorkingTree
from engine.errors import BundleCorrupt, BundleError, BundleNotFound, InvalidRequest

SOURCE = "refs/webtasks/source"


class RepositoryStore(BundleStore):
    """The bundles of one workspace that runs take from plain files in the user's repository.

    Args:
        root: The workspace's directory.
        plain: The user's files.
    """

    def __init__(self, root: Path, plain: PlainBundles) -> None:
        super().__init__(root)
        self._plain = plain

    # Reading

    def keys(self) -> list[str]:
        """Return the keys of the directory, and those of which there is only a proposal."""
        stored = super().keys()
        return sorted({*self._plain.keys(), *filter(self._exists, stored)})

    def shown_at(self, key: str) -> Path:
        """Return the key's directory among the user's files."""
        return self._plain.path(key)

    def load(self, key: str, revision: str | None = None) -> Bundle | None:
        """Return the bundle in the user's directory, else the proposal; None where there is neither.

        Its revision is None where no run has used these files yet.

        Args:
            revision: As for `BundleStore.load`, of the store's own repository; ``HEAD`` is the proposal, if there is
                one.
        """
        if revision is not None:
            return super().load(key, revision)
        bundle = self._plain.load(key)
        if bundle is None or not self._exists(key):
            return super().load(key) if bundle is None else bundle
        with self._errors(key), GitObjects(self.path(key)) as objects:
            source = objects.revision(SOURCE)
            entries = self._plain.entries(key) or {}
            return read_bundle(objects, source) if source and _holds(objects, source, entries) else bundle

    def load_active(self, key: str) -> Bundle | None:
        """Return the same as `load`: pinned automations, too, are those of the directory."""
        return self.load(key)

    def active(self, key: str) -> Revision | None:
        """Return the newest revision, the proposal's where there is one."""
        return self.head(key)

    def has(self, key: str) -> bool:
        """Return True where the directory has the key, or there is a proposal."""
        return self._plain.entries(key) is not None or super().has(key)

    def edited(self, key: str) -> tuple[str, ...]:
        """Return the files in the user's directory that are not as they are committed."""
        return self._plain.edited(key)

    def missing(self, key: str) -> BundleNotFound:
        """Return the error of a key under which nothing is saved, or nothing is committed."""
        error = super().missing(key)
        if not self._plain.edited(key):
            return error
        path = self._plain.path(key)
        return BundleNotFound(
            f"{path} is not committed, and runs use committed files only: `git add {shlex.quote(str(path))}` and"
            " commit it",
            key=key, near=None,
        )  # fmt: skip

    def proposal(self, key: str) -> Bundle | None:
        """Return what runs changed in the committed files and the user has not taken over; None where nothing."""
        with self._errors(key):
            if not self._exists(key):
                return None
            with GitObjects(self.path(key)) as objects:
                head = self._head(objects)
                return None if head == objects.revision(SOURCE) else read_bundle(objects, head)

    def patch(self, key: str) -> str:
        """Return the proposal as a patch for ``git apply`` in the user's repository; empty where there is none.

        Raises:
            BundleNotFound: Nothing is saved under the key.
        """
        if not self._exists(key) and self._plain.entries(key) is not None:
            return ""
        with self._errors(key), self._objects(key) as objects, self._repository(key) as repository:
            source, head = objects.revision(SOURCE), self._head(objects)
            below = self._plain.in_repository(key)
            return repository.diff(source.id if source else None, head.id, below=below, binary=True)

    def unpublished(self, key: str) -> str:
        """Return what to tell about a change that the user's directory does not have."""
        store = f"--store {shlex.quote(str(self.root.parent))} --bundles {shlex.quote(str(self._plain.directory))}"
        return (
            f"what was changed waits as a proposal, and {self._plain.path(key)} is as it was; take it over with"
            f" `webtasks {store} bundles diff {shlex.quote(key)} --patch | git apply`"
        )

    # Running

    def load_to_run(self, key: str) -> tuple[Bundle | None, tuple[str, ...]]:
        """Take over what the user committed, and return that bundle and the files that are edited since.

        Raises:
            BundleNotFound: The key's files are there, and not committed.
        """
        self.recover(key)
        with self._errors(key):
            self._follow(key)
            edited = self._plain.edited(key)
            if not self._exists(key):
                if edited:
                    raise self.missing(key)
                return None, ()
            with GitObjects(self.path(key)) as objects:
                return read_bundle(objects, self._active(objects)), edited

    # Changing by hand

    def rollback(self, key: str, revision: str, *, timeout: float = 0.0) -> Revision:
        """Refuse: the user's repository has the history."""
        raise self._refused("rolled back", "revert the commit there")

    def pin(self, key: str, revision: str | None = None) -> Revision:
        """Forbid repairs of the key; a revision cannot be named.

        Raises:
            InvalidRequest: A revision is named.
        """
        if revision is not None:
            raise self._refused("pinned to a revision", "check out that commit there; `pin KEY` alone forbids repairs")
        return super().pin(key)

    def read_working_tree(self, key: str) -> Bundle:
        """Refuse: edits are committed by the user."""
        raise BundleError(self._refused("adopted", "commit the edit there, and runs use it").message, key=key)

    # Parts

    def _exists(self, key: str) -> bool:
        """Return True where the store has a repository of the key that the user did not delete from the directory."""
        if not super()._exists(key):
            return False
        if self._plain.entries(key) is not None:
            return True
        with GitObjects(self.path(key)) as objects:
            return objects.revision(SOURCE) is None

    def _active(self, objects: GitObjects) -> Revision:
        return objects.revision(SOURCE) or self._head(objects)

    def _publish(self, aside: Path, key: str) -> None:
        if self.path(key).exists():  # of a key that the user deleted from the directory
            shutil.rmtree(self.path(key))
        super()._publish(aside, key)

    def _files(self, key: str, bundle: Bundle) -> dict[str, bytes]:
        """Return the files to commit; those whose JSON says the same stay as the user formatted them."""
        files = super()._files(key, bundle)
        if self._exists(key):
            with GitObjects(self.path(key)) as objects:
                entries = objects.tree(self._head(objects))
                former = objects.files({path: entries[path] for path in (META, CONTRACT) if path in entries})
            files |= {path: data for path, data in former.items() if json.loads(data) == json.loads(files[path])}
        return files

    def _follow(self, key: str) -> None:
        """Let the store have the files of the user's directory; the key's lock is held."""
        entries = self._plain.entries(key)
        if entries is None:
            return
        if not self._exists(key):
            self._create(key, self._read(key), self._message(key))
        with GitObjects(self.path(key)) as objects:
            source, head = objects.revision(SOURCE), self._head(objects)
            if source is not None and _holds(objects, source, entries):
                return
            found = next((r for r in _since(objects, source, head) if _holds(objects, r, entries)), None)
            remove_leftovers(self.path(key) / ".git")
            with open_repository(self.path(key)) as repository:
                if found is None:
                    tree = repository.write_files(self._read(key), {})
                    found = advance(objects, repository, tree, head, self._message(key))
                    WorkingTree(objects, found).refresh()
                repository.set_ref(SOURCE, found.id)

    def _read(self, key: str) -> dict[str, bytes]:
        """Return the user's files, which were checked.

        Raises:
            BundleCorrupt: They are no bundle.
        """
        files, where = self._plain.read(key) or {}, self._plain.described(key)
        meta = Bundle.from_files(files, where=where).meta
        check_meta(meta, where)
        if meta.reuse_key != key:
            raise BundleCorrupt(f"{META} in {where} names the key {meta.reuse_key!r}; write {key!r} there", file=META)
        return files

    def _message(self, key: str) -> str:
        trailers = {"Imported-From": self._plain.commit or str(self._plain.path(key)), "Reason": "import"}
        return format_message(f"Take over from {self._plain.path(key).name}/", trailers=trailers)

    def _refused(self, what: str, remedy: str) -> InvalidRequest:
        return InvalidRequest(
            f"automations of {self._plain.directory} cannot be {what} here, for they are files of your own: {remedy}",
            field="bundles",
        )


def _holds(objects: GitObjects, revision: Revision, entries: Mapping[str, TreeEntry]) -> bool:
    """Return True where the bundle's files at a revision have the same content as these."""
    found = {path: entry.id for path, entry in objects.tree(revision).items() if is_bundle_file(path)}
    return found == {path: entry.id for path, entry in entries.items()}


def _since(objects: GitObjects, source: Revision | None, head: Revision) -> Iterator[Revision]:
    """Yield the revisions after the source, or all without one, newest first."""
    revision: Revision | None = head
    while revision is not None and revision != source:
        yield revision
        revision = objects.require(revision.parent) if revision.parent is not None else None
