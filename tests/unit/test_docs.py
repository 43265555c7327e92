"""The examples in docstrings run, and what the documentation names is there."""

import importlib
import re
from pathlib import Path

import pytest

from tests.support.docstrings import all_modules, failures, modules
from tests.support.paths import ROOT

README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples that make a store make it in a directory of their own."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", modules("unit"))
def test_the_examples_of_the_docstrings_run(name: str) -> None:
    assert failures(name) == 0


def test_every_module_can_be_imported() -> None:
    for name in all_modules():
        importlib.import_module(name)


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_a_link_leads_to_a_file_and_a_heading(file: Path) -> None:
    for name, heading in LINK.findall(file.read_text(encoding="utf-8")):
        target = file.parent / name if name else file
        assert target.exists(), f"{file.name} links to {name}"
        assert not heading or heading in headings(target), f"{file.name} links to {name}#{heading}"


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_a_path_or_make_target_in_the_text_exists(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:engine|sandbox|fixtures_sites|tests|docs)/[\w./-]*)`", text):
        assert (ROOT / name).exists(), f"{file.name} names {name}"
    for target in re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 160


def headings(file: Path) -> list[str]:
    """The names by which GitHub lets a page's headings be linked to."""
    found = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found]
