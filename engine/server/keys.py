"""API keys: made by a command, kept as hashes with the workspace they open, looked up at each call."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from engine.errors import InvalidRequest, StoreError
from engine.task import ids

_FORMAT = 1
_LOCK_SECONDS = 10.0


@dataclass(frozen=True)
class Key:
    """An API key as it is kept.

    Args:
        id: Names it in lists and logs.
        workspace: What it opens.
        name: Who or what it is for.
        digest: SHA-256 of the key. It holds 190 random bits, so that no salt and no slow hash is needed.
        created_at: When, ISO 8601.
        revoked_at: When it was taken back, or None. It stays in the file: a store that once had keys is never open.
    """

    id: str
    workspace: str
    name: str
    digest: str
    created_at: str
    revoked_at: str | None = None


class Keys:
    """The keys of a store; safe for several processes.

    Args:
        store: The store's directory.

    >>> keys = Keys(Path("my-store"))
    >>> key, text = keys.create("default", "laptop")
    >>> keys.find(text) == key, keys.find("wtk_guessed") is None
    (True, True)
    """

    def __init__(self, store: Path) -> None:
        self._directory = private_directory(store)
        self._file = self._directory / "keys.json"
        self._seen: tuple[int, int, int] | None = None
        self._keys: dict[str, Key] = {}

    def create(self, workspace: str, name: str) -> tuple[Key, str]:
        """Makes a key; its text is nowhere kept and never shown again."""
        text = ids.new_id("wtk_") + ids.new_id("")[:11]
        key = Key(
            ids.new_id("wk_")[:11], workspace, name, _digest(text), datetime.now(UTC).isoformat(timespec="seconds")
        )
        with self._writing() as keys:
            keys[key.digest] = key
        return key, text

    def revoke(self, key_id: str) -> Key:
        """Takes a key back.

        Raises:
            InvalidRequest: There is no such key.
        """
        with self._writing() as keys:
            found = [key for key in keys.values() if key.id == key_id]
            if not found:
                raise InvalidRequest(f"there is no key {key_id!r}; `webtasks keys list` shows them", field="id")
            at = found[0].revoked_at or datetime.now(UTC).isoformat(timespec="seconds")
            revoked = keys[found[0].digest] = replace(found[0], revoked_at=at)
        return revoked

    def all(self) -> list[Key]:
        """Every key, oldest first, those taken back among them."""
        return sorted(self._read().values(), key=lambda key: key.created_at)

    def any(self) -> bool:
        """Whether a key was ever made: then every call needs one."""
        return bool(self._read())

    def find(self, text: str) -> Key | None:
        """The key with this text, unless it was taken back."""
        key = self._read().get(_digest(text))
        return None if key is None or key.revoked_at is not None else key

    def _read(self) -> dict[str, Key]:
        """What the file says; read again only when it has changed."""
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
                    raise StoreError(f"{self._file} was made by another version of webtasks-engine; upgrade to use it")
                self._keys = {key["digest"]: Key(**key) for key in data["keys"]}
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise StoreError(f"the keys {self._file} cannot be read: {error}") from error
            self._seen = now
        return self._keys

    def _writing(self) -> _Writing:
        return _Writing(self)


class _Writing:
    """The keys, to be changed: alone among processes, and written whole or not at all."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._lock = FileLock(keys._directory / "keys.lock", timeout=_LOCK_SECONDS)

    def __enter__(self) -> dict[str, Key]:
        self._keys._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock.acquire()
        self._changed = dict(self._keys._read())
        return self._changed

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                content = {"format": _FORMAT, "keys": [asdict(key) for key in self._changed.values()]}
                write_private(self._keys._file, json.dumps(content, indent=1).encode())
        finally:
            self._lock.release()


def private_directory(store: Path) -> Path:
    """Where the server keeps its own things: no workspace can have a name with a dot."""
    return store.expanduser().absolute() / ".server"


def write_private(path: Path, data: bytes) -> None:
    """Writes a file that nobody else may read, whole or not at all."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
