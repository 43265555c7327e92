"""Rules of the house that need a process of their own to check."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_importing_the_engine_imports_nothing_heavy() -> None:
    code = "import json, sys, engine; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"playwright", "anthropic", "git", "h11", "jsonschema", "click", "rich", "starlette", "uvicorn"} & set(
        json.loads(run.stdout)
    )


def test_no_path_of_our_machines_is_in_the_repository() -> None:
    machine_path = re.compile(r"(?<![\w.}])/(work|root|farm|Users|home/[a-z]+)/")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    files = [ROOT / name for name in listed if not name.endswith(".jsonl") and (ROOT / name).is_file()]
    assert files
    found = [
        where(path, number)
        for path in files
        if b"\0" not in (content := path.read_bytes())
        for number, line in enumerate(content.decode(errors="replace").splitlines(), 1)
        if machine_path.search(line)
    ]
    assert not found
