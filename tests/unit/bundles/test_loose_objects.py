"""Bundles are read without a git process; what is stored otherwise, or broken, is left to git."""

from __future__ import annotations

import subprocess
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.bundles import BundleStore
from engine.bundles.git_objects import GitObjects
from engine.errors import BundleCorrupt
from tests.support.numbered import Numbered, user_git


@pytest.fixture
def no_git(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a git process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    return monkeypatch


@pytest.fixture
def directory(store: BundleStore, numbered: Numbered) -> Path:
    store.commit("key", numbered(1), subject="Write it")
    store.commit("key", numbered(2), subject="Mend it")
    return store.path("key")


def test_run_reads_its_bundle_without_git(
    store: BundleStore, numbered: Numbered, directory: Path, no_git: pytest.MonkeyPatch
) -> None:
    bundle, edited = store.load_to_run("key")
    assert bundle is not None
    assert (replace(bundle, revision=None), edited) == (numbered(2), ())
    (directory / "NOTES.md").write_text("mine")
    assert store.load_to_run("key")[1] == store.edited("key") == ("NOTES.md",)
    parent = bundle.committed.parent
    assert parent is not None
    old = store.load("key", parent)
    assert old is not None
    with no_git.context() as with_git:
        with_git.undo()
        store.pin("key", parent)
    pinned, _ = store.load_to_run("key")
    assert pinned == old
    assert store.load_to_run("nothing") == (None, ())


def test_packed_refs_and_objects_are_read_as_before(store: BundleStore, directory: Path) -> None:
    loose, pinned = store.load_to_run("key"), store.pin("key", "HEAD~1")
    user_git(directory, "pack-refs", "--all")
    assert not (directory / ".git" / "refs" / "webtasks" / "pinned").exists()
    assert store.pinned("key") == pinned
    store.unpin("key")
    user_git(directory, "repack", "-adq")
    user_git(directory, "prune-packed")
    assert store.load_to_run("key") == loose
    assert store.pinned("key") is None


@pytest.mark.parametrize("broken", [b"", b"no zlib", zlib.compress(b"blob 3\0abcd"), zlib.compress(b"blob 3\0ab")])
def test_damaged_object_is_an_error(store: BundleStore, directory: Path, broken: bytes) -> None:
    with GitObjects(directory) as objects:
        entry = objects.tree(objects.require("HEAD"))["automation.py"]
    path = directory / ".git" / "objects" / entry.id[:2] / entry.id[2:]
    path.chmod(0o644)
    path.write_bytes(broken)
    with pytest.raises(BundleCorrupt):
        store.load_to_run("key")


@pytest.mark.parametrize("head", ["ref: ../../HEAD\n", "ref: refs/heads/../../x\n", "", "\xff"])
def test_head_that_leads_elsewhere_is_left_to_git(store: BundleStore, directory: Path, head: str) -> None:
    (directory / ".git" / "HEAD").write_text(head, "latin-1")
    with pytest.raises(BundleCorrupt):
        store.load_to_run("key")


def test_other_kinds_of_objects_and_names_are_left_to_git(directory: Path) -> None:
    user_git(directory, "tag", "-a", "-m", "x", "marked")
    tag = user_git(directory, "rev-parse", "marked").strip()
    with GitObjects(directory) as objects:
        head = objects.require("HEAD")
        assert objects.require(tag) == objects.require("marked") == objects.require("HEAD~0") == head
        assert objects.revision("0" * 40) is None
