"""Every example runs: those in docstrings, and those in the README, which ask a recorded model over HTTP."""

import doctest
import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
import sandbox
from fixtures_sites import serve as serve_site
from tests.models.endpoint import message, serve

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
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


@pytest.fixture
def recorded_endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    lines = (ROOT / "tests" / "recordings" / "directory.explore.jsonl").read_text(encoding="utf-8").splitlines()
    replies = [json.loads(line) for line in lines[1:]]
    answers = [message(*reply["content"], stop_reason=reply["stop_reason"], output_tokens=99) for reply in replies]
    with serve(*answers) as endpoint:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", endpoint.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "recorded")
        yield


def test_the_programs_of_the_readme_run(recorded_endpoint: None, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    programs = FENCE.findall(text)
    assert len(programs) >= 5
    names: dict[str, object] = {"__name__": "readme"}
    for program in programs:
        line = text[: text.index(program)].count("\n")
        exec(compile("\n" * line + program, "README.md", "exec"), names)
    said = capsys.readouterr().out
    assert "7 rows" in said, "the first run"
    assert "4 rows for 0" in said, "the replay was free"
    the_commands_run(text)


def the_commands_run(text: str) -> None:
    """Those of the section "Command line", in a shell, on the store that the programs have filled."""
    commands = re.search(r"^## Command line$.*?^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert commands is not None
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with serve_site("directory") as site:
        script = commands[1].replace("https://directory.example/", site.url)
        shell = subprocess.run(
            ["bash", "-eu", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )
    assert shell.returncode == 0, shell.stderr
    assert "replayed in" in shell.stderr
    assert '"name": ' in shell.stdout
    assert shell.stdout.endswith("copy is deleted\n")


def test_the_files_that_the_readme_names_are_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target
