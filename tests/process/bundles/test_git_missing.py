"""A git that is missing or does not run is told with the words of git itself, before anything is paid."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

IMPORT = """
from engine.bundles.reader import repository_class
from engine.errors import StoreError
try:
    repository_class()
except StoreError as error:
    print(error.message)
"""


def told(**environment: str) -> str:
    """The message of a program that wants to use git."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def malformed_home(tmp_path: Path) -> Path:
    (tmp_path / ".gitconfig").write_text("not a git config [[[\n")
    return tmp_path


def test_malformed_configuration_is_told_in_the_words_of_git(malformed_home: Path) -> None:
    said = told(HOME=str(malformed_home), XDG_CONFIG_HOME="")
    assert said.startswith("git does not run here: fatal: bad config line 1 in file")
    assert "install" not in said


def test_missing_git_is_told_with_the_remedy(tmp_path: Path) -> None:
    assert told(PATH=str(tmp_path)) == "git is not installed, or not on the PATH; install git 2.36 or newer"
