"""A bundle as one file, with its history, in the format of ``git bundle``, which plain git reads.

An imported file is treated as hostile. Nothing of it is used before it is checked: its size, the number and unpacked
sizes of its objects, every path of every revision, and each revision's being a bundle. No configuration, no hooks and
no refs come with it, and git works on it with limits on time, memory and output.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from engine.bundles.git_objects import TreeEntry, git_environment
from engine.bundles.paths import check_resource_names
from engine.errors import BundleCorrupt, InvalidRequest, StoreError
from engine.task.text import collapse

_FIRST_LINE = b"# v2 git bundle\n"
_TIP = re.compile(rb"([0-9a-f]{40}) (\S+)")
_REGULAR = ("100644", "100755")

_FILE_BYTES = 32 << 20
_HEADER_BYTES = 16 << 10
_OBJECTS = 20_000
_REVISIONS = 2_000  # with different files
_REVISION_BYTES = 64 << 20  # all files of one revision, unpacked
_REVISION_FILES = 2_000
_OUTPUT_BYTES = 8 << 20
_CPU_SECONDS = 60
_MEMORY_BYTES = 2 << 30


def pack(directory: Path, refs: list[str], target: BinaryIO) -> None:
    """Write the history of these refs into a file.

    Args:
        directory: The bundle's directory.
        refs: HEAD, and branches beside it.

    Raises:
        BundleCorrupt: git cannot read it.
    """
    with tempfile.TemporaryFile() as errors:
        arguments = ["bundle", "create", "--quiet", "--version=2", "-", *refs]
        with _start(directory, arguments, stdout=target, stderr=errors) as git:
            pass
        if git.returncode != 0:
            raise BundleCorrupt(f"git cannot pack {directory}: {_stderr(errors)}")


def unpack(source: BinaryIO, directory: Path) -> list[str]:
    """Unpack a file into an empty repository, and return the ids of its revisions, newest first.

    Of revisions with the same files, only the newest is returned.

    Args:
        source: The file, unbuffered and at its beginning.
        directory: The repository's directory.

    Raises:
        BundleCorrupt: The file is no bundle, or one that the engine could not have written.
    """
    if os.fstat(source.fileno()).st_size > _FILE_BYTES:
        raise _refused(f"it is larger than {_FILE_BYTES >> 20} MiB")
    tip = _read_header(source)
    arguments = ["index-pack", "--stdin", "--strict", "--threads=1", f"--max-input-size={_FILE_BYTES}"]
    _run(directory, arguments, stdin=source)
    sizes = _sizes(directory)
    if sizes.get(tip, ("", 0))[0] != "commit":
        raise _refused("its newest revision is not in it")
    reachable = {line.split(" ", 1)[0] for line in _lines(directory, ["rev-list", "--objects", tip])}
    if reachable != sizes.keys():
        raise _refused("it holds objects that belong to no revision")
    found: dict[str, str] = {}
    for line in _lines(directory, ["log", "--format=%T %H", tip]):
        tree, commit = line.split()
        found.setdefault(tree, commit)
    if len(found) > _REVISIONS:
        raise _refused(f"it has more than {_REVISIONS} revisions")
    for commit in found.values():
        _check_files(directory, commit, sizes)
    return list(found.values())


def _read_header(source: BinaryIO) -> str:
    """Return the id of the newest revision, and leave the file where the objects begin."""
    begin = source.read(_HEADER_BYTES)
    header, end, rest = begin.partition(b"\n\n")
    if not begin.startswith(_FIRST_LINE) or not end:
        raise _refused("it was not written by `webtasks bundles export` or `git bundle create`")
    tips: dict[bytes, bytes] = {}
    for line in header.split(b"\n")[1:]:
        found = _TIP.fullmatch(line)
        if found is None:
            what = "it depends on another file" if line.startswith(b"-") else f"its header has the line {line[:80]!r}"
            raise _refused(f"{what}; a whole history is needed")
        tips[found[2]] = found[1]
    tip = tips.get(b"HEAD") or (next(iter(tips.values())) if len(tips) == 1 else None)
    if tip is None:
        raise _refused("its header does not name the newest revision")
    if rest[:4] != b"PACK" or int.from_bytes(rest[8:12], "big") > _OBJECTS:
        raise _refused(f"it holds no objects, or more than {_OBJECTS}")
    source.seek(len(header) + len(end))
    return tip.decode()


def _sizes(directory: Path) -> dict[str, tuple[str, int]]:
    """Return kind and unpacked size of every object by id."""
    sizes = {}
    for line in _lines(directory, ["cat-file", "--batch-all-objects", "--batch-check"]):
        object_id, kind, size = line.split()
        sizes[object_id] = (kind, int(size))
    return sizes


def check_revision(directory: Path, commit: str) -> None:
    """Check the paths and sizes of the files of one revision that another machine wrote.

    Raises:
        BundleCorrupt: The engine could not have written it.
    """
    _check_files(directory, commit, _sizes(directory))


def _check_files(directory: Path, commit: str, sizes: dict[str, tuple[str, int]]) -> None:
    entries: dict[str, TreeEntry] = {}
    listed = _run(directory, ["ls-tree", "-r", "-z", "--full-tree", commit])
    for line in filter(None, listed.split(b"\0")):
        facts, _, path = line.partition(b"\t")
        mode, _, object_id = facts.decode().split()
        entries[os.fsdecode(path)] = TreeEntry(mode, object_id)
    where = f"revision {commit[:10]}"
    if irregular := [path for path, entry in entries.items() if entry.mode not in _REGULAR]:
        raise _refused(f"{irregular[0]!r} in {where} is a link or a repository; a bundle holds regular files only")
    total = sum(sizes[entry.id][1] for entry in entries.values())
    if len(entries) > _REVISION_FILES or total > _REVISION_BYTES:
        raise _refused(f"{where} has {len(entries)} files of {total} bytes, which is more than a bundle may have")
    try:
        check_resource_names(entries)
    except InvalidRequest as error:
        raise _refused(f"in {where}, {error.message}") from error


def _lines(directory: Path, arguments: list[str]) -> Iterator[str]:
    yield from _run(directory, arguments).decode("utf-8", "replace").splitlines()


def _run(directory: Path, arguments: list[str], stdin: BinaryIO | int = subprocess.DEVNULL) -> bytes:
    """Run git within limits, and return its output."""
    with tempfile.TemporaryFile() as errors:
        with _start(directory, arguments, stdin=stdin, stdout=subprocess.PIPE, stderr=errors) as git:
            for limit, most in ((resource.RLIMIT_CPU, _CPU_SECONDS), (resource.RLIMIT_AS, _MEMORY_BYTES)):
                with suppress(ProcessLookupError):  # it has ended
                    resource.prlimit(git.pid, limit, (most, most))
            assert git.stdout is not None, "stdout is a pipe"
            output = git.stdout.read(_OUTPUT_BYTES + 1)
            if len(output) > _OUTPUT_BYTES:
                git.kill()
                raise _refused("it holds more than a bundle may")
        if git.returncode != 0:
            raise _refused(f"git refuses it: {_stderr(errors) or f'git {arguments[0]} ended with {git.returncode}'}")
    return output


def _start(
    directory: Path,
    arguments: list[str],
    *,
    stdin: BinaryIO | int = subprocess.DEVNULL,
    stdout: BinaryIO | int,
    stderr: BinaryIO,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ["git", *arguments],
            cwd=directory,
            env=git_environment(directory),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )
    except FileNotFoundError as error:
        raise StoreError("git was not found; install git 2.36 or newer and see that it is on the PATH") from error


def _stderr(errors: BinaryIO) -> str:
    errors.seek(0)
    return collapse(errors.read(2_000).decode("utf-8", "replace"))


def _refused(reason: str) -> BundleCorrupt:
    return BundleCorrupt(f"this file cannot be imported: {reason}")
