"""Git objects and refs in files of their own, read without a git process: so does the engine write them.

Whatever is stored otherwise, as in packs, is left to git. Of a damaged object git gives parts, or waits for ever.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from pathlib import Path
from typing import Literal

from engine.errors import BundleCorrupt

Object = tuple[str, str, bytes]
"""Id, type and content."""

_OTHER_STORES = ("reftable", "commondir", "shallow")
_ID = re.compile(r"[0-9a-f]{40}")
_REF = re.compile(r"refs/[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*")
_COMMIT = "^{commit}"
_LARGEST = 64 << 20  # bytes


class LooseObjects:
    """Loose objects and refs of one repository.

    Args:
        git_directory: Its ``.git``.
    """

    def __init__(self, git_directory: Path) -> None:
        self._root = git_directory

    def read(self, name: str) -> Object | Literal["missing"] | None:
        """Return the object that git reads for a name; None where only git can tell.

        Args:
            name: An id, or an id or a ref with ``^{commit}`` behind it.

        Raises:
            BundleCorrupt: The object is damaged.
        """
        try:
            return self._read(name)
        except BundleCorrupt:
            raise
        except (OSError, ValueError):  # also what is no UTF-8
            return None

    def _read(self, name: str) -> Object | Literal["missing"] | None:
        wanted = name.removesuffix(_COMMIT)
        if not _ID.fullmatch(wanted):
            found = self.resolve(wanted)
            if found is None:
                return None
            if found == "missing":
                return "missing"
            wanted = found
        read = self._object(wanted)
        return read if read is not None and (read[1] == "commit" or not name.endswith(_COMMIT)) else None

    def resolve(self, ref: str) -> str | None:
        """Return the id that a ref, or HEAD, stands for, or ``missing``; None where only git can tell.

        Raises:
            OSError, ValueError: A file of it cannot be read.
        """
        if any((self._root / other).exists() for other in _OTHER_STORES):
            return None
        if ref == "HEAD":
            ref = (self._root / "HEAD").read_text("ascii").strip().removeprefix("ref: ")
            if _ID.fullmatch(ref):
                return ref
        if not _REF.fullmatch(ref):
            return None
        try:
            text = (self._root / ref).read_text("ascii").strip()
        except FileNotFoundError:
            return self._packed(ref)
        return text if _ID.fullmatch(text) else None

    def _packed(self, ref: str) -> str:
        try:
            lines = (self._root / "packed-refs").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return "missing"
        return next((line[:40] for line in lines if line[41:] == ref and _ID.fullmatch(line[:40])), "missing")

    def _object(self, object_id: str) -> Object | None:
        try:
            packed = (self._root / "objects" / object_id[:2] / object_id[2:]).read_bytes()
        except FileNotFoundError:
            return None
        unpack = zlib.decompressobj()
        try:
            data = unpack.decompress(packed, _LARGEST)
        except zlib.error:
            data = b""
        header, _, content = data.partition(b"\0")
        kind, _, size = header.partition(b" ")
        if size.isdigit() and int(size) > _LARGEST - len(header) - 1:
            return None
        if hashlib.sha1(data, usedforsecurity=False).hexdigest() != object_id or size != str(len(content)).encode():
            raise BundleCorrupt(
                f"the object {object_id} in {self._root.parent} is damaged; roll back, or restore the directory"
            )
        return object_id, kind.decode("ascii"), content
