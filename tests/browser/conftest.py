"""What tests of the engine with a real browser share."""

from tests.support.stage import site, stage

__all__ = ["site", "stage"]
