"""``webtasks check``, with scripted outcomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import sandbox
from engine.bundles import BundleStore, write_plain
from engine.cassettes.content import Content, write
from engine.cassettes.options import CassetteOptions
from engine.cli.main import webtasks
from engine.testing import ScriptedSandbox, outcome
from engine.testing.sandbox import Step
from sandbox import Evidence, ScriptError
from tests.support.saved import save

URL = "http://127.0.0.1:9/"
PAGE = Evidence(url=URL, title="Guide", text="Ada", status=200, documents=((URL, 200),))
GOOD = outcome([{"name": "Ada"}], evidence=PAGE)
BROKEN = outcome(error=ScriptError("TimeoutError", "no such button", kind="timeout"), evidence=PAGE)


class Directory:
    """A directory with the automation ``guide``, and the command on it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self._monkeypatch = root / "automations", monkeypatch
        code = "async def run(page, parameters, task):\n    return parameters['q']\n"
        save(root / "made", "guide", code, parameters={"q": ""}, start_url=URL)
        bundle = BundleStore(root / "made" / "default").load("guide")
        assert bundle is not None
        write_plain(self.path, "guide", bundle)

    def record(self) -> None:
        write(self.path / "guide" / "recording.wtrec", Content(options=CassetteOptions()), {})

    def check(self, *arguments: str, steps: tuple[Step, ...] = ()) -> tuple[Result, list[Any]]:
        scripted = ScriptedSandbox(*steps)
        self._monkeypatch.setattr(sandbox, "Sandbox", lambda **options: scripted)
        return CliRunner().invoke(webtasks, ["check", str(self.path), *arguments]), scripted.calls


@pytest.fixture
def directory(tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch) -> Directory:
    return Directory(tmp_path, monkeypatch)


def test_each_set_of_parameters_is_replayed_and_one_failure_is_the_exit_code(directory: Directory) -> None:
    directory.record()
    (directory.path / "guide" / "checks.json").write_text('[{"parameters": {"q": "a"}}, {"parameters": {"q": "b"}}]')
    good, calls = directory.check("--json", steps=(GOOD, GOOD))
    assert (good.exit_code, [call.parameters for call in calls]) == (0, [{"q": "a"}, {"q": "b"}])
    assert [(each["ok"], each["rows"]) for each in json.loads(good.stdout)] == [(True, 1), (True, 1)]
    bad, _ = directory.check(steps=(GOOD, BROKEN, BROKEN))
    assert bad.exit_code == 1
    assert "no such button" in bad.stderr
    assert "2 checks, 1 failed" in bad.stderr


def test_without_a_recording_nothing_is_run_until_somebody_says_so(directory: Directory) -> None:
    ended, calls = directory.check()
    assert (ended.exit_code, calls, "--record" in ended.stderr) == (1, [], True)
    ended, calls = directory.check("guide", "--live", "-p", "q=a", steps=(GOOD,))
    assert (ended.exit_code, len(calls)) == (0, 1)
    assert not (directory.path / "guide" / "checks.json").exists()


def test_recording_with_parameters_keeps_both_for_the_next_check(directory: Directory) -> None:
    ended, _ = directory.check("guide", "--record", "-p", "q=a", "--start-url", URL, steps=(GOOD,))
    assert ended.exit_code == 0, ended.output
    kept = json.loads((directory.path / "guide" / "checks.json").read_text())
    assert kept == [{"parameters": {"q": "a"}, "start_url": URL}]
    again, calls = directory.check(steps=(GOOD,))
    assert (again.exit_code, calls[0].parameters) == (0, {"q": "a"})


def test_what_cannot_be_checked_is_told(directory: Directory, tmp_path: Path) -> None:
    assert directory.check("nobody")[0].exit_code == 2
    assert directory.check("-p", "q=a")[0].exit_code == 2
    assert CliRunner().invoke(webtasks, ["check", str(tmp_path / "nowhere")]).exit_code == 2
    (directory.path / "guide" / "checks.json").write_text('{"q": "a"}')
    directory.record()
    malformed, _ = directory.check()
    assert (malformed.exit_code, "must be a list of objects" in malformed.stderr) == (2, True)
    (directory.path / "guide").rename(directory.path / "Guide")
    renamed, _ = directory.check()
    assert (renamed.exit_code, "rename it" in renamed.stderr) == (1, True)
