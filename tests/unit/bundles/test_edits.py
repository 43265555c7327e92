"""The user's edits in a bundle's directory are kept."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from engine.bundles import BundleStore
from engine.bundles.atomic import write_whole
from engine.errors import BundleCorrupt
from tests.support.numbered import Numbered, user_git

EDITS = {
    "automation.py": lambda directory: (directory / "automation.py").write_text("# mine\n"),
    "contract.json": lambda directory: (directory / "contract.json").unlink(),
    "resources/extra.csv": lambda directory: (directory / "resources" / "extra.csv").write_text("mine\n"),
    "README.txt": lambda directory: (directory / "README.txt").write_text("mine\n"),
    "link": lambda directory: (directory / "link").symlink_to("automation.py"),
    "NOTES.md": lambda directory: (directory / "NOTES.md").write_text(""),
}


def contents(directory: Path) -> dict[str, bytes | None]:
    paths = (path for path in directory.rglob("*") if ".git" not in path.parts)
    return {str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None for path in paths}


@pytest.mark.parametrize("path", EDITS)
def test_edited_directory_is_never_written_to(store: BundleStore, numbered: Numbered, path: str) -> None:
    store.commit("key", numbered(1), subject="Write it")
    EDITS[path](store.path("key"))
    before = contents(store.path("key"))
    assert store.edited("key") == (path,)
    second = store.commit("key", numbered(2), subject="Mend it")
    store.recover("key")
    assert contents(store.path("key")) == before
    store.rollback("key", "HEAD~1")
    assert contents(store.path("key")) == before
    assert path in store.edited("key")
    assert store.load("key", second.id) == replace(numbered(2), revision=second)


def test_reverted_edit_lets_the_directory_be_updated_again(store: BundleStore, numbered: Numbered) -> None:
    store.commit("key", numbered(1), subject="Write it")
    file = store.path("key") / "automation.py"
    before = file.read_bytes()
    file.write_text("# mine\n")
    for number in (2, 3):
        store.commit("key", numbered(number), subject="Mend it")
    assert store.edited("key") == ("automation.py",)
    file.write_bytes(before)
    assert store.edited("key") == ()
    store.recover("key")
    assert file.read_bytes() == numbered(3).to_files()["automation.py"]
    assert user_git(store.path("key"), "status", "--porcelain") == ""


def test_restored_file_of_an_older_revision_is_an_edit(store: BundleStore, numbered: Numbered) -> None:
    store.commit("key", numbered(1), subject="Write it")
    store.commit("key", numbered(2), subject="Mend it")
    (store.path("key") / "automation.py").write_bytes(numbered(1).to_files()["automation.py"])
    assert store.edited("key") == ("automation.py",)


def test_crash_edit_and_commit_are_distinguished(
    store: BundleStore, numbered: Numbered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The working tree stops between 1 and 2, the user edits a file, 3 is committed, the edit is reverted."""
    store.commit("key", numbered(1), subject="Write it")
    automation, notes = store.path("key") / "automation.py", store.path("key") / "NOTES.md"
    before = automation.read_bytes()

    def stop_at_automation(file: Path, data: bytes, aside: Path) -> None:
        if file == automation:
            raise KeyboardInterrupt
        write_whole(file, data, aside)

    with monkeypatch.context() as patch:
        patch.setattr("engine.bundles.working_tree.write_whole", stop_at_automation)
        with pytest.raises(KeyboardInterrupt):
            store.commit("key", numbered(2), subject="Mend it")
    assert (notes.read_text(), automation.read_bytes()) == ("2\n", before)
    automation.write_text("# mine\n")
    store.commit("key", numbered(3), subject="Mend it again")
    assert store.edited("key") == ("automation.py",)
    automation.write_bytes(before)
    store.recover("key")
    assert notes.read_text() == "3\n"
    assert automation.read_bytes() == numbered(3).to_files()["automation.py"]


