"""Where a workspace's pool listens, and who may be served by it: commands that mean the same engine."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from pathlib import Path
from typing import Any

import engine
from engine.cli.settings import Settings
from engine.errors import EngineError

_SOCKET = "pool.sock"
_HEARD = ("ANTHROPIC_", "PLAYWRIGHT_", "WEBTASKS_")  # beginnings of variables that the engine and its parts read
_LONGEST = 100  # bytes of a Unix socket's path, on any system


def identity(settings: Settings) -> dict[str, Any]:
    """What two processes must have in common to make the same engine; the environment as a digest, for it has keys."""
    heard = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith(_HEARD))
    return {
        "settings": settings.to_json(),
        "environment": hashlib.sha256("\0".join(heard).encode("utf-8", "surrogateescape")).hexdigest(),
        "code": str(Path(engine.__file__).parent),
        "user": os.geteuid(),
    }


def difference(one: dict[str, Any], other: Any) -> str | None:
    """What two identities do not have in common, in a few words; None where they are the same."""
    other = json.loads(json.dumps(other)) if isinstance(other, dict) else {}
    for name, what in (("user", "user"), ("code", "installation"), ("environment", "environment variables")):
        if one[name] != other.get(name):
            return f"other {what}"
    changed = [name for name, value in one["settings"].items() if other.get("settings", {}).get(name, "") != value]
    return f"other settings: {', '.join(changed)}" if changed else None


def listen(root: Path) -> socket.socket:
    """The pool's socket, for its own user only. Its lock is held, so that one which is there is of a dead process.

    Raises:
        OSError: It cannot be made.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _Reachable(root) as directory:
            path = f"{directory}/{_SOCKET}"
            Path(path).unlink(missing_ok=True)
            before = os.umask(0o177)
            try:
                listening.bind(path)
            finally:
                os.umask(before)
        listening.listen(64)
    except BaseException:
        listening.close()
        raise
    return listening


def close(root: Path) -> None:
    """Takes the socket away."""
    (root / _SOCKET).unlink(missing_ok=True)


def connect(root: Path) -> socket.socket | None:
    """A connection to the pool; None where there is none."""
    if not (root / _SOCKET).exists():
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _Reachable(root) as directory:
            connection.connect(f"{directory}/{_SOCKET}")
    except OSError:  # left by one that was killed, or another user's
        connection.close()
        return None
    return connection


class _Reachable:
    """The directory under a name that is short enough for a socket in it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._descriptor: int | None = None

    def __enter__(self) -> str:
        if len(os.fsencode(self._root / _SOCKET)) <= _LONGEST:
            return str(self._root)
        if not Path("/proc/self/fd").is_dir():
            raise EngineError(f"the path of the store is too long for a socket: {self._root}")
        self._descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._descriptor}"

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
