"""New revisions: a commit on HEAD, and the first one of an imported repository."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine.bundles.bundle import META, BundleMeta, is_bundle_file
from engine.bundles.git_objects import GitObjects
from engine.bundles.paths import directory_name
from engine.bundles.reader import read_bundle
from engine.bundles.revision import Revision, format_message
from engine.errors import BundleCorrupt, InvalidRequest
from engine.task.schema import OutputSchema

if TYPE_CHECKING:
    from engine.bundles.git_repository import GitRepository


def advance(
    objects: GitObjects,
    repository: GitRepository,
    tree: str,
    head: Revision | None,
    message: str,
    share: Callable[[str, str | None], None] | None = None,
) -> Revision:
    """Commit a tree on HEAD, and return the revision.

    Args:
        share: Called with the ids of the commit and of the one before it, before HEAD changes, which it may prevent.
    """
    commit = repository.write_commit(tree, head.id if head is not None else None, message)
    if share is not None:
        share(commit, head.id if head is not None else None)
    repository.set_ref("HEAD", commit, head.id if head is not None else None, create=head is None)
    return objects.require(commit)


def admit(objects: GitObjects, repository: GitRepository, commits: list[str], key: str | None) -> tuple[str, Revision]:
    """Make an unpacked repository a bundle of this store; any revision may be rolled back to, so all are checked."""
    for commit in commits:
        bundle = read_bundle(objects, objects.require(commit))
        check_meta(bundle.meta, f"revision {commit[:10]}")
    head = objects.require(commits[0])
    bundle = read_bundle(objects, head)
    repository.set_ref("HEAD", head.id, create=True)
    found = key if key is not None else bundle.meta.reuse_key
    directory_name(found)  # refuses what is no key
    changes = {"reuse_key": found, "start_url_by_model": bundle.meta.start_url is not None}
    meta = bundle.meta.model_copy(update=changes)
    if meta == bundle.meta:
        return found, head
    kept = {path: entry for path, entry in objects.tree(head).items() if not is_bundle_file(path)}
    tree = repository.write_files(replace(bundle, meta=meta).to_files(), kept)
    message = format_message("Import", trailers={"Imported-From": head.id, "Reason": "import"})
    return found, advance(objects, repository, tree, head, message)


def check_meta(meta: BundleMeta, where: str) -> None:
    """Check what the runner relies on: in the engine's own bundles it comes from a checked request.

    Raises:
        BundleCorrupt: It cannot be used; the message names the place.
    """
    try:
        if meta.output_schema is not None:
            OutputSchema(meta.output_schema, saved=True)
        if meta.start_url is not None and urlsplit(meta.start_url).scheme not in ("http", "https"):
            raise InvalidRequest(f"start_url must be an http or https URL, not {meta.start_url!r}")
    except ValueError as error:  # InvalidRequest is one
        raise BundleCorrupt(f"{META} in {where} cannot be used: {error}", file=META) from error
