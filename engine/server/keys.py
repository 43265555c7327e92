"""API keys, stored as hashes with the workspace that each is for, and looked up at each call."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from engine.errors import InvalidRequest, StoreError
from engine.task import ids

_FORMAT = 1
_LOCK_SECONDS = 10.0


@dataclass(frozen=True)
class ApiKey:
    """A stored API key.

    Args:
        id: Its id in lists and logs.
        workspace: The workspace that it is for.
        name: Its owner or purpose.
        digest: SHA-256 of the key. The key has 190 random bits, so neither a salt nor a slow hash is needed.
        created_at: Time of creation, ISO 8601.
        revoked_at: Time of revocation, or None. A revoked key stays in the file: once a store has had keys, its server
            always requires one.
    """

    id: str
    workspace: str
    name: str
    digest: str
    created_at: str
    revoked_at: str | None = None


class ApiKeyStore:
    """The API keys of a store; several processes may use it.

    Args:
        store: The store's directory.

    >>> keys = ApiKeyStore(Path("my-store"))
    >>> key, text = keys.create("default", "laptop")
    >>> keys.find(text) == key, keys.find("wtk_guessed") is None
    (True, True)
    """

    def __init__(self, store: Path) -> None:
        self._directory = private_directory(store)
        self._file = self._directory / "keys.json"
        self._seen: tuple[int, int, int] | None = None
        self._keys: dict[str, ApiKey] = {}

    def create(self, workspace: str, name: str) -> tuple[ApiKey, str]:
        """Create a key; return it with its text, which is stored nowhere."""
        text = ids.new_id("wtk_") + ids.new_id("")[:11]
        key = ApiKey(
            ids.new_id("wk_")[:11], workspace, name, _digest(text), datetime.now(UTC).isoformat(timespec="seconds")
        )
        with self._update() as keys:
            keys[key.digest] = key
        return key, text

    def revoke(self, key_id: str) -> ApiKey:
        """Revoke a key.

        Raises:
            InvalidRequest: There is no such key.
        """
        with self._update() as keys:
            found = [key for key in keys.values() if key.id == key_id]
            if not found:
                raise InvalidRequest(f"there is no API key {key_id!r}; `webtasks keys list` shows them", field="id")
            at = found[0].revoked_at or datetime.now(UTC).isoformat(timespec="seconds")
            revoked = keys[found[0].digest] = replace(found[0], revoked_at=at)
        return revoked

    def all(self) -> list[ApiKey]:
        """Return every key, including revoked ones, oldest first."""
        return sorted(self._read().values(), key=lambda key: key.created_at)

    def any(self) -> bool:
        """Return True if a key was ever created: every call needs one then."""
        return bool(self._read())

    def find(self, text: str) -> ApiKey | None:
        """Return the key with this text; None if there is none or it was revoked."""
        key = self._read().get(_digest(text))
        return None if key is None or key.revoked_at is not None else key

    def _read(self) -> dict[str, ApiKey]:
        """Return the keys by digest; the file is read again only if it has changed."""
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            self._seen, self._keys = None, {}
            return self._keys
        now = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        if now != self._seen:
            try:
                data = json.loads(self._file.read_text(encoding="utf-8"))
                if data["format"] != _FORMAT:
                    raise StoreError(
                        f"{self._file} was written by another version of webtasks-engine; upgrade to use it"
                    )
                self._keys = {key["digest"]: ApiKey(**key) for key in data["keys"]}
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise StoreError(f"the API keys in {self._file} cannot be read: {error}") from error
            self._seen = now
        return self._keys

    @contextmanager
    def _update(self) -> Iterator[dict[str, ApiKey]]:
        """Yield the keys under a lock between processes; save them when the block ends without an exception."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self._directory / "keys.lock", timeout=_LOCK_SECONDS):
            keys = dict(self._read())
            yield keys
            content = {"format": _FORMAT, "keys": [asdict(key) for key in keys.values()]}
            write_private(self._file, json.dumps(content, indent=1).encode())


def private_directory(store: Path) -> Path:
    """Return the directory of the server's own files; its dot keeps it apart from all names of workspaces."""
    return store.expanduser().absolute() / ".server"


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only this user may read, atomically."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
