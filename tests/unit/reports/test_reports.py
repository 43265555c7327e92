"""Whole reports, made from a store: what they say, and that nothing of a page is taken for HTML."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from engine.bundles import BundleStore
from engine.errors import BundleNotFound, EngineError, TaskNotFound
from engine.reports import TaskReport, write_key_report
from engine.reports.key_report import key_report
from engine.storage.tasks import TaskRecords
from tests.support.reported import HOSTILE, KEY, make_story

pytestmark = pytest.mark.usefixtures("git")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("reported")
    make_story(directory)
    return directory


class Text(HTMLParser):
    """The text of a page and its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def report(store: Path, task_id: str, tmp_path: Path) -> Text:
    written = TaskReport(store / "default", task_id)(tmp_path / "report.html")
    return Text(written.read_text())


def test_a_repair_is_told_with_its_cause_its_code_and_its_rows(store: Path, tmp_path: Path) -> None:
    shown = report(store, "wt_1", tmp_path)
    for words in ("What went wrong", "$[*].price", "'Price'", "repair", "model, turn 1", "trying the automation",
                  "passed", "committed", "Rows, against the last good output", "Birch lamp", "What the model did",
                  "print ( await page . title ())", "Lamps"):  # fmt: skip
        assert words in shown.text, words
    origins = [facts for tag, facts in shown.elements if tag == "button"]
    assert [(each["data-text"], each["data-label"]) for each in origins if each["data-text"] == "£5.00"] == [
        ("£5.00", "Price")
    ]


def test_text_of_a_page_is_never_html(store: Path, tmp_path: Path) -> None:
    shown = report(store, "wt_1", tmp_path)
    assert HOSTILE in shown.text
    assert not [facts for tag, facts in shown.elements if tag == "img"]
    assert not [facts for _, facts in shown.elements for name in facts if name.startswith("on")]


def test_a_failure_is_told_first(store: Path, tmp_path: Path) -> None:
    shown = report(store, "wt_failed", tmp_path)
    assert re.search(r"What went wrong drift : no lamp any more", shown.text)
    assert "Output" not in shown.text.split("Request")[0].split("What went wrong")[1]


def test_a_report_loads_nothing(store: Path, tmp_path: Path) -> None:
    TaskReport(store / "default", "wt_1")(tmp_path / "task.html")
    write_key_report(store / "default", KEY, tmp_path / "key.html")
    for name in ("task.html", "key.html"):
        shown = Text((tmp_path / name).read_text())
        loaded = [facts for _, facts in shown.elements if (facts.get("src") or "data:").startswith(("http", "//"))]
        linked = [facts["href"] for tag, facts in shown.elements if tag in ("link", "a", "use") and facts.get("href")]
        assert not loaded
        assert all(str(target).startswith("#") for target in linked), linked


def test_a_key_shows_its_revisions_its_runs_and_what_it_saved(store: Path) -> None:
    root = store / "default"
    records = TaskRecords(root / "records.sqlite3")
    shown = Text(key_report(root, records, BundleStore(root), KEY))
    records.close()
    for words in ("4 runs", "explore", "repair", "drift", "replay", "failed", "spent in all", "Revisions 2",
                  "Saved by hand", "1 parameter"):  # fmt: skip
        assert words in shown.text, words
    assert sum(tag == "svg" for tag, _ in shown.elements) == 2


def test_plots_leave_the_import_of_modules_as_it_was(store: Path, tmp_path: Path) -> None:
    write_key_report(store / "default", KEY, tmp_path / "key.html")
    assert [finder for finder in sys.meta_path if not hasattr(finder, "find_spec")] == []


def test_nothing_is_written_for_what_is_not_there(store: Path, tmp_path: Path) -> None:
    with pytest.raises(TaskNotFound):
        TaskReport(store / "default", "wt_none")(tmp_path / "x.html")
    with pytest.raises(BundleNotFound):
        write_key_report(store / "default", "none", tmp_path / "x.html")
    with pytest.raises(EngineError, match=r"cannot be written to .*/none/x\.html: No such file"):
        TaskReport(store / "default", "wt_1")(tmp_path / "none" / "x.html")
    assert list(tmp_path.iterdir()) == []
