"""Files over HTTP: signed URLs that expire, for large results and for files that a task saved."""

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

from engine.server.errors import ApiError
from engine.server.keys import private_directory, write_private
from engine.task.attachments import is_attachment

PREFIX = "/files"
_SERVED = ("results", "files")  # the directories of a workspace whose files a user may fetch


class UrlSigner:
    """Signs the URLs of files with a secret of the store, so that they are valid for every server on it.

    Args:
        store: The store's directory.
    """

    def __init__(self, store: Path) -> None:
        self._store = store.expanduser().absolute()
        self._secret = _secret(private_directory(store))

    def query(self, workspace: str, path: str, expires: int) -> str:
        """Return the query of a file's URL: its expiry, in seconds since the epoch, and the signature."""
        return f"expires={expires}&signature={self._sign(workspace, path, expires)}"

    def open(self, workspace: str, path: str, query: Mapping[str, str]) -> tuple[Path, int]:
        """Check a URL; return its file and its expiry.

        Args:
            path: The file's path in the workspace.

        Raises:
            ApiError: The signature is wrong, the URL has expired, or its file was deleted.
        """
        expires = query.get("expires", "")
        number = int(expires) if expires.isdecimal() and expires.isascii() and len(expires) <= 12 else 0
        signature = query.get("signature", "").encode("utf-8", "replace")
        if not hmac.compare_digest(signature, self._sign(workspace, path, number).encode()):
            raise ApiError(
                403, "forbidden", "the signature of the file's URL is not valid on this server; fetch the task again"
            )
        root = self.root(workspace)
        file = root if "\0" in path else (root / path).resolve()
        inside = any(file.is_relative_to(root / name) for name in _SERVED)
        if time.time() > number or not inside or not file.is_file():
            raise ApiError(410, "expired", "the file has expired; run the task again")
        return file, number

    def root(self, workspace: str) -> Path:
        """Return the directory of a workspace, with symbolic links resolved."""
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
class FileLinks:
    """Replaces the file paths in a workspace's results by URLs of this server.

    Args:
        signer: Signs the URLs.
        base: Scheme, host and port of the server, as the caller sees it.
        workspace: The workspace's name.
        root: The workspace's directory, resolved.
    """

    signer: UrlSigner
    base: str
    workspace: str
    root: Path

    def url(self, file: Path, expires: int) -> str:
        """Return the signed URL of a file of the workspace."""
        path = file.relative_to(self.root).as_posix()
        return f"{self.base}{PREFIX}/{self.workspace}/{quote(path)}?{self.signer.query(self.workspace, path, expires)}"

    def attachments(self, value: Any, task_id: str, expires: int) -> Any:
        """Return the value with a URL in place of the path in every attachment, and of a path that stands alone.

        An object with an attachment's fields, but a path outside the task's files, came from a page and is unchanged.
        """
        if isinstance(value, str):
            file = self._file(value, task_id) if f"/files/{task_id}/" in value else None
            return value if file is None or not file.is_file() else self.url(file, expires)
        if isinstance(value, list):
            return [self.attachments(item, task_id, expires) for item in value]
        if not isinstance(value, Mapping):
            return value
        if is_attachment(value) and (file := self._file(value["path"], task_id)) is not None:
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
        """Return a result's JSON with URLs for its attachments; None if the file may be sent as it is."""
        if file.name != "result.json" or not _may_have_attachments(file):
            return None
        value = self.attachments(json.loads(file.read_bytes()), file.parent.name, expires)
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


@lru_cache(maxsize=1024)
def _may_have_attachments(file: Path) -> bool:
    data = file.read_bytes()
    return b'"sha256"' in data or b"/files/" in data


def headers(file: Path) -> dict[str, str]:
    """Return response headers that keep a browser from running a file from a web page on this server's origin."""
    safe = quote(file.name)
    return {
        "content-disposition": f"attachment; filename*=utf-8''{safe}",
        "content-security-policy": "sandbox; default-src 'none'",
        "cache-control": "private",
    }


def content_type(file: Path) -> str:
    """Guess the content type from the file's name."""
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"
