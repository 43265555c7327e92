"""The list of sites."""

SITES: dict[str, str] = {
    "archive": f"{__package__}.archive",
    "directory": f"{__package__}.directory",
    "feed": f"{__package__}.feed",
    "form": f"{__package__}.form",
    "ledger": f"{__package__}.ledger",
    "misbehaving": f"{__package__}.misbehaving",
}
"""For each site, the module that has its `SITE`; it is imported when the site is first served."""
