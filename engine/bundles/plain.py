"""Automations as plain files in a directory of the user's own: ``DIR/KEY/automation.py``, ``bundle.json`` and so on.

Where the directory is in a git repository, what counts are the files of the repository's HEAD, which were reviewed like
any code; else the files themselves. Nothing here writes to the repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.bundles.bundle import META, Bundle, BundleMeta, is_bundle_file
from engine.bundles.git_objects import REGULAR, GitObjects, TreeEntry, blob_id
from engine.bundles.loose_objects import LooseObjects
from engine.bundles.paths import directory_name, key_of
from engine.bundles.working_tree import scan
from engine.errors import BundleCorrupt, InvalidRequest, StoreError

RECORDING = "recording.wtrec"
"""The file beside a bundle's own in which what came from outside was recorded."""


@dataclass(frozen=True)
class _Files:
    """All files below the directory, at one moment.

    Args:
        commit: The commit that they are of; None for the files themselves.
        entries: Their entries by path.
    """

    commit: str | None
    entries: Mapping[str, TreeEntry] = field(default_factory=dict)


class PlainBundles:
    """The automations in a directory of the user's.

    Args:
        directory: The directory.
        committed: Read the files of HEAD where the directory is in a git repository; False reads the files as they
            are, as a test of them does.

    Raises:
        InvalidRequest: There is no such directory.
        BundleCorrupt: From any method, where the repository cannot be read.

    >>> PlainBundles(Path("nowhere"))
    Traceback (most recent call last):
    engine.errors.InvalidRequest: there is no directory nowhere to read automations from; make it first
    """

    def __init__(self, directory: Path, *, committed: bool = True) -> None:
        if not directory.is_dir():
            raise InvalidRequest(
                f"there is no directory {directory} to read automations from; make it first", field="bundles"
            )
        self.directory = directory.resolve()
        self._committed = committed
        self._known: _Files | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.directory}>"

    def keys(self) -> list[str]:
        """Return the keys of all automations in the directory, sorted."""
        return sorted(key for key in map(self._key, self._names()) if key is not None)

    def unusable_names(self) -> list[str]:
        """Return the names of subdirectories that hold an automation, and are the directory of no key."""
        return [name for name in self._names() if self._key(name) is None]

    def entries(self, key: str) -> dict[str, TreeEntry] | None:
        """Return the entries of the files of a key's bundle by path; None where the directory has no such bundle."""
        start = f"{directory_name(key)}/"
        inside = {p.removeprefix(start): e for p, e in self._files().entries.items() if p.startswith(start)}
        return {p: e for p, e in inside.items() if is_bundle_file(p)} if META in inside else None

    def read(self, key: str) -> dict[str, bytes] | None:
        """Return the content of the files of a key's bundle by path; None where the directory has no such bundle."""
        entries = self.entries(key)
        if entries is None:
            return None
        if self._files().commit is None:
            return {path: (self.path(key) / path).read_bytes() for path in entries}
        repository = self._repository()
        assert repository is not None, "files of a commit come from a repository"
        with GitObjects(*repository) as objects:
            return objects.files(entries)

    def load(self, key: str) -> Bundle | None:
        """Return a key's bundle, which has no revision; None where the directory has no such bundle.

        Raises:
            BundleCorrupt: A file is missing or malformed.
        """
        files = self.read(key)
        return Bundle.from_files(files, where=self.described(key)) if files is not None else None

    def edited(self, key: str) -> tuple[str, ...]:
        """Return the files of a key's bundle that differ from those of HEAD, by path; empty without a repository."""
        if not self._committed or self._repository() is None:
            return ()
        committed = self.entries(key) or {}
        found = _on_disk(self.path(key))
        return tuple(
            path
            for path in sorted({*committed, *found})
            if path not in committed or path not in found or not _same(found[path], committed[path].id)
        )

    def path(self, key: str) -> Path:
        """Return the directory of a key's bundle, existing or not."""
        return self.directory / directory_name(key)

    def described(self, key: str) -> str:
        """Return the place of a key's files in words."""
        commit = self._files().commit
        return f"{self.path(key)} at the commit {commit[:10]}" if commit is not None else str(self.path(key))

    @property
    def commit(self) -> str | None:
        """The commit whose files count; None where the files themselves do."""
        return self._files().commit

    def in_repository(self, key: str) -> str:
        """Return the path of a key's bundle from the root of its repository, or of the directory without one."""
        repository = self._repository()
        root = repository[0] if repository is not None else self.directory
        return f"{self.path(key).relative_to(root).as_posix()}/"

    # Parts

    def _names(self) -> list[str]:
        found = (path.split("/") for path in self._files().entries)
        return sorted({parts[0] for parts in found if parts[1:] == [META]})

    def _key(self, name: str) -> str | None:
        key = key_of(name)
        if key is not None or "~" not in name:
            return key
        try:  # a shortened name
            entry = {META: self._files().entries[f"{name}/{META}"]}
            repository = self._repository()
            if self._files().commit is None or repository is None:
                text = (self.directory / name / META).read_bytes()
            else:
                with GitObjects(*repository) as objects:
                    text = objects.files(entry)[META]
            key = BundleMeta.from_json(text.decode()).reuse_key
        except (OSError, ValueError):
            return None
        return key if directory_name(key) == name else None

    def _files(self) -> _Files:
        repository = self._repository() if self._committed else None
        if repository is None:
            return _Files(None, {p: TreeEntry(REGULAR, blob_id(f.read_bytes())) for p, f in self._found().items()})
        root, own = repository
        if self._known is not None and _head(own) == self._known.commit:
            return self._known
        with GitObjects(*repository) as objects:
            head = objects.revision("HEAD")
            if head is None:
                return _Files("none")  # a repository without a commit
            below = self.directory.relative_to(root).as_posix()
            found = self._known = _Files(head.id, objects.below(head, "" if below == "." else f"{below}/"))
            return found

    def _found(self) -> dict[str, Path]:
        bundles = [each.parent for each in self.directory.glob(f"*/{META}")]
        return {f"{each.name}/{path}": file for each in bundles for path, file in _on_disk(each).items()}

    def _repository(self) -> tuple[Path, Path] | None:
        """Return the root of the repository that the directory is in, and where its own files are."""
        for root in (self.directory, *self.directory.parents):
            own = root / ".git"
            if own.is_file():  # of a work tree, or of a submodule
                own = root / own.read_text("utf-8").strip().removeprefix("gitdir: ")
            if (own / "HEAD").exists():
                config = own / "config"
                if config.is_file() and "objectformat = sha256" in config.read_text("utf-8", "replace").lower():
                    raise StoreError(f"{root} is a git repository with SHA-256 ids, which cannot be read; use SHA-1")
                return root, own
        return None


