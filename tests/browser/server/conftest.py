"""A live server on loopback."""

from tests.support.live import live, serving

__all__ = ["live", "serving"]
