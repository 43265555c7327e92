"""Export and import: the whole history is kept, and a hostile or damaged file changes nothing."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.bundles import BundleStore
from engine.errors import BundleCorrupt, BundleLocked, BundleNotFound, InvalidRequest, StoreError
from tests.support.numbered import Numbered, user_git

Forge = Callable[[dict[str, bytes]], Path]


@pytest.fixture
def exported(store: BundleStore, numbered: Numbered, tmp_path: Path) -> Path:
    """Three revisions of one bundle, and a file of the user's own."""
    for number in (1, 2):
        store.commit("key", numbered(number), subject=f"Number {number}", trailers={"Cost-Usd": "0.01"})
    (store.path("key") / "mine.txt").write_text("mine")
    seen = store.read_working_tree("key")
    store.commit("key", seen, subject="Adopt", adopt=seen)
    store.pin("key", "HEAD~1")
    store.export("key", tmp_path / "key.bundle")
    return tmp_path / "key.bundle"


@pytest.fixture
def other(tmp_path: Path) -> BundleStore:
    return BundleStore(tmp_path / "other")


def test_export_and_import_keep_the_whole_history(store: BundleStore, exported: Path, other: BundleStore) -> None:
    key, revision = other.import_file(exported)
    assert (key, revision) == ("key", store.head("key"))
    assert other.history("key") == store.history("key")
    assert other.load("key") == store.load("key")
    assert other.load("key", "HEAD~2") == store.load("key", "HEAD~2")
    assert (other.path("key") / "mine.txt").read_text() == "mine"
    assert other.edited("key") == ()
    assert other.verify("key") == ()
    assert other.pinned("key") is None, "a pin is a decision of this store"
    other.rollback("key", "HEAD~2")
    assert user_git(other.path("key"), "status", "--short") == ""
    assert not list((other.root / "tmp").iterdir())


def test_plain_git_reads_an_export(exported: Path, tmp_path: Path) -> None:
    user_git(tmp_path, "clone", "--quiet", str(exported), "clone")
    assert user_git(tmp_path / "clone", "log", "--format=%s").split("\n")[:3] == ["Adopt", "Number 2", "Number 1"]
    assert (tmp_path / "clone" / "automation.py").read_text().endswith("return 2\n")


def test_import_under_another_key_adds_a_commit(store: BundleStore, exported: Path, other: BundleStore) -> None:
    name = "Ä/… " * 200  # its directory is named by a digest: the key is found in the bundle alone
    key, revision = other.import_file(exported, name)
    assert (key, other.keys()) == (name, [name])
    head = store.head("key")
    assert head is not None
    assert (revision.parent, revision.trailers["Imported-From"]) == (head.id, head.id)
    assert (other.path(name) / "mine.txt").read_text() == "mine"
    store.import_file(exported, "copy")
    assert store.keys() == ["copy", "key"]


def test_imported_start_url_is_not_trusted(
    store: BundleStore, numbered: Numbered, other: BundleStore, tmp_path: Path
) -> None:
    meta = numbered(1).meta.model_copy(update={"start_url": "http://192.168.0.1/"})
    store.commit("key", replace(numbered(1), meta=meta), subject="Write it")
    store.export("key", tmp_path / "file")
    other.import_file(tmp_path / "file")
    bundle = other.load("key")
    assert bundle is not None
    assert bundle.meta.start_url_by_model


def test_import_overwrites_nothing(store: BundleStore, exported: Path) -> None:
    before = store.history("key")
    with pytest.raises(InvalidRequest, match="something is saved under the key 'key' already"):
        store.import_file(exported)
    assert store.history("key") == before
    assert not list((store.root / "tmp").iterdir())


def test_remains_of_a_killed_import_are_removed(exported: Path, other: BundleStore) -> None:
    left = other.root / "tmp" / "~import" / ".git"
    left.mkdir(parents=True)
    (left / "HEAD").write_text("half")
    assert other.import_file(exported)[0] == "key"
    assert not left.exists()


