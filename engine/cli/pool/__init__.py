"""``webtasks pool``: a background process that keeps browsers warm for later commands."""
