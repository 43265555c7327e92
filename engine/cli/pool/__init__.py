"""A resident process that keeps browsers warm for later commands."""
