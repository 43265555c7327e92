"""Cassettes: all that came from outside in one file, to be run again from without a network."""

from engine.cassettes.options import CassetteOptions

__all__ = ["CassetteOptions"]  # the rest is imported where it is needed: `import engine` comes by here
