"""No program in a bundle's directory runs, and the caller's git settings do not reach a bundle."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from engine.bundles import BundleStore
from tests.support.numbered import Numbered, user_git

HOOKS = ("reference-transaction", "post-index-change", "pre-commit", "commit-msg", "post-commit", "pre-auto-gc")


def booby_trap(directory: Path, trace: Path) -> None:
    """Set every option of a repository that names a program which the engine's git commands could run."""
    program = directory / ".git" / "trap"
    program.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{trace}'\nexit 1\n")
    program.chmod(0o755)
    hooks = directory / ".git" / "hooks"
    hooks.mkdir()
    for hook in HOOKS:
        (hooks / hook).symlink_to(program)
    for option in (
        "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "diff.external", "gpg.program",
        "filter.trap.clean", "filter.trap.smudge", "filter.trap.process", "diff.trap.command", "diff.trap.textconv",
        "merge.trap.driver", "credential.helper", "core.alternateRefsCommand", "remote.origin.uploadpack",
        "trailer.trap.command", "trailer.trap.cmd",
    ):  # fmt: skip
        user_git(directory, "config", option, str(program))
    for option, value in (
        ("core.hooksPath", str(hooks)),
        ("commit.gpgSign", "true"),
        ("log.showSignature", "true"),
        ("remote.origin.url", str(directory)),
        ("remote.origin.promisor", "true"),
        ("extensions.partialClone", "origin"),
        ("protocol.file.allow", "always"),
        ("core.repositoryFormatVersion", "1"),
    ):
        user_git(directory, "config", option, value)
    for file in (directory / ".gitattributes", directory / ".git" / "info" / "attributes"):
        file.write_text("* filter=trap diff=trap merge=trap\n")


def test_no_program_of_a_bundle_runs(store: BundleStore, numbered: Numbered, tmp_path: Path) -> None:
    store.commit("key", numbered(1), subject="Write it")
    trace, directory = tmp_path / "trace", store.path("key")
    booby_trap(directory, trace)
    seen = store.read_working_tree("key")
    adopted = store.commit("key", seen, subject="Adopt", adopt=seen)
    store.commit("key", numbered(2), subject="Mend it")
    store.rollback("key", "HEAD~1")
    store.pin("key", "HEAD~1")
    store.unpin("key")
    store.recover("key")
    assert store.diff("key", "HEAD~2") == ""
    assert "-    return 1" in store.diff("key", adopted.id, "HEAD~1")
    assert len(store.history("key")) == 4
    assert store.edited("key") == ()
    assert store.verify("key") == ()
    assert not trace.exists(), trace.read_text()


def test_trap_program_runs_under_plain_git(store: BundleStore, numbered: Numbered, tmp_path: Path) -> None:
    """Without this, the test above would show nothing."""
    store.commit("key", numbered(1), subject="Write it")
    booby_trap(store.path("key"), tmp_path / "trace")
    subprocess.run(["git", "add", "--all"], cwd=store.path("key"), capture_output=True, check=False)
    subprocess.run(["git", "update-ref", "refs/x", "HEAD"], cwd=store.path("key"), capture_output=True, check=False)
    assert "reference-transaction" in (tmp_path / "trace").read_text()


def test_git_variables_and_configuration_of_the_caller_are_ignored(
    store: BundleStore, numbered: Numbered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As inside a git hook of the user's project."""
    project = tmp_path / "project"
    project.mkdir()
    user_git(project, "init", "--quiet")
    config = tmp_path / "gitconfig"
    config.write_text("[commit]\n\tgpgSign = true\n[init]\n\tdefaultBranch = odd\n[user]\n\tname = Someone\n")
    template = tmp_path / "template"
    (template / "hooks").mkdir(parents=True)
    (template / "hooks" / "post-commit").write_text("")
    for name, value in {
        "GIT_DIR": project / ".git",
        "GIT_WORK_TREE": project,
        "GIT_INDEX_FILE": project / ".git" / "index",
        "GIT_OBJECT_DIRECTORY": project / ".git" / "objects",
        "GIT_COMMON_DIR": project / ".git",
        "GIT_CONFIG_GLOBAL": config,
        "GIT_CONFIG_PARAMETERS": "'core.hooksPath=/nowhere'",
        "GIT_NAMESPACE": "odd",
        "GIT_AUTHOR_NAME": "Someone",
        "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z",
        "GIT_TEMPLATE_DIR": template,
        "GIT_EXTERNAL_DIFF": "/bin/false",
        "GIT_DEFAULT_HASH": "sha256",
    }.items():
        monkeypatch.setenv(name, str(value))
    store.commit("key", numbered(1), subject="Write it")
    last = store.commit("key", numbered(2), subject="Mend it")
    assert last.author == "webtasks-engine <engine@webtasks.invalid>"
    assert store.history("key")[0] == last
    assert "+    return 2" in store.diff("key", "HEAD~1")
    assert store.edited("key") == ()
    store.pin("key")
    store.rollback("key", "HEAD~1")
    assert store.verify("key") == ()
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    assert not (store.path("key") / ".git" / "hooks").exists()
    assert last.timestamp.year > 2001
    assert user_git(store.path("key"), "status", "--porcelain", "--branch") == "## main\n"
    assert not [path for path in (project / ".git" / "objects").rglob("*") if path.is_file()]


def test_no_process_is_left_behind(store: BundleStore, numbered: Numbered) -> None:
    for number in (1, 2):
        store.commit("key", numbered(number), subject="Write it")
    store.load("key")
    store.history("key")
    store.diff("key", "HEAD~1")
    store.verify("key")
    assert [child.name() for child in psutil.Process().children() if child.name() == "git"] == []
