"""Errors of the fixture sites.

FixtureError
├── UnknownSiteError      no such site, or no such version of it
└── HangupError           raised by a route: close the connection without an answer
"""

__all__ = ["FixtureError", "HangupError", "UnknownSiteError"]


class FixtureError(Exception):
    """Base of all errors of this package."""


class UnknownSiteError(FixtureError, ValueError):
    """There is no such site, or no such version of it; the message lists the existing ones."""


class HangupError(FixtureError):
    """Raised by a route to close the connection without an answer."""
