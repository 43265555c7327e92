"""One version for the command line, the server and its OpenAPI document."""

from __future__ import annotations

import importlib.metadata

import pytest

from engine.version import installed_version


def test_version_is_that_of_the_installed_distribution() -> None:
    assert installed_version() == importlib.metadata.version("webtasks-engine")


def test_version_of_a_bare_checkout_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", not_installed)
    assert installed_version() == "unknown"
