"""Files over HTTP: signed URLs that expire, for large results and for what a task saved."""

from __future__ import annotations

import hashlib
import hmac
import json
import mimetypes
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from filelock import FileLock

from engine.server.errors import Problem
from engine.server.keys import private_directory, write_private
from engine.task.schema import ATTACHMENT

PREFIX = "/files"
_KINDS = ("results", "files")  # the directories of a workspace that hold what a user may fetch
_MARKS = frozenset(ATTACHMENT["required"])


class Signer:
    """Signs URLs with a secret of the store, so that they hold for every server on it.

    Args:
        store: The store's directory.
    """

    def __init__(self, store: Path) -> None:
        self._store = store.expanduser().absolute()
        self._secret = _secret(private_directory(store))

    def query(self, workspace: str, path: str, expires: int) -> str:
        """The part of the URL that lets it through."""
        return f"expires={expires}&signature={self._sign(workspace, path, expires)}"

    def open(self, workspace: str, path: str, query: Mapping[str, str]) -> tuple[Path, int]:
        """The file that a URL stands for, and when the URL expires.

        Raises:
            Problem: The URL is not one of ours, it has expired, or its file was swept.
        """
        expires = query.get("expires", "")
        number = int(expires) if expires.isdecimal() and expires.isascii() and len(expires) <= 12 else 0
        signature = query.get("signature", "").encode("utf-8", "replace")
        if not hmac.compare_digest(signature, self._sign(workspace, path, number).encode()):
            raise Problem(403, "forbidden", "the file's URL was changed, or is not of this server; ask for a new one")
        root = self.root(workspace)
        file = root if "\0" in path else (root / path).resolve()
        inside = any(file.is_relative_to(root / kind) for kind in _KINDS)
        if time.time() > number or not inside or not file.is_file():
            raise Problem(410, "expired", "the file has expired; run the task again")
        return file, number

    def root(self, workspace: str) -> Path:
        """The directory of a workspace, without symbolic links."""
        return (self._store / workspace).resolve()

    def _sign(self, workspace: str, path: str, expires: int) -> str:
        message = json.dumps([workspace, path, expires]).encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()


def _secret(directory: Path) -> bytes:
    file = directory / "secret"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(directory / "secret.lock", timeout=10):
        if not file.exists():
            write_private(file, secrets.token_hex(32).encode())
        return file.read_bytes()


@dataclass(frozen=True)
class Links:
    """Makes the paths in one workspace's results URLs of this server.

    Args:
        signer: Signs them.
        base: Scheme, host and port of the server, as the caller knows it.
        workspace: The workspace's name.
        root: Its directory, resolved.
    """

    signer: Signer
    base: str
    workspace: str
    root: Path

    def url(self, file: Path, expires: int) -> str:
        """The signed URL of a file of the workspace."""
        path = file.relative_to(self.root).as_posix()
        return f"{self.base}{PREFIX}/{self.workspace}/{quote(path)}?{self.signer.query(self.workspace, path, expires)}"

    def attachments(self, value: Any, task_id: str, expires: int) -> Any:
        """The value with a URL in place of the path in every attachment.

        What only looks like one, since a page may say anything, stays as it is: its file is not among the task's.
        """
        if isinstance(value, list):
            return [self.attachments(item, task_id, expires) for item in value]
        if not isinstance(value, Mapping):
            return value
        if value.keys() >= _MARKS and (file := self._file(value["path"], task_id)) is not None:
            kept = {name: item for name, item in value.items() if name != "path"}
            return kept | {
                "url": self.url(file, expires),
                "expires_at": datetime.fromtimestamp(expires, UTC).isoformat(),
            }
        return {name: self.attachments(item, task_id, expires) for name, item in value.items()}

    def _file(self, path: object, task_id: str) -> Path | None:
        if not isinstance(path, str) or "\0" in path or len(path) > 4096:
            return None
        file = Path(path).resolve()
        return file if file.is_relative_to(self.root / "files" / task_id) else None

    def content(self, file: Path, expires: int) -> bytes | None:
        """A result's JSON with URLs for its attachments; None where it has none and the file may be sent as it is."""
        if file.name != "result.json" or not _may_have_attachments(file):
            return None
        value = self.attachments(json.loads(file.read_bytes()), file.parent.name, expires)
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


@lru_cache(maxsize=1024)
def _may_have_attachments(file: Path) -> bool:
    return b'"sha256"' in file.read_bytes()


def headers(file: Path) -> dict[str, str]:
    """What keeps a browser from running what came from a web page with the rights of this server."""
    safe = quote(file.name)
    return {
        "content-disposition": f"attachment; filename*=utf-8''{safe}",
        "content-security-policy": "sandbox; default-src 'none'",
        "cache-control": "private",
    }


def content_type(file: Path) -> str:
    """The type by the file's name."""
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"
