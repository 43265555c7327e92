"""Every example in README.md and docs/ runs: with real browsers, in a real shell, against a live server."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support.endpoint import message, serve
from tests.support.paths import RECORDINGS, ROOT
from tests.support.warm import LentSandbox, lend

README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
EXAMPLE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_RUN = {"text"}
SERVED = re.compile(r"--port (\d+)[^#\n]*&\s*(?:#.*)?$", re.MULTILINE)
STORE = "my-store"
EXPECTED = {
    "cli": ("replayed in", '"name": ', "copy was deleted"),
    "models": ("7 rows", "4 rows for 0.0 dollars"),
}

pytestmark = [
    pytest.mark.long,
    # The client's own use of pydantic, which we do not change.
    pytest.mark.filterwarnings("ignore:Accessing the 'model_fields' attribute on the instance"),
]


@dataclass
class Page:
    """A page of the documentation, and what its examples printed.

    Args:
        file: The page.
        folder: The directory that a reader works in; stands for the checkout.
        printed: Output of the Python examples.
        shown: Output of the shell examples.
    """

    file: Path
    folder: Path
    printed: str = ""
    shown: str = ""

    def follow(self, environment: Mapping[str, str]) -> None:
        """Runs the examples from the first to the last, as a reader would who copies each of them."""
        text = self.file.read_text(encoding="utf-8")
        ports = {port: str(_free_port()) for port in ("3111", "8484")}
        names: dict[str, object] = {"__name__": "example"}
        printed = io.StringIO()
        with Shell(self.folder, environment) as shell, contextlib.chdir(self.folder):
            for found in EXAMPLE.finditer(text):
                language, code = found[1], re.sub("|".join(ports), lambda port: ports[port[0]], found[2])
                line = text.count("\n", 0, found.start(2))
                if language == "sh":
                    self.shown += shell.run(code, f"{self.file.name}, line {line + 1}")
                elif language == "python":
                    with contextlib.redirect_stdout(printed):
                        exec(compile("\n" * line + code, self.file.name, "exec"), names)
                else:
                    assert language in NOT_RUN, f"{self.file.name}, line {line}: examples are python, sh or text"
        self.printed = printed.getvalue()


@dataclass
class Shell:
    """One bash for all shell examples of a page: variables and background processes outlast the single example."""

    folder: Path
    environment: Mapping[str, str]
    _seen: int = 0
    _aside: Path = field(init=False)
    _bash: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> Shell:
        self._aside = self.folder.parent / f"{self.folder.name}-shell"
        self._aside.mkdir()
        with (self._aside / "log").open("w") as log:
            self._bash = subprocess.Popen(
                ["bash", "-eu"], stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, text=True,
                cwd=self.folder, env={**os.environ, **self.environment}, start_new_session=True,
            )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()

    def run(self, code: str, where: str, seconds: float = 240.0) -> str:
        """Runs commands, and gives what they showed; each must succeed."""
        script, done = self._aside / "script", self._aside / "done"
        script.write_text(code, encoding="utf-8")
        done.unlink(missing_ok=True)
        assert self._bash.stdin is not None
        self._bash.stdin.write(f". {script} </dev/null\ntouch {done}\n")
        self._bash.stdin.flush()
        deadline = time.monotonic() + seconds
        while not done.exists():
            assert self._bash.poll() is None, f"{where}: exit code {self._bash.returncode}\n{self._log()}"
            assert time.monotonic() < deadline, f"{where}: no end after {seconds:g} s\n{self._log()}"
            time.sleep(0.05)
        for port in SERVED.findall(code) if "kill " not in code else ():
            _wait_for(int(port), deadline, lambda: f"{where}: nothing listens\n{self._log()}")
        shown = self._log()[self._seen :]
        self._seen += len(shown)
        return shown

    def _log(self) -> str:
        return (self._aside / "log").read_text(encoding="utf-8")


def _free_port() -> int:
    """Return a port below those that the system gives to connections: such a one could be taken before it is used."""
    while True:
        port = random.randrange(10_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _wait_for(port: int, deadline: float, problem: object) -> None:
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert time.monotonic() < deadline, problem() if callable(problem) else problem
        time.sleep(0.05)


def _command(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of a reader's shell: ``make`` says what it would do, and pytest runs in the checkout."""
    commands, make = tmp_path_factory.mktemp("commands"), shutil.which("make")
    assert make is not None
    _command(commands / "make", f'exec {make} --dry-run --directory {ROOT} "$@"')
    _command(commands / "pytest", f'cd {ROOT} && unset PYTEST_XDIST_WORKER && exec {sys.executable} -m pytest "$@"')
    return {"PATH": os.pathsep.join((str(commands), str(Path(sys.executable).parent), os.environ["PATH"]))}


@pytest.fixture(scope="session")
def readme(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], warm: LentSandbox) -> Page:
    """The README, followed to its end, once for all test processes: the other pages begin with its store."""
    parallel = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if parallel else base
    page, followed = Page(README, shared / "readme"), shared / "readme.json"
    with FileLock(shared / "readme.lock"):
        if followed.exists():
            page.printed, page.shown = json.loads(followed.read_text(encoding="utf-8"))
            return page
        assert not page.folder.exists(), "another test process failed to follow it"
        activate = page.folder / ".venv" / "bin" / "activate"
        activate.parent.mkdir(parents=True)
        activate.write_text(f"export PATH={environment['PATH']!r}\n", encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            lend(warm, patch)
            page.follow(environment)
        followed.write_text(json.dumps([page.printed, page.shown]), encoding="utf-8")
    return page


@pytest.fixture
def recorded_endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Messages API that the environment names, and that answers from a recording."""
    lines = (RECORDINGS / "directory.explore.jsonl").read_text(encoding="utf-8").splitlines()
    replies = [json.loads(line) for line in lines[1:]]
    answers = [message(*reply["content"], stop_reason=reply["stop_reason"], output_tokens=99) for reply in replies]
    with serve(*answers) as endpoint:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", endpoint.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "recorded")
        yield


def test_the_readme_can_be_followed(readme: Page) -> None:
    assert "7 rows" in readme.printed, "the first run"
    assert "4 rows for 0.0 dollars, 0 model calls" in readme.printed, "the replay was free"
    assert "internal-error connection-refused" in readme.printed
    assert "replayed in" in readme.shown
    assert '"name": ' in readme.shown
    assert re.search(r"^\d+ passed", readme.shown, re.MULTILINE), "the test that it names"


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_the_examples_of_a_page_run(
    file: Path, readme: Page, environment: dict[str, str], tmp_path: Path, recorded_endpoint: None
) -> None:
    folder = tmp_path / "checkout"
    shutil.copytree(readme.folder / STORE, folder / STORE)
    page = Page(file, folder)
    page.follow(environment)
    for expected in EXPECTED.get(file.stem, ()):
        assert expected in page.printed + page.shown
