"""A store in a temporary directory, and bundles whose files all hold one number."""

from tests.support.numbered import numbered, store

__all__ = ["numbered", "store"]
