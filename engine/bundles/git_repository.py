"""The repository of a bundle: commits, refs, history, diffs, checks.

This is the only module that imports GitPython; the store imports it where a method needs it. Replays read by
``git_objects``.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import git
from gitdb import IStream  # type: ignore[import-untyped]  # it ships no types

from engine.bundles.git_objects import REGULAR, TreeEntry, git_environment
from engine.bundles.revision import Revision, parse_commit
from engine.errors import BundleCorrupt, StoreError

_NOTHING = "0" * 40  # git's name for "this ref must not exist yet"
_NO_FILES = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # the tree without entries, which git always knows
_IGNORED = "__pycache__/\n*.pyc\n"
_DIFF = ("-p", "--root", "--no-ext-diff", "--no-textconv", "--no-color")


class _Git(git.Git):
    """The git command in our environment only; GitPython would add the caller's ``GIT_*``."""

    def execute(self, command: Any, *args: Any, **options: Any) -> Any:
        assert self._working_dir is not None
        env = git_environment(Path(self._working_dir)) | (options.pop("env", None) or {})
        foreign = [name for name in os.environ if name.startswith("GIT_") and name not in env]
        if foreign:
            command = ["env", *(f"--unset={name}" for name in foreign), *command]
        return super().execute(command, *args, env=env, **options)


class _Repo(git.Repo):
    GitCommandWrapperType = _Git


class GitRepository:
    """A bundle's repository; a context manager, whose exit leaves no process behind."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __enter__(self) -> GitRepository:
        with translated(self.directory):
            self._repo = _Repo(self.directory, expand_vars=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, events: TracebackType | None
    ) -> None:
        self._repo.close()

    @staticmethod
    def create(directory: Path) -> None:
        """Create an empty repository in a new directory: no hooks, nothing of the user's configuration."""
        directory.mkdir(parents=True)
        with translated(directory):
            # Repo.init would open the path with variables expanded: "%4d" to "%4d%" looks like one.
            _Git(directory).init(initial_branch="main", object_format="sha1")
        exclude = directory / ".git" / "info" / "exclude"
        exclude.parent.mkdir(exist_ok=True)
        exclude.write_text(_IGNORED)

    def write_files(self, files: Mapping[str, bytes], kept: Mapping[str, TreeEntry]) -> str:
        """Store these files, synced to disk, beside entries that are stored already, and return the tree's id."""
        with translated(self.directory):
            entries = dict(kept) | {path: TreeEntry(REGULAR, self._write_blob(data)) for path, data in files.items()}
        lines = b"".join(f"{e.mode} {e.id}\t".encode() + os.fsencode(path) + b"\0" for path, e in entries.items())
        index = self.directory / ".git" / "webtasks-index"
        index.unlink(missing_ok=True)
        own_index = {"GIT_INDEX_FILE": str(index)}
        with translated(self.directory), self._stdin(lines) as stdin:
            self._repo.git.update_index("-z", "--index-info", istream=stdin, env=own_index)
            tree = self._repo.git.write_tree(env=own_index)
        index.unlink(missing_ok=True)
        return str(tree)

    def write_commit(self, tree: str, parent: str | None, message: str) -> str:
        """Store a commit that no ref names yet, and return its id."""
        parents = ["-p", parent] if parent is not None else []
        with translated(self.directory), self._stdin(message.encode()) as stdin:
            return str(self._repo.git.commit_tree(tree, *parents, "-F", "-", istream=stdin))

    def set_ref(self, ref: str, new: str, old: str | None = None, *, create: bool = False) -> None:
        """Set a ref in one atomic step that is synced to disk.

        Args:
            ref: Its full name, or HEAD for the branch that HEAD names.
            new: Id of a commit.
            old: Id that the ref must have now; None does not check.
            create: True where the ref must not exist now.
        """
        expected = [_NOTHING] if create else [old] if old is not None else []
        with translated(self.directory):
            self._repo.git.update_ref(ref, new, *expected)

    def delete_ref(self, ref: str) -> None:
        """Delete a ref, if it exists."""
        with translated(self.directory):
            self._repo.git.update_ref("-d", ref)

    def rebuild_index(self, commit: str) -> None:
        """Make `git status` compare with this commit, without taking git's own index.lock."""
        git_directory = self.directory / ".git"
        fresh = git_directory / "webtasks-index"
        fresh.unlink(missing_ok=True)
        with translated(self.directory):
            self._repo.git.read_tree(commit, env={"GIT_INDEX_FILE": str(fresh)})
        fresh.replace(git_directory / "index")

    def history(self, commit: str, limit: int | None) -> list[Revision]:
        """Return this commit and those before it, newest first."""
        with translated(self.directory):
            found = self._repo.iter_commits(commit, max_count=-1 if limit is None else limit)
            return [parse_commit(each.hexsha, each.data_stream.read()) for each in found]

    def diff(self, old: str | None, new: str, *, below: str = "", binary: bool = False) -> str:
        """Return the unified diff of two commits.

        Args:
            old: The earlier one; None compares with no files.
            below: The directory that the paths in the diff begin with, with ``/`` at the end.
            binary: Write changes of files that are no text so that they can be applied, too.
        """
        prefixes = [f"--src-prefix=a/{below}", f"--dst-prefix=b/{below}"]
        more = ["--binary", "--full-index"] if binary else []
        with translated(self.directory):
            return str(
                self._repo.git.diff_tree(*_DIFF, *prefixes, *more, old or _NO_FILES, new, strip_newline_in_stdout=False)
            )

    def check(self) -> tuple[str, ...]:
        """Return the faults that `git fsck` finds: none in a sound repository."""
        with translated(self.directory):
            status, out, error = self._repo.git.fsck(
                "--full", "--strict", "--no-dangling", "--no-progress", with_extended_output=True, with_exceptions=False
            )
        lines = tuple(line for line in f"{out}\n{error}".splitlines() if line.strip())
        return lines or (() if status == 0 else (f"git fsck ended with status {status}",))

    def _write_blob(self, data: bytes) -> str:
        return str(self._repo.odb.store(IStream(b"blob", len(data), io.BytesIO(data))).hexsha.decode())

    @contextmanager
    def _stdin(self, data: bytes) -> Iterator[Any]:
        with tempfile.TemporaryFile(dir=self.directory / ".git") as file:
            file.write(data)
            file.seek(0)
            yield file


@contextmanager
def translated(directory: Path) -> Iterator[None]:
    """Translate GitPython's errors into the engine's."""
    try:
        yield
    except git.GitCommandNotFound as error:
        raise StoreError("git was not found; install git 2.36 or newer and see that it is on the PATH") from error
    except git.CommandError as error:
        message = str(error.stderr).strip() or str(error.stdout).strip()
        raise BundleCorrupt(f"git failed in {directory}: {message}", status=error.status) from error
    except (git.GitError, git.ODBError, ValueError) as error:
        raise BundleCorrupt(f"{directory} holds no usable git repository: {error}") from error
