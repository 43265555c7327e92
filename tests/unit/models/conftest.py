"""Fixtures of the models' tests."""

from __future__ import annotations

import importlib

import pytest


@pytest.fixture(scope="session", autouse=True)
def sdk() -> None:
    """Import the SDK, which takes a second or more, before any test is timed."""
    importlib.import_module("anthropic")
