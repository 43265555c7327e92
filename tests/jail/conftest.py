"""A small site on loopback, and a sandbox for each module."""

from tests.support.jailed import run, sandbox, site

__all__ = ["run", "sandbox", "site"]
