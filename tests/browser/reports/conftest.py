"""A browser of the test's own."""

from tests.support.own_browser import base_url, browser_type_launch_args

__all__ = ["base_url", "browser_type_launch_args"]