def test_junk_files_are_no_edit(store: BundleStore, numbered: Numbered) -> None:
    store.commit("key", numbered(1), subject="Write it")
    (store.path("key") / "__pycache__").mkdir()
    (store.path("key") / "__pycache__" / "automation.cpython-311.pyc").write_bytes(b"")
    (store.path("key") / ".automation.py.swp").write_bytes(b"")
    assert store.edited("key") == ()
    os.utime(store.path("key") / "automation.py")
    assert store.edited("key") == ()


def test_commit_by_the_user_is_no_edit(store: BundleStore, numbered: Numbered) -> None:
    store.commit("key", numbered(1), subject="Write it")
    (store.path("key") / "README.txt").write_text("mine\n")
    user_git(store.path("key"), "add", "--all")
    user_git(store.path("key"), "commit", "--quiet", "-m", "By hand")
    store.recover("key")
    assert store.edited("key") == ()
    last = store.commit("key", numbered(2), subject="Mend it")
    assert [each.subject for each in store.history("key")] == ["Mend it", "By hand", "Write it"]
    assert (store.path("key") / "README.txt").read_text() == "mine\n", "files of the user's stay"
    assert "README.txt" in user_git(store.path("key"), "ls-tree", "--name-only", last.id)


def test_adopting_commits_the_edit(store: BundleStore, numbered: Numbered) -> None:
    store.commit("key", numbered(1), subject="Write it")
    directory = store.path("key")
    (directory / "automation.py").write_text("# mine\n")
    (directory / "README.txt").write_text("mine\n")
    (directory / "bundle.json").write_text((directory / "bundle.json").read_text().replace("\n", " "))
    (directory / "resources" / "data" / "a.csv").unlink()
    seen = store.read_working_tree("key")
    assert seen.automation == "# mine\n"
    adopted = store.commit("key", replace(seen, contract={"learnt": 2}), subject="Adopt the edit", adopt=seen)
    assert store.edited("key") == ()
    assert user_git(directory, "status", "--porcelain") == ""
    assert set(user_git(directory, "ls-tree", "-r", "--name-only", adopted.id).split()) >= {"README.txt"}
    loaded = store.load("key")
    assert loaded is not None
    assert (loaded.automation, loaded.contract) == ("# mine\n", {"learnt": 2})
    assert sorted(loaded.resources) == ["data/b.csv", "data/c.csv", "data/d.csv"]


def test_edit_during_an_adoption_is_kept(store: BundleStore, numbered: Numbered) -> None:
    store.commit("key", numbered(1), subject="Write it")
    file = store.path("key") / "automation.py"
    file.write_text("# mine\n")
    seen = store.read_working_tree("key")
    file.write_text("# mine, better\n")
    store.commit("key", seen, subject="Adopt the edit", adopt=seen)
    assert file.read_text() == "# mine, better\n"
    assert store.edited("key") == ("automation.py",)


def test_link_to_the_same_content_is_an_edit(store: BundleStore, numbered: Numbered, tmp_path: Path) -> None:
    store.commit("key", numbered(1), subject="Write it")
    file = store.path("key") / "automation.py"
    (tmp_path / "mine.py").write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(tmp_path / "mine.py")
    store.commit("key", numbered(2), subject="Mend it")
    assert store.edited("key") == ("automation.py",)
    assert file.is_symlink()


def test_link_does_not_lead_writes_out_of_the_directory(store: BundleStore, numbered: Numbered, tmp_path: Path) -> None:
    store.commit("key", numbered(1), subject="Write it")
    resources = store.path("key") / "resources"
    resources.rename(tmp_path / "elsewhere")
    resources.symlink_to(tmp_path / "elsewhere")
    store.commit("key", numbered(2), subject="Mend it")
    assert (tmp_path / "elsewhere" / "data" / "a.csv").read_bytes() == b"1\n"
    with pytest.raises(BundleCorrupt, match="resources is a link"):
        store.read_working_tree("key")
