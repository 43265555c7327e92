"""Saved automations: one directory, one git repository, one reuse key each."""

from engine.bundles.bundle import Bundle, BundleMeta, Parameter
from engine.bundles.lock import Lock
from engine.bundles.paths import directory_name
from engine.bundles.plain import PlainBundles, write_plain
from engine.bundles.repository_store import RepositoryStore
from engine.bundles.revision import Revision
from engine.bundles.store import BundleStore

__all__ = [
    "Bundle",
    "BundleMeta",
    "BundleStore",
    "Lock",
    "Parameter",
    "PlainBundles",
    "RepositoryStore",
    "Revision",
    "directory_name",
    "write_plain",
]
