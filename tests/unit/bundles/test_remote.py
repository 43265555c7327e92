from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from engine.bundles.git_remote import GitRemote
from engine.bundles.remote import RemoteBundleStore, ref_of
from engine.errors import BundleCorrupt, BundleOutdated, InvalidRequest, StoreError
from tests.support.numbered import Numbered, user_git


@pytest.fixture
def hub(tmp_path: Path, git: None) -> Path:
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "hub.git")], check=True)
    return tmp_path / "hub.git"


@pytest.fixture
def here(tmp_path: Path, hub: Path) -> RemoteBundleStore:
    return RemoteBundleStore(tmp_path / "here", GitRemote(hub))


@pytest.fixture
def there(tmp_path: Path, hub: Path) -> RemoteBundleStore:
    return RemoteBundleStore(tmp_path / "there", GitRemote(f"file://{hub}"))


def test_what_one_machine_commits_another_runs(
    here: RemoteBundleStore, there: RemoteBundleStore, numbered: Numbered
) -> None:
    assert there.load_to_run("key") == (None, ())
    for number in (1, 2):
        committed = here.commit("key", numbered(number), subject=f"Write {number}")
        bundle, edited = there.load_to_run("key")
        assert bundle is not None
        assert (bundle.automation, bundle.revision, edited) == (numbered(number).automation, committed, ())
    assert [revision.subject for revision in there.history("key")] == ["Write 2", "Write 1"]
    assert user_git(there.path("key"), "status", "--porcelain") == ""


def test_each_key_has_a_branch_of_its_own(hub: Path, here: RemoteBundleStore, numbered: Numbered) -> None:
    keys = ["a", "A", "a..b", "a.b", "a.lock", "x/y", "." * 99, "." * 100, "z" * 999, "z" * 1000]
    assert len({ref_of(key) for key in keys}) == len(keys)
    awkward = "../x y..~^:?*[@{.lock"
    meta = numbered(1).meta.model_copy(update={"reuse_key": awkward})
    here.commit(awkward, replace(numbered(1), meta=meta), subject="Write it")
    assert user_git(hub, "for-each-ref", "--format=%(refname)").split() == [ref_of(awkward)]


def test_the_loser_of_two_publications_keeps_its_bundle_and_then_runs_the_winners(
    here: RemoteBundleStore, there: RemoteBundleStore, numbered: Numbered
) -> None:
    first = here.commit("key", numbered(1), subject="Write it")
    there.pull("key")
    winner = there.commit("key", numbered(2), subject="Mend it there")
    with pytest.raises(BundleOutdated):
        here.commit("key", numbered(3), subject="Mend it here")
    assert here.head("key") == first
    bundle, _ = here.load_to_run("key")
    assert bundle is not None
    assert (bundle.revision, here.history("key")) == (winner, [winner, first])


def test_the_loser_of_two_first_runs_saves_nothing(
    here: RemoteBundleStore, there: RemoteBundleStore, numbered: Numbered
) -> None:
    there.commit("key", numbered(1), subject="Write it there")
    with pytest.raises(BundleOutdated):
        here.commit("key", numbered(2), subject="Write it here")
    assert here.keys() == []


def test_a_commit_that_the_remote_took_before_its_machine_died_counts(
    here: RemoteBundleStore, numbered: Numbered, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.commit("key", numbered(1), subject="Write it")
    publish = here._share

    def die(*arguments: object) -> None:
        publish(*arguments)  # type: ignore[arg-type]  # as it is called
        raise KeyboardInterrupt

    monkeypatch.setattr(here, "_share", die)
    with pytest.raises(KeyboardInterrupt):
        here.commit("key", numbered(2), subject="Mend it")
    assert [revision.subject for revision in here.history("key")] == ["Write it"]
    monkeypatch.undo()
    here.pull("key")
    assert [revision.subject for revision in here.history("key")] == ["Mend it", "Write it"]


def test_without_the_remote_what_is_here_is_run_and_nothing_is_written(
    hub: Path, here: RemoteBundleStore, numbered: Numbered, caplog: pytest.LogCaptureFixture
) -> None:
    known = here.commit("key", numbered(1), subject="Write it")
    hub.rename(hub.with_name("away.git"))
    bundle, _ = here.load_to_run("key")
    assert bundle is not None
    assert bundle.revision == known
    assert "the last one known runs" in caplog.text
    with pytest.raises(StoreError, match=r"git ls-remote failed at .*hub\.git"):
        here.load_to_run("another")
    with pytest.raises(StoreError, match=r"git push failed at .*hub\.git"):
        here.commit("key", numbered(2), subject="Mend it")
    assert here.head("key") == known


def test_a_key_that_the_remote_lost_is_written_anew(hub: Path, here: RemoteBundleStore, numbered: Numbered) -> None:
    here.commit("key", numbered(1), subject="Write it")
    user_git(hub, "update-ref", "-d", ref_of("key"))
    assert here.load_to_run("key") == (None, ())


def test_what_is_no_bundle_of_the_key_is_not_taken_over(
    hub: Path, tmp_path: Path, here: RemoteBundleStore, there: RemoteBundleStore, numbered: Numbered
) -> None:
    here.commit("key", numbered(1), subject="Write it")
    user_git(hub, "update-ref", ref_of("other"), ref_of("key"))
    with pytest.raises(BundleCorrupt, match="holds the key 'key'"):
        there.load_to_run("other")
    foreign = tmp_path / "foreign"
    user_git(tmp_path, "init", "--quiet", str(foreign))
    (foreign / "automation.py").symlink_to("/etc/passwd")
    user_git(foreign, "add", ".")
    user_git(foreign, "commit", "--quiet", "-m", "no bundle")
    user_git(foreign, "push", "--quiet", "--force", str(hub), f"HEAD:{ref_of('key')}")
    with pytest.raises(BundleCorrupt, match="a link or a repository"):
        here.load_to_run("key")
    assert [revision.subject for revision in here.history("key")] == ["Write it"]
    assert there.keys() == []


@pytest.mark.parametrize("url", ["", "hub", "-u/x", "ext::sh -c id", "http://a b", "--upload-pack=/x"])
def test_what_is_no_address_of_a_repository_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        GitRemote(url)
    assert refused.value.details["field"] == "bundles"


def test_a_password_in_the_address_is_not_shown(tmp_path: Path, git: None) -> None:
    remote = GitRemote("http://ada:hunter2@127.0.0.1:9/hub.git")
    with pytest.raises(StoreError) as failed:
        remote.tip("refs/heads/x", tmp_path)
    assert "hunter2" not in str(failed.value)
    assert "127.0.0.1:9/hub.git" in str(failed.value)
