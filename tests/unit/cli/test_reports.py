"""`webtasks report`, on a store with the story of one key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import Run, data
from tests.support.reported import KEY, make_story


@pytest.fixture
def store(tmp_path: Path, git: None) -> Path:
    make_story(tmp_path / "store")
    return tmp_path / "store"


def test_a_task_a_key_and_the_last_task_are_written(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("report", "wt_1").stdout == f"{tmp_path}/webtasks-report-wt_1.html\n"
    assert data(cli("report", "--json")) == {"file": f"{tmp_path}/webtasks-report-wt_failed.html"}
    assert cli("report", "--key", KEY, "-o", "key.html").stdout == f"{tmp_path}/key.html\n"
    assert "<h1>lamps</h1>" in (tmp_path / "key.html").read_text()


def test_wrong_use_is_told(cli: Run) -> None:
    for arguments, words in (
        (("wt_none",), "wt_none"),
        (("--key", "lamp"), "did you mean 'lamps'"),
        (("wt_1", "--key", KEY), "not both"),
        (("wt_1", "-o", "none/x.html"), "cannot be written to none/x.html"),
    ):
        result = cli("report", *arguments)
        assert result.exit_code in (1, 2)
        assert words in result.stderr, result.stderr
