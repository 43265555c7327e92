"""A reader of a bundle's git objects: those in files of their own directly, others by one `git cat-file --batch`.

Every replay uses it. GitPython's import alone costs tens of milliseconds, and a process of git a few.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from engine.bundles.loose_objects import LooseObjects
from engine.bundles.revision import Revision, parse_commit
from engine.errors import BundleCorrupt, BundleNotFound, StoreError

REGULAR = "100644"
_TREE, _FILES = "40000", (REGULAR, "100755")

# A bundle's own configuration could run a program, or make objects less durable: this one overrides it.
_CONFIG = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "core.pager": "cat",
    "core.fsync": "all",
    "core.fsyncMethod": "fsync",
    "core.logAllRefUpdates": "false",
    "commit.gpgSign": "false",
    "log.showSignature": "false",
    "i18n.commitEncoding": "utf-8",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "safe.directory": "*",
}


def git_environment(directory: Path, git_directory: Path | None = None) -> dict[str, str]:
    """Return the environment for git: the caller's, without any ``GIT_*`` but these.

    Args:
        directory: The bundle's directory; an outer repository is never taken for it.
        git_directory: The repository's own files; default ``.git`` in the directory.
    """
    ours = {
        "GIT_DIR": str(git_directory or directory / ".git"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TEMPLATE_DIR": "",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",  # nothing here ever fetches
        "GIT_CONFIG_COUNT": str(len(_CONFIG)),
        "LC_ALL": "C",
    }
    for role in ("AUTHOR", "COMMITTER"):
        ours |= {f"GIT_{role}_NAME": "webtasks-engine", f"GIT_{role}_EMAIL": "engine@webtasks.invalid"}
    for number, (name, value) in enumerate(_CONFIG.items()):
        ours |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | ours


def blob_id(data: bytes) -> str:
    """Return the id that git gives a file of this content.

    >>> blob_id(b"")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return hashlib.sha1(b"blob %d\0%b" % (len(data), data), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class TreeEntry:
    """A file in a revision: git's mode, and the id of its content."""

    mode: str
    id: str


def require_git() -> None:
    """Check that git is installed; called before a model is paid for an automation that could not be saved.

    Raises:
        StoreError: git is not installed.
    """
    if shutil.which("git") is None:
        raise StoreError("git is not installed, so no automation could be saved; install git 2.36 or newer")


class GitObjects:
    """The objects of one bundle's repository; a context manager, whose exit ends the git process.

    Args:
        directory: The repository's directory.
        git_directory: The repository's own files; default ``.git`` in the directory.

    Raises:
        BundleCorrupt: From any method, where git cannot read the repository or an object.
        StoreError: git is not installed.
    """

    def __init__(self, directory: Path, git_directory: Path | None = None) -> None:
        self.directory = directory
        self._git_directory = git_directory or directory / ".git"
        self._git: subprocess.Popen[bytes] | None = None
        self._loose = LooseObjects(self._git_directory)
        self._trees: dict[str, dict[str, TreeEntry]] = {}

    def __enter__(self) -> GitObjects:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, events: TracebackType | None
    ) -> None:
        if self._git is not None:
            with self._git as git:  # closes the pipes and waits
                git.kill()
                assert git.stdin is not None
                with suppress(BrokenPipeError):  # it may have ended before it read its last input
                    git.stdin.close()
            self._git = None

    def revision(self, name: str) -> Revision | None:
        """Return the revision of this name: an id, a ref or ``HEAD~1``; None where there is none."""
        found = self._read(f"{name}^{{commit}}")
        if found is None:
            return None
        commit_id, kind, data = found
        try:
            return parse_commit(commit_id, data)
        except (ValueError, OverflowError) as error:
            raise BundleCorrupt(f"{kind} {commit_id} in {self.directory} cannot be read: {error}") from error

    def require(self, name: str) -> Revision:
        """Return the revision of this name.

        Raises:
            BundleNotFound: No such revision, or the name fits several.
        """
        # It goes to git's standard input: it cannot be taken for an option, but a line break would be a second request.
        printable = isinstance(name, str) and name.isprintable() and not name.startswith("-")
        found = self.revision(name) if printable and name else None
        if found is None:
            raise BundleNotFound(
                f"no revision {name!r} in {self.directory}, or several that start so; see the key's history",
                revision=name,
            )
        return found

    def tree(self, revision: Revision) -> dict[str, TreeEntry]:
        """Return the entries of all files of a revision by path, subdirectories included."""
        if revision.tree not in self._trees:
            self._trees[revision.tree] = dict(self._walk(revision.tree, ""))
        return dict(self._trees[revision.tree])

    def below(self, revision: Revision, directory: str) -> dict[str, TreeEntry]:
        """Return the entries of all files below a directory of a revision, by their paths in it; none without it.

        Args:
            directory: Its path, with ``/`` at the end; empty for all files.
        """
        found = self._read(f"{revision.id}:{directory}")
        return dict(self._walk(found[0], "")) if found is not None and found[1] == "tree" else {}

    def files(self, entries: Mapping[str, TreeEntry]) -> dict[str, bytes]:
        """Return the content of these entries by path.

        Raises:
            BundleCorrupt: One is a link or a submodule.
        """
        for path, entry in entries.items():
            if entry.mode not in _FILES:
                raise BundleCorrupt(f"{path} in {self.directory} is not a regular file", file=path)
        return {path: self._require(entry.id, "blob") for path, entry in entries.items()}

    def _walk(self, tree_id: str, prefix: str) -> list[tuple[str, TreeEntry]]:
        found: list[tuple[str, TreeEntry]] = []
        data, at = self._require(tree_id, "tree"), 0
        while at < len(data):
            end = data.index(b"\0", at)
            mode, _, name = data[at:end].partition(b" ")
            at = end + 21
            path = prefix + os.fsdecode(name)
            entry = TreeEntry(mode.decode(), data[end + 1 : at].hex())
            if entry.mode == _TREE:
                found += self._walk(entry.id, f"{path}/")
            else:
                found.append((path, entry))
        return found

    def _require(self, object_id: str, kind: str) -> bytes:
        found = self._read(object_id)
        if found is None or found[1] != kind:
            raise BundleCorrupt(
                f"the {kind} {object_id} is missing in {self.directory}; roll back, or restore the directory"
            )
        return found[2]

    def _read(self, name: str) -> tuple[str, str, bytes] | None:
        """Return id, type and content; None where git knows no such object."""
        if (found := self._loose.read(name)) is not None:
            return None if found == "missing" else found
        git = self._git = self._git or self._start()
        assert git.stdin is not None and git.stdout is not None  # noqa: PT018  both are pipes
        try:
            git.stdin.write(name.encode("utf-8", "replace") + b"\n")
            git.stdin.flush()
        except BrokenPipeError:
            raise self._broken(git) from None
        header = git.stdout.readline()
        if header.endswith((b" missing\n", b" ambiguous\n")):
            return None
        try:
            object_id, kind, size = header.decode().split()
        except ValueError:
            raise self._broken(git) from None
        data = git.stdout.read(int(size) + 1)
        if len(data) != int(size) + 1:
            raise self._broken(git)
        return object_id, kind, data[:-1]

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                ["git", "cat-file", "--batch"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.directory,
                env=git_environment(self.directory, self._git_directory),
            )
        except FileNotFoundError as error:
            if not self.directory.is_dir():
                raise BundleNotFound(f"{self.directory} no longer exists") from error
            raise StoreError("git was not found; install git 2.36 or newer and see that it is on the PATH") from error

    def _broken(self, git: subprocess.Popen[bytes]) -> BundleCorrupt:
        assert git.stderr is not None
        git.kill()
        message = git.stderr.read().decode("utf-8", "replace").strip()
        return BundleCorrupt(f"git cannot read {self.directory}: {message or 'git ended without a message'}")
