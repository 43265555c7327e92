"""The public interface as type checkers see it: right programs pass, and each mistake is found where it is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import playwright
import pyright

from tests.support.paths import ROOT

PROGRAM = ROOT / "tests" / "support" / "typed_program.py"
_NODE = Path(playwright.__file__).parent / "driver" / "node"  # pyright would look for another, and download it
_PYRIGHT = Path(pyright.__file__).parent / "dist" / "index.js"


def refused() -> set[int]:
    lines = PROGRAM.read_text().splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# refused")}


def output(*command: str | Path) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False).stdout


def test_mypy_finds_the_mistakes_of_a_program_and_nothing_else() -> None:
    found = output(sys.executable, "-m", "mypy", "--strict", PROGRAM)
    assert {int(line) for line in re.findall(r"typed_program\.py:(\d+): error", found)} == refused(), found


def test_pyright_finds_the_mistakes_of_a_program_and_nothing_else() -> None:
    report = json.loads(output(_NODE, _PYRIGHT, "--outputjson", "--pythonpath", sys.executable, PROGRAM))
    found = report["generalDiagnostics"]
    assert {each["range"]["start"]["line"] + 1 for each in found} == refused(), found
