"""The socket of a workspace's pool, and the check that a command and the pool mean the same engine."""

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
_VARIABLES = ("ANTHROPIC_", "PLAYWRIGHT_", "WEBTASKS_")  # prefixes of the variables that the engine and its parts read
_MAX_PATH = 100  # bytes; a Unix socket's path may be this long on any system


def identity(settings: Settings) -> dict[str, Any]:
    """Return what two processes must have in common to make the same engine.

    The environment is included as a digest, because it holds API keys.
    """
    variables = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith(_VARIABLES))
    return {
        "settings": settings.to_json(),
        "environment": hashlib.sha256("\0".join(variables).encode("utf-8", "surrogateescape")).hexdigest(),
        "code": str(Path(engine.__file__).parent),
        "user": os.geteuid(),
    }


def difference(one: dict[str, Any], other: Any) -> str | None:
    """Name the first difference between two identities, such as ``other user``; None if they are equal.

    Args:
        other: An identity as it came over the socket; any JSON value.
    """
    other = json.loads(json.dumps(other)) if isinstance(other, dict) else {}
    for name, noun in (("user", "user"), ("code", "installation"), ("environment", "environment variables")):
        if one[name] != other.get(name):
            return f"other {noun}"
    changed = [name for name, value in one["settings"].items() if other.get("settings", {}).get(name, "") != value]
    return f"other settings: {', '.join(changed)}" if changed else None


def listen(root: Path) -> socket.socket:
    """Listen on the workspace's socket, which only this user may use; the caller holds the pool's lock.

    A socket that exists already is therefore left over from a process that was killed, and is replaced.

    Raises:
        OSError: The socket cannot be created.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _ShortPath(root) as directory:
            path = f"{directory}/{_SOCKET}"
            Path(path).unlink(missing_ok=True)
            before = os.umask(0o177)
            try:
                listening.bind(path)
            finally:
                os.umask(before)
        listening.listen(64)
    except BaseException:  # Ctrl-C, too, must not leave the socket open
        listening.close()
        raise
    return listening


def close(root: Path) -> None:
    """Remove the socket."""
    (root / _SOCKET).unlink(missing_ok=True)


def connect(root: Path) -> socket.socket | None:
    """Connect to the workspace's pool; return None if no pool is running."""
    if not (root / _SOCKET).exists():
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _ShortPath(root) as directory:
            connection.connect(f"{directory}/{_SOCKET}")
    except OSError:  # left over from a pool that was killed, or another user's
        connection.close()
        return None
    return connection


class _ShortPath:
    """A context manager that gives the directory a path short enough for a socket inside it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._descriptor: int | None = None

    def __enter__(self) -> str:
        if len(os.fsencode(self._root / _SOCKET)) <= _MAX_PATH:
            return str(self._root)
        if not Path("/proc/self/fd").is_dir():
            raise EngineError(f"the path of the store is too long for a socket: {self._root}; use a shorter --store")
        self._descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._descriptor}"

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
