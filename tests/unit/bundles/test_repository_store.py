from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.bundles import Bundle, BundleStore, PlainBundles, RepositoryStore, write_plain
from engine.errors import BundleCorrupt, BundleNotFound, EngineError, InvalidRequest
from tests.support.numbered import Numbered, user_git


class Place:
    """A user's git repository with automations in it, and a store beside it."""

    def __init__(self, root: Path) -> None:
        self.repository, self.directory = root / "repo", root / "repo" / "automations"
        self.directory.mkdir(parents=True)
        self.git("init", "-q")
        self.store_root = root / "store"

    def git(self, *arguments: str) -> str:
        return user_git(self.repository, *arguments)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "Change")

    def store(self) -> RepositoryStore:
        return RepositoryStore(self.store_root, PlainBundles(self.directory))

    def run(self) -> tuple[str | None, str | None, tuple[str, ...]]:
        """Load as a run does, and return what the code returns, what that of the proposal returns, and the edits."""
        store = self.store()
        with store.lock("key"):
            bundle, edited = store.load_to_run("key")
            proposal = store.proposal("key")
        return said(bundle), said(proposal), edited

    def propose(self, bundle: Bundle) -> None:
        store = self.store()
        with store.lock("key"):
            store.commit("key", bundle, subject="Mend it")


def said(bundle: Bundle | None) -> str | None:
    return bundle.automation.split()[-1] if bundle is not None else None


@pytest.fixture
def place(tmp_path: Path, git: None) -> Place:
    return Place(tmp_path)


@pytest.fixture
def committed(place: Place, numbered: Numbered) -> Place:
    """Bundle number 1, committed."""
    write_plain(place.directory, "key", numbered(1))
    place.commit()
    return place


def test_runs_use_what_is_committed_and_tell_of_edits(committed: Place) -> None:
    assert committed.run() == ("1", None, ())
    file = committed.directory / "key" / "automation.py"
    file.write_text(file.read_text().replace("1", "7"))
    (committed.directory / "key" / "recording.wtrec").write_text("no file of a bundle")
    assert committed.run() == ("1", None, ("automation.py",))
    committed.commit()
    assert committed.run() == ("7", None, ())


def test_files_that_were_never_committed_do_not_run(place: Place, numbered: Numbered) -> None:
    write_plain(place.directory, "key", numbered(1))
    with pytest.raises(BundleNotFound, match=r"automations/key is not committed.*git add"):
        place.run()
    place.commit()
    assert place.run()[0] == "1"


def test_without_a_repository_the_files_themselves_run(tmp_path: Path, git: None, numbered: Numbered) -> None:
    directory = tmp_path / "plain"
    directory.mkdir()
    store = RepositoryStore(tmp_path / "store", PlainBundles(directory))
    for number in (1, 2):
        write_plain(directory, "key", numbered(number), force=True)
        with store.lock("key"):
            bundle, edited = store.load_to_run("key")
        assert (said(bundle), edited, store.proposal("key")) == (str(number), (), None)


def test_a_repair_is_a_proposal_until_its_patch_is_committed(committed: Place, numbered: Numbered) -> None:
    before = committed.run()
    committed.propose(numbered(2))
    assert committed.git("status", "--porcelain") == "", "nothing changes in the user's directory"
    assert committed.run() == ("1", "2", ())
    store = committed.store()
    assert said(store.load("key")) == before[0] == "1"
    proposal = store.proposal("key")
    patch = store.patch("key")
    assert "--- a/automations/key/automation.py" in patch
    applied = subprocess.run(
        ["git", "apply"], cwd=committed.repository, input=patch, text=True, capture_output=True, check=False
    )
    assert applied.stderr == ""
    assert committed.run() == ("1", "2", tuple(sorted(numbered(2).to_files())))
    committed.commit()
    assert committed.run() == ("2", None, ())
    assert proposal is not None
    assert store.head("key") == proposal.revision, "what is known of the proposal's revision stays known"
    assert store.patch("key") == ""


def test_a_first_automation_comes_as_a_patch_of_new_files(place: Place, numbered: Numbered) -> None:
    (place.repository / "README").write_text("Mine\n")
    place.commit()
    assert place.run() == (None, None, ())
    place.propose(numbered(3))
    assert place.run() == ("3", "3", ())
    assert place.store().keys() == ["key"]
    subprocess.run(["git", "apply"], cwd=place.repository, input=place.store().patch("key"), text=True, check=True)
    place.commit()
    assert place.run() == ("3", None, ())


