"""The socket of a workspace's pool, and the check that a command and the pool mean the same engine."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from pathlib import Path
from typing import Any

from engine.cli.pool import handover
from engine.cli.settings import Settings
from engine.errors import EngineError

SOCKET = "pool.sock"
_VARIABLES = ("ANTHROPIC_", "PLAYWRIGHT_", "WEBTASKS_")  # prefixes of the variables that the engine and its parts read
_ANSWER_SECONDS = 5.0
BEGIN = b"begin\n"  # a caller's word after the pool has taken its task: one that no longer waits has not begun


def identity(settings: Settings) -> dict[str, Any]:
    """Return what two processes must have in common to make the same engine.

    The environment is included as a digest, because it holds API keys.
    """
    variables = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith(_VARIABLES))
    return {
        "settings": settings.to_json(),
        "environment": hashlib.sha256("\0".join(variables).encode("utf-8", "surrogateescape")).hexdigest(),
        "code": handover.installation(),
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


def listen(root: Path, name: str = SOCKET) -> socket.socket:
    """Listen on a socket of the workspace, which only this user may use; the caller holds the pool's lock.

    A socket that exists already is therefore left over from a process that was killed, and is replaced.

    Raises:
        OSError: The socket cannot be created.
        EngineError: The path is too long on this system.
    """
    path, directory = handover.short_path(str(root), name)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if directory is not None and not Path("/proc/self/fd").is_dir():
            raise EngineError(f"the path of the store is too long for a socket: {root}; use a shorter --store")
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
    finally:
        if directory is not None:
            os.close(directory)
    return listening


def close(root: Path) -> None:
    """Remove the pool's sockets."""
    for name in (SOCKET, handover.COMMANDS_SOCKET):
        (root / name).unlink(missing_ok=True)


def connect(root: Path) -> socket.socket | None:
    """Connect to the workspace's pool; return None if no pool is running."""
    found = handover.connect(str(root), SOCKET, _ANSWER_SECONDS)
    if found is None:
        return None
    connection = socket.socket(fileno=found.detach())
    connection.settimeout(_ANSWER_SECONDS)  # until the pool has answered
    return connection
