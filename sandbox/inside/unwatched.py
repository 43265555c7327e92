"""Playwright's methods without our watches: what we do ourselves is no read and no act of the automation."""

from __future__ import annotations

import inspect
from typing import Any


def unwatched(target: Any, name: str) -> Any:
    """Return a method of a page, frame or locator as Playwright defines it, under all that is wrapped around it."""
    return inspect.unwrap(getattr(type(target), name)).__get__(target)
