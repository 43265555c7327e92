"""The programs in the README run, and ask a recorded model over HTTP."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures_sites import serve as serve_site
from tests.support.endpoint import message, serve
from tests.support.paths import ROOT

FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples that make a store make it in a directory of their own."""
    monkeypatch.chdir(tmp_path)


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