def test_a_change_by_hand_supersedes_the_proposal_and_a_part_of_it_is_kept(
    committed: Place, numbered: Numbered
) -> None:
    committed.run()
    committed.propose(numbered(2))
    committed.propose(numbered(3))
    write_plain(committed.directory, "key", numbered(2))  # the first of two repairs was taken over
    committed.commit()
    assert committed.run() == ("2", "3", ())
    write_plain(committed.directory, "key", numbered(4))
    committed.commit()
    assert committed.run() == ("4", None, ())
    subjects = [revision.subject for revision in committed.store().history("key")]
    assert subjects == ["Take over from key/", "Mend it", "Mend it", "Take over from key/"]


def test_a_key_that_was_deleted_in_the_repository_is_gone_and_may_be_written_anew(
    committed: Place, numbered: Numbered
) -> None:
    committed.run()
    committed.git("rm", "-rq", "automations/key")
    committed.git("commit", "-q", "-m", "Remove")
    committed.directory.mkdir(exist_ok=True)
    store = committed.store()
    assert committed.run() == (None, None, ())
    assert (store.keys(), store.has("key"), store.load("key")) == ([], False, None)
    committed.propose(numbered(5))
    assert committed.run() == ("5", "5", ())


def test_json_that_the_user_formatted_stays_so_in_a_patch(committed: Place, numbered: Numbered) -> None:
    meta = committed.directory / "key" / "bundle.json"
    meta.write_text(meta.read_text().replace("  ", "    "))
    committed.commit()
    committed.run()
    committed.propose(replace(numbered(1), automation=numbered(2).automation))
    patch = committed.store().patch("key")
    assert [line for line in patch.splitlines() if line.startswith("diff ")] == [
        "diff --git a/automations/key/automation.py b/automations/key/automation.py"
    ]


def test_a_broken_file_is_named_with_its_commit(committed: Place) -> None:
    (committed.directory / "key" / "contract.json").write_text("{")
    committed.commit()
    head = committed.git("rev-parse", "HEAD")[:10]
    with pytest.raises(BundleCorrupt, match=rf"contract.json in .*automations/key at the commit {head}"):
        committed.run()


def test_a_copied_directory_must_name_its_own_key(committed: Place) -> None:
    (committed.directory / "key").rename(committed.directory / "other")
    committed.commit()
    store = committed.store()
    with store.lock("other"), pytest.raises(BundleCorrupt, match="names the key 'key'; write 'other' there"):
        store.load_to_run("other")


def test_a_work_tree_and_packed_objects_are_read(committed: Place, tmp_path: Path) -> None:
    committed.git("gc", "-q")
    assert committed.run()[0] == "1"
    committed.git("worktree", "add", "-q", str(tmp_path / "other"))
    plain = PlainBundles(tmp_path / "other" / "automations")
    assert (plain.keys(), said(plain.load("key"))) == (["key"], "1")


def test_a_directory_that_stays_open_sees_each_new_commit(committed: Place, numbered: Numbered) -> None:
    plain = PlainBundles(committed.directory)
    for number in (1, 2, 3):
        write_plain(committed.directory, "key", numbered(number), force=True)
        if number > 1:
            committed.commit()
        assert (said(plain.load("key")), plain.edited("key")) == (str(number), ())


def test_names_of_directories_that_no_key_has_are_told(committed: Place) -> None:
    (committed.directory / "key").rename(committed.directory / "Key")
    committed.commit()
    plain = PlainBundles(committed.directory)
    assert (plain.keys(), plain.unusable_names()) == ([], ["Key"])


def test_edits_that_are_committed_nowhere_are_not_overwritten(committed: Place, numbered: Numbered) -> None:
    (committed.directory / "key" / "NOTES.md").write_text("mine\n")
    with pytest.raises(InvalidRequest, match=r"committed nowhere \(NOTES\.md\)"):
        write_plain(committed.directory, "key", numbered(2))
    write_plain(committed.directory, "key", numbered(2), force=True)
    assert (committed.directory / "key" / "NOTES.md").read_text() == "2\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.rollback("key", "HEAD~1"),
        lambda store: store.pin("key", "HEAD"),
        lambda store: store.read_working_tree("key"),
    ],
)
def test_what_the_users_repository_decides_is_refused(
    committed: Place, change: Callable[[BundleStore], object]
) -> None:
    committed.run()
    with pytest.raises(EngineError, match="files of your own"):
        change(committed.store())
    committed.store().pin("key")
    assert committed.store().pinned("key") is not None
