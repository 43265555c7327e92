"""Bundles that several machines share over a git remote: one ref for each key, and the remote decides who was first.

Each machine has a copy. A run pulls its key first; a commit counts only once the remote has taken it, in one push that
names the revision it replaces. Whoever loses runs the winner's revision.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
from pathlib import Path

from engine.bundles.advancing import check_meta
from engine.bundles.bundle import Bundle
from engine.bundles.bundle_file import check_revision
from engine.bundles.git_objects import GitObjects
from engine.bundles.git_remote import GitRemote
from engine.bundles.paths import directory_name
from engine.bundles.reader import open_repository, read_bundle, repository_class
from engine.bundles.revision import Revision
from engine.bundles.store import BundleStore
from engine.bundles.working_tree import WorkingTree
from engine.errors import BundleCorrupt, StoreError

log = logging.getLogger(__name__)

_BRANCHES = "refs/heads/webtasks/"  # branches, as hosts show those, and some take no other refs
_PULLED = "refs/webtasks/pulled"
_LONGEST = 180  # bytes of a ref's last part, which is a file's name in many a remote
_READABLE = 59


def ref_of(key: str) -> str:
    """Return the ref of a reuse key: no other key's.

    >>> ref_of("invoices-2024"), ref_of("a..b")
    ('refs/heads/webtasks/invoices-2024', 'refs/heads/webtasks/a%2e.b')
    """
    name = re.sub(r"\.(?=\.|lock$)", "%2e", directory_name(key)).replace("~", "=")
    if len(name) > _LONGEST:
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:40]
        name = f"{re.sub('%[0-9a-f]?$', '', name[:_READABLE])}={digest}"
    return _BRANCHES + name


class RemoteBundleStore(BundleStore):
    """One machine's copy of the bundles of a git remote.

    Args:
        root: The directory of the copy.
        remote: The remote. A key that it has no revision of has none here.
    """

    def __init__(self, root: Path, remote: GitRemote) -> None:
        super().__init__(root)
        self._remote = remote

    def load_to_run(self, key: str) -> tuple[Bundle | None, tuple[str, ...]]:
        """Pull, and do as a local store does. What is here runs on while the remote cannot be reached.

        Raises:
            StoreError: The remote cannot be reached, and nothing is here: a model would be paid for what may be there.
        """
        try:
            self.pull(key)
        except StoreError as error:
            if not self.has(key):
                raise
            log.warning("the newest revision of %s cannot be pulled, so the last one known runs: %s", key, error)
        return super().load_to_run(key)

    def pull(self, key: str) -> None:
        """Make the newest revision here that of the remote; its holder has the key's lock.

        Raises:
            StoreError: The remote cannot be reached.
            BundleCorrupt: What it has is no bundle of this key.
        """
        ref, path = ref_of(key), self.path(key)
        with self._errors(key):
            tip, head = self._remote.tip(ref, path), self.head(key)
            if tip == (head.id if head is not None else None):
                return
            if tip is None:
                self._clear_aside(key)
                path.rename(self._aside(key))
                shutil.rmtree(self._aside(key))
            elif head is None:
                self._clone(key, ref)
            else:
                self._take_over(key, path, ref, head)

    def _clone(self, key: str, ref: str) -> None:
        self._clear_aside(key)
        aside = self._aside(key)
        try:
            repository_class().create(aside)
            self._take_over(key, aside, ref, None)
            self._publish(aside, key)
        except BaseException:  # an interrupt, too, leaves nothing aside
            shutil.rmtree(aside, ignore_errors=True)
            raise

    def _take_over(self, key: str, directory: Path, ref: str, head: Revision | None) -> None:
        """Fetch what the remote has, check it like an imported file, and make it the newest revision.

        What was committed here, and not there, is dropped.
        """
        self._remote.fetch(ref, _PULLED, directory)
        with GitObjects(directory) as objects, open_repository(directory) as repository:
            new = objects.require(_PULLED)
            check_revision(directory, new.id)
            bundle = read_bundle(objects, new)
            check_meta(bundle.meta, f"revision {new.short}")
            if bundle.meta.reuse_key != key:
                raise BundleCorrupt(f"{ref} of {self._remote.shown} holds the key {bundle.meta.reuse_key!r}", key=key)
            repository.set_ref("HEAD", new.id, head.id if head is not None else None, create=head is None)
            shown = dict.fromkeys(objects.tree(new)) if head is None else None
            WorkingTree(objects, new, shown).refresh()

    def _share(self, key: str, directory: Path, commit: str, replaces: str | None) -> None:
        self._remote.push(ref_of(key), commit, replaces, directory)
