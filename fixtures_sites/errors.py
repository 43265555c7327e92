"""Errors of the fixture sites.

FixtureError
├── UnknownSiteError      no such site, or no such version of it
└── HangupError           raised by a route: close the connection without an answer
"""

__all__ = ["FixtureError", "HangupError", "UnknownSiteError"]


class FixtureError(Exception):
    """Base of all errors here."""


class UnknownSiteError(FixtureError, ValueError):
    """There is no such site, or no such version of it; the message lists those there are."""


class HangupError(FixtureError):
    """Raise it in a route to close the connection without an answer."""
