"""Both jails for a user without privileges. As root, this starts the sandbox as another user."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.browser import find_browser
from sandbox.isolation.shown_files import packages
from tests.support.jails import JAILS

NOBODY = 65534
PROGRAM = """
import asyncio, os, sys
sys.path[:0] = sys.argv[2:]
from sandbox import Automation, Egress, Host, PoolOptions, Sandbox
CODE = '''
import os
async def run(page, parameters, task):
    await page.set_content("<title>Here</title>")
    try:
        os.listdir(parameters["directory"])
    except OSError:
        return [await page.title(), os.getuid() != 0]
'''
async def main():
    async with Sandbox(isolation=sys.argv[1], pool=PoolOptions(spare=0)) as sandbox:
        parameters = {"directory": os.environ["TMPDIR"]}
        for _ in range(2):
            outcome = await sandbox.run(Automation(CODE), parameters, egress=Egress(), host=Host(), affinity="one")
        print(os.getuid(), outcome.value, outcome.error, outcome.worker_run)
asyncio.run(main())
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory outside pytest's own, which are closed to others."""
    with tempfile.TemporaryDirectory(prefix="webtasks-test-") as directory:
        yield Path(directory)


@pytest.mark.parametrize("jail", JAILS)
def test_jails_work_without_privileges(jail: str, home: Path) -> None:
    python, user = sys.executable, os.getuid()
    if user == 0:
        python, user = _everybodys_python(), NOBODY
    os.chown(home, user, -1)
    done = subprocess.run(
        [python, "-c", PROGRAM, jail, *{str(source.parent) for source in packages(find_browser())}],
        user=user,
        extra_groups=[] if os.getuid() == 0 else None,
        cwd="/",
        env={"HOME": str(home), "TMPDIR": str(home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split(" ", 1) == [str(user), "['Here', True] None 2\n"], done.stderr
    assert list(home.iterdir()) == []


def _everybodys_python() -> str:
    """One that others may run, of the version for which the packages are installed."""
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    for name in (sys.executable, f"/usr/bin/python{wanted}", f"/usr/local/bin/python{wanted}"):
        found = shutil.which(name)
        if found is None:
            continue
        with contextlib.suppress(PermissionError):
            subprocess.run([found, "-V"], user=NOBODY, extra_groups=[], capture_output=True, check=True)
            return found
    # Nothing of ours is missing then: it is the machine's Python that no other user may read.
    pytest.skip(f"root's Python is closed to others here, and there is no other Python {wanted}")
