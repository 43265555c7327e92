from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from engine.bundles import BundleStore
from engine.bundles.working_tree import WorkingTree
from engine.errors import BundleCorrupt, BundleError, BundleLocked, BundleNotFound, InvalidRequest, StoreError
from tests.support.numbered import Numbered, user_git


def test_committed_bundle_is_loaded(store: BundleStore, numbered: Numbered) -> None:
    assert store.load("key") is None
    assert store.keys() == []
    first = store.commit(
        "key", numbered(1), subject="Write it", body="List\nthings", trailers={"Task-Id": "wt_1", "Reason": "explore"}
    )
    assert (first.subject, first.body, first.parent) == ("Write it", "List\nthings", None)
    assert first.trailers == {"Task-Id": "wt_1", "Reason": "explore"}
    second = store.commit("key", numbered(2), subject="Mend it")
    assert store.load("key") == replace(numbered(2), revision=second)
    assert store.load("key", "HEAD~1") == replace(numbered(1), revision=first)
    assert store.load("key", first.short) == replace(numbered(1), revision=first)
    assert store.head("key") == second
    assert store.history("key") == [second, first]
    assert store.history("key", limit=1) == [second]
    assert store.verify("key") == ()


@pytest.mark.parametrize("key", ["k", "../../etc", "A", "a", "con", "日本語" * 40, "\ud800", "x\n\0y", "~", "a" * 1000])
def test_any_string_is_a_key_inside_the_store(store: BundleStore, numbered: Numbered, key: str) -> None:
    bundle = replace(numbered(1), meta=numbered(1).meta.model_copy(update={"reuse_key": key}))
    with store.lock(key):
        store.commit(key, bundle, subject="Write it")
    assert store.keys() == [key]
    assert store.path(key).parent == store.root / "bundles"
    assert [path.parent for path in store.root.rglob(".git")] == [store.path(key)]


def test_the_directory_shows_head_to_people_and_to_git(store: BundleStore, numbered: Numbered) -> None:
    store.commit("key", numbered(1), subject="Write it")
    fewer = replace(numbered(2), resources={"new/x.csv": b"2\n"})
    store.commit("key", fewer, subject="Mend it")
    directory = store.path("key")
    assert user_git(directory, "status", "--porcelain") == ""
    assert sorted(p.name for p in directory.rglob("*.csv")) == ["x.csv"]
    assert not (directory / "resources" / "data").exists()
    assert (directory / "automation.py").read_bytes() == fewer.to_files()["automation.py"]
    assert user_git(directory, "log", "--format=%s").splitlines() == ["Mend it", "Write it"]


def test_identical_bundle_makes_no_commit(store: BundleStore, numbered: Numbered) -> None:
    first = store.commit("key", numbered(1), subject="Write it")
    assert store.commit("key", numbered(1), subject="Again") == first