def test_two_imports_wait_for_each_other(exported: Path, other: BundleStore) -> None:
    from engine.bundles.lock import try_lock

    lock = try_lock(other.root / "locks" / "~import.lock")
    assert lock is not None
    with lock, pytest.raises(BundleLocked):
        other.import_file(exported, timeout=0)
    assert other.keys() == []


def test_export_needs_a_bundle_and_a_writable_path(store: BundleStore, exported: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleNotFound):
        store.export("nobody", tmp_path / "nobody")
    with pytest.raises(StoreError, match="cannot write"):
        store.export("key", tmp_path / "no" / "such" / "directory")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key.bundle", "store"]


# Hostile files


@pytest.fixture
def forge(tmp_path: Path, exported: Path) -> Forge:
    """Make a file whose newest revision holds entries that git does not add."""

    def make(changes: dict[str, bytes], modes: dict[str, str] | None = None) -> Path:
        work = tmp_path / "forged"
        user_git(tmp_path, "clone", "--quiet", "--bare", str(exported), "forged")
        git = ["git", "--git-dir", str(work)]
        entries = subprocess.run([*git, "ls-tree", "HEAD"], capture_output=True, check=True).stdout
        for path, content in changes.items():
            blob = subprocess.run(
                [*git, "hash-object", "-w", "--stdin"], input=content, capture_output=True, check=True
            ).stdout.strip()
            mode = (modes or {}).get(path, "100644").encode()
            lines = [line for line in entries.splitlines() if not line.endswith(b"\t" + path.encode())]
            entries = b"\n".join([*lines, mode + b" blob " + blob + b"\t" + path.encode()]) + b"\n"
        tree = subprocess.run(
            [*git, "mktree", "--missing"], input=entries, capture_output=True, check=True
        ).stdout.decode().strip()  # fmt: skip
        commit = user_git(work, "commit-tree", tree, "-p", "HEAD", "-m", "Forged").strip()
        user_git(work, "update-ref", "HEAD", commit)
        user_git(work, "bundle", "create", "--quiet", str(tmp_path / "hostile"), "HEAD")
        return tmp_path / "hostile"

    return make


def refused(other: BundleStore, file: Path, why: str) -> None:
    with pytest.raises(BundleCorrupt, match=why):
        other.import_file(file)
    assert other.keys() == []
    assert not list((other.root / "tmp").iterdir()), "nothing of it stays"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("..", "git refuses it"),
        (".git", "git refuses it"),
        (".GIT", "git refuses it"),
        ("git~1", "git refuses it"),
        ("AUTOMATION.PY", "the same name on some file systems"),
        ("con.txt", "cannot name a resource"),
        ("a\\b", "cannot name a resource"),
        ("trailing.", "cannot name a resource"),
    ],
)
def test_unsafe_paths_are_refused(forge: Forge, other: BundleStore, path: str, why: str) -> None:
    refused(other, forge({path: b"x"}), why)


@pytest.mark.parametrize("path", ["automation.py", "link"])
def test_links_are_refused(forge: Callable[..., Path], other: BundleStore, path: str) -> None:
    refused(other, forge({path: b"/etc/passwd"}, {path: "120000"}), "regular files only")


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("bundle.json", b"{}", "bundle.json in revision"),
        ("bundle.json", b"[" * 100_000, "bundle.json in revision"),
        ("bundle.json", b'{"format_version": 99}', "newer"),
        ("contract.json", b"[]", "contract.json in revision"),
        ("automation.py", b"\xff", "automation.py in revision"),
    ],
)
def test_files_that_are_no_bundle_are_refused(
    forge: Forge, other: BundleStore, path: str, content: bytes, why: str
) -> None:
    refused(other, forge({path: content}), why)


