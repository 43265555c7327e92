"""A store in a temporary directory, and bundles whose files all carry one number."""

from tests.support.numbered import numbered, store

__all__ = ["numbered", "store"]
