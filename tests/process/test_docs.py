"""The examples of modules that run git when they are imported."""

from pathlib import Path

import pytest

from tests.support.docstrings import failures, modules


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples that make a store make it in a directory of their own."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", modules("process"))
def test_the_examples_of_the_docstrings_run(name: str) -> None:
    assert failures(name) == 0
