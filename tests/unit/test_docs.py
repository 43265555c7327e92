"""The examples in docstrings run, and what the README names is there."""

import re
from pathlib import Path

import pytest

from tests.support.docstrings import failures, modules
from tests.support.paths import ROOT


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples that make a store make it in a directory of their own."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", modules("unit"))
def test_the_examples_of_the_docstrings_run(name: str) -> None:
    assert failures(name) == 0


def test_the_files_that_the_readme_names_are_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target
