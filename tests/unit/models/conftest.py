"""What the tests of models share."""

from __future__ import annotations

import importlib

import pytest


@pytest.fixture(scope="session", autouse=True)
def sdk() -> None:
    """The SDK's import, a second or more, is not on any test's clock."""
    importlib.import_module("anthropic")
