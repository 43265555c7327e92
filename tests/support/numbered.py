"""A store in a temporary directory, and bundles whose files all carry one number."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.bundles import Bundle, BundleMeta, BundleStore

Numbered = Callable[[int], Bundle]


def user_git(directory: Path, *arguments: str) -> str:
    """git as the user runs it in a bundle's directory."""
    identity = ["-c", "user.name=User", "-c", "user.email=user@example.com"]
    run = subprocess.run(["git", *identity, *arguments], cwd=directory, capture_output=True, text=True, check=True)
    return run.stdout


@pytest.fixture
def store(tmp_path: Path, git: None) -> BundleStore:
    return BundleStore(tmp_path / "store")


@pytest.fixture
def numbered() -> Numbered:
    """Bundle number n: every file says n, so that a mixture of two is seen."""

    def make(number: int) -> Bundle:
        return Bundle(
            meta=BundleMeta(
                reuse_key="key",
                tasks=(f"task {number}",),
                created_at=datetime(2026, 1, 1, tzinfo=UTC),
            ),
            automation=f"async def run(page, parameters, task):\n    return {number}\n",
            contract={"number": number},
            notes=f"{number}\n",
            resources={f"data/{part}.csv": f"{number}\n".encode() for part in "abcd"},
        )

    return make