@pytest.mark.parametrize(
    ("change", "why"),
    [({"start_url": "file:///etc/passwd"}, "http or https"), ({"output_schema": {"type": "strnig"}}, "strnig")],
)
def test_metadata_that_no_request_allows_is_refused(
    numbered: Numbered, forge: Forge, other: BundleStore, change: dict[str, object], why: str
) -> None:
    meta = numbered(1).meta.model_copy(update=change)
    refused(other, forge({"bundle.json": meta.to_json().encode()}), why)


def test_oversized_content_is_refused(forge: Forge, other: BundleStore) -> None:
    hostile = forge({"zeros.bin": bytes(65 << 20)})
    assert hostile.stat().st_size < 1 << 20
    refused(other, hostile, "more than a bundle may have")


def test_exponentially_nested_tree_is_refused(exported: Path, tmp_path: Path, other: BundleStore) -> None:
    user_git(tmp_path, "clone", "--quiet", "--bare", str(exported), "forged")
    work = tmp_path / "forged"
    below = user_git(work, "rev-parse", "HEAD:resources/data").strip()
    for _ in range(12):  # ten directories of the same content each time: 10 ** 12 files in a few hundred bytes
        lines = "".join(f"040000 tree {below}\td{n}\n" for n in range(10))
        made = subprocess.run(["git", "mktree"], cwd=work, input=lines, capture_output=True, text=True, check=True)
        below = made.stdout.strip()
    commit = user_git(work, "commit-tree", below, "-p", "HEAD", "-m", "Forged").strip()
    user_git(work, "update-ref", "HEAD", commit)
    user_git(work, "bundle", "create", "--quiet", str(tmp_path / "hostile"), "HEAD")
    refused(other, tmp_path / "hostile", "more than a bundle may")


def test_partial_history_is_refused(exported: Path, tmp_path: Path, other: BundleStore) -> None:
    user_git(tmp_path, "clone", "--quiet", "--bare", str(exported), "forged")
    user_git(tmp_path / "forged", "bundle", "create", "--quiet", str(tmp_path / "part"), "HEAD~1..HEAD")
    refused(other, tmp_path / "part", "depends on another file")


def test_hidden_objects_are_refused(exported: Path, tmp_path: Path, other: BundleStore) -> None:
    user_git(tmp_path, "clone", "--quiet", "--bare", str(exported), "forged")
    work = tmp_path / "forged"
    tree = user_git(work, "rev-parse", "HEAD^{tree}").strip()
    user_git(work, "update-ref", "refs/heads/aside", user_git(work, "commit-tree", tree, "-m", "Aside").strip())
    user_git(work, "bundle", "create", "--quiet", str(tmp_path / "hostile"), "HEAD", "refs/heads/aside")
    refused(other, tmp_path / "hostile", "belong to no revision")


@pytest.mark.parametrize("cut", [0, 5, 60, 300, -1])
def test_cut_and_foreign_files_are_refused(exported: Path, other: BundleStore, cut: int) -> None:
    exported.write_bytes(exported.read_bytes()[:cut])
    refused(other, exported, "cannot be imported")


def test_flipped_bit_is_refused_or_changes_nothing(store: BundleStore, exported: Path, other: BundleStore) -> None:
    whole = exported.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 40)):
        exported.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            other.import_file(exported)
        except BundleCorrupt:
            assert other.keys() == []
        else:  # in the name of a ref
            assert other.history("key") == store.history("key")
            other.remove("key")


def test_path_that_is_no_file_is_refused(other: BundleStore, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path / "nowhere", tmp_path, pipe):
        with pytest.raises(InvalidRequest, match="no file"):
            other.import_file(path)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert not other.root.exists()


def test_import_takes_no_configuration_and_no_hooks(exported: Path, other: BundleStore) -> None:
    other.import_file(exported)
    git = other.path("key") / ".git"
    assert not (git / "hooks").exists()
    assert user_git(other.path("key"), "for-each-ref", "--format=%(refname)").split() == ["refs/heads/main"]
    assert "remote" not in (git / "config").read_text()
