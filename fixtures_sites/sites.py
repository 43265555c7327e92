"""The list of sites."""

SITES: dict[str, str] = {
    "archive": "fixtures_sites.archive",
    "directory": "fixtures_sites.directory",
    "feed": "fixtures_sites.feed",
    "form": "fixtures_sites.form",
    "ledger": "fixtures_sites.ledger",
    "misbehaving": "fixtures_sites.misbehaving",
}
"""For each site, the module that has its `SITE`; it is imported when the site is first served."""
