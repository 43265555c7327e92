"""The examples in docstrings run, and what the README names is there."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import engine
import sandbox
from tests.support.paths import ROOT

IN_JAIL = {"sandbox.inside.main"}  # starts speaking to its host when it is imported as a program


def modules() -> list[str]:
    names = []
    for package in (engine, sandbox):
        found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        names += [package.__name__, *(m.name for m in found if not m.name.endswith("__main__"))]
    return [name for name in names if name not in IN_JAIL]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples that make a store make it in a directory of their own."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", modules())
def test_the_examples_of_the_docstrings_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


def test_the_files_that_the_readme_names_are_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target
