"""Clients of a site that work on one thing at one time."""

from __future__ import annotations

import select
import socket
import threading
from collections import defaultdict


class Overlaps:
    """The keys that clients worked on, as a site sees it.

    Attributes:
        keys: Keys that two clients worked on at once.
    """

    def __init__(self) -> None:
        self.keys: list[str] = []
        self._clients: defaultdict[str, list[socket.socket]] = defaultdict(list)
        self._lock = threading.Lock()

    def work(self, key: str, client: socket.socket, seconds: float) -> None:
        """Keep a client waiting for its answer, unless it goes; note who is there for the same key meanwhile."""
        with self._lock:
            if any(
                not _gone(other, 0) for other in self._clients[key]
            ):  # of a client that was killed nobody may know yet
                self.keys.append(key)
            self._clients[key].append(client)
        _gone(client, seconds)
        with self._lock:
            self._clients[key].remove(client)


def _gone(client: socket.socket, seconds: float) -> bool:
    """Wait for the end of a client: one that waits for its answer sends nothing else."""
    return bool(select.select([client], [], [], seconds)[0])
