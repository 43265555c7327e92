"""Methods of HTTP."""

SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that, by HTTP's rules, change nothing on a site."""