def test_failed_update_of_the_working_tree_does_not_undo_a_commit(
    store: BundleStore, numbered: Numbered, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.commit("key", numbered(1), subject="Write it")
    with monkeypatch.context() as full:
        full.setattr(WorkingTree, "refresh", no_space)
        second = store.commit("key", numbered(2), subject="Mend it")
    assert store.head("key") == second
    store.recover("key")
    assert (store.path("key") / "automation.py").read_bytes() == numbered(2).to_files()["automation.py"]


def no_space(view: WorkingTree) -> bool:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_diff_shows_what_changed(store: BundleStore, numbered: Numbered) -> None:
    store.commit("key", numbered(1), subject="Write it")
    store.commit("key", replace(numbered(1), notes="seen\n"), subject="Note it")
    diff = store.diff("key", "HEAD~1")
    assert diff.startswith("diff --git a/NOTES.md b/NOTES.md\n")
    assert diff.endswith("-1\n+seen\n")
    assert store.diff("key", "HEAD", "HEAD") == ""


def test_rollback_commits_the_older_files_again(store: BundleStore, numbered: Numbered) -> None:
    first = store.commit("key", numbered(1), subject="Write it")
    second = store.commit("key", numbered(2), subject="Break it")
    back = store.rollback("key", "HEAD~1")
    assert (back.parent, back.tree) == (second.id, first.tree)
    assert back.trailers == {"Rolled-Back-To": first.id}
    assert back.subject == f"Roll back to {first.short}: Write it"
    assert store.load("key") == replace(numbered(1), revision=back)
    assert store.edited("key") == ()
    assert store.rollback("key", first.id) == back, "nothing to go back to: no commit"


def test_pin_holds_until_it_is_removed(store: BundleStore, numbered: Numbered) -> None:
    first = store.commit("key", numbered(1), subject="Write it")
    second = store.commit("key", numbered(2), subject="Mend it")
    assert store.pinned("key") is None
    assert store.pin("key") == store.pinned("key") == second
    assert store.pin("key", "HEAD~1") == store.pinned("key") == first
    active, newest = store.load_active("key"), store.load("key")
    assert active is not None
    assert newest is not None
    assert (active.revision, newest.revision) == (first, second)
    store.unpin("key")
    store.unpin("key")
    assert store.pinned("key") is None
    active = store.load_active("key")
    assert active is not None
    assert active.revision == second


def test_pinning_does_not_wait_for_a_run(store: BundleStore, numbered: Numbered) -> None:
    revision = store.commit("key", numbered(1), subject="Write it")
    with store.lock("key"):
        assert store.pin("key") == revision
        with pytest.raises(BundleLocked):
            store.rollback("key", "HEAD", timeout=0)


def test_removing_deletes_everything_but_the_lock_file(store: BundleStore, numbered: Numbered) -> None:
    store.commit("key", numbered(1), subject="Write it")
    store.commit("other", numbered(2), subject="Write it")
    store.remove("key")
    assert store.load("key") is None
    assert store.keys() == ["other"]
    assert [path.name for path in store.root.rglob("*") if path.name.startswith("key")] == ["key.lock"]
    with pytest.raises(BundleNotFound):
        store.remove("key")


@pytest.mark.parametrize(
    "revision", ["", "--output=x", "-1", "HEAD~9", "0" * 40, "HEAD\nHEAD", "HEAD:automation.py", "main..HEAD", "\ud800"]
)
def test_revision_name_is_no_option_and_no_expression(store: BundleStore, numbered: Numbered, revision: str) -> None:
    store.commit("key", numbered(1), subject="Write it")
    for call in (store.load, store.rollback, store.pin, store.diff):
        with pytest.raises(BundleNotFound) as caught:
            call("key", revision)
        assert caught.value.details["key"] == "key"


def test_nothing_saved_is_not_found(store: BundleStore) -> None:
    assert store.head("key") is store.pinned("key") is None
    assert store.edited("key") == ()
    store.recover("key")
    for call in (store.history, store.verify, store.pin, store.unpin, store.read_working_tree, store.remove):
        with pytest.raises(BundleNotFound):
            call("key")
    with pytest.raises(InvalidRequest):
        store.load("")


def test_damage_is_reported_with_its_place(store: BundleStore, numbered: Numbered) -> None:
    revision = store.commit("key", numbered(1), subject="Write it")
    assert store.verify("key") == ()
    blob = user_git(store.path("key"), "rev-parse", f"{revision.id}:automation.py").strip()
    (store.path("key") / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    assert any(blob in line for line in store.verify("key"))
    with pytest.raises(BundleCorrupt, match=blob):
        store.load("key")
    (store.path("key") / ".git" / "HEAD").write_text("nonsense\n")
    for call in (store.load, store.head, store.history, store.recover):
        with pytest.raises(BundleError, match=str(store.path("key"))):
            call("key")


def test_outer_repository_is_never_taken_for_the_bundle(tmp_path: Path, numbered: Numbered, git: None) -> None:
    user_git(tmp_path, "init", "--quiet")
    user_git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "The user's project")
    (tmp_path / ".webtasks" / "bundles" / "key").mkdir(parents=True)
    store = BundleStore(tmp_path / ".webtasks")
    with pytest.raises(BundleCorrupt):
        store.head("key")
    with pytest.raises(BundleError):
        store.commit("key", numbered(1), subject="Write it")
    assert user_git(tmp_path, "log", "--format=%s") == "The user's project\n"
    assert store.keys() == []


def test_unwritable_store_is_a_store_error(tmp_path: Path, numbered: Numbered) -> None:
    (tmp_path / "store").write_text("a file")
    store = BundleStore(tmp_path / "store")
    with pytest.raises(StoreError, match="store"):
        store.try_lock("key")
    with pytest.raises(StoreError, match="store"):
        store.commit("key", numbered(1), subject="Write it")