def write_plain(directory: Path, key: str, bundle: Bundle, *, force: bool = False) -> Path:
    """Write a bundle as plain files into a directory, in place of the key's former files, and return where.

    Files that are no bundle's, such as a recording, stay.

    Args:
        force: Overwrite files also where they were edited and not committed.

    Raises:
        InvalidRequest: The key's files there differ, and are not committed.
        StoreError: They cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        plain, files = PlainBundles(directory), bundle.to_files()
        target = plain.path(key)
        former = _on_disk(target)
        differ = [path for path, file in former.items() if file.read_bytes() != files.get(path)]
        lost = differ if plain.commit is None else sorted({*differ} & {*plain.edited(key)})
        if lost and not force:
            raise InvalidRequest(
                f"{target} has files that differ and are committed nowhere ({', '.join(lost)}); commit them first, or"
                " overwrite them with --force (force=True)",
                field="directory",
            )
        for path in former.keys() - files.keys():
            (target / path).unlink()
        for path, data in files.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(data)
    except OSError as error:
        raise StoreError(f"cannot write {key!r} to {directory}: {error}; name another directory") from error
    return target


def _head(git_directory: Path) -> str | None:
    """Return the id of the commit at HEAD without a process of git; None where only git can tell."""
    try:
        return LooseObjects(git_directory).resolve("HEAD")
    except (OSError, ValueError):
        return None


def _on_disk(bundle: Path) -> dict[str, Path]:
    """Return the files of the bundle in a directory, by path.

    Raises:
        BundleCorrupt: One is a link.
    """
    found = {}
    for path, regular in scan(bundle) if bundle.is_dir() else ():
        if is_bundle_file(path):
            if not regular:
                raise BundleCorrupt(f"{bundle / path} is a link; a bundle holds regular files only", file=path)
            found[path] = bundle / path
    return found


def _same(file: Path, content: str) -> bool:
    """Return True where a file has the content of this id; ends of lines as Windows writes them do not count."""
    data = file.read_bytes()
    return content in (blob_id(data), blob_id(data.replace(b"\r\n", b"\n")))
