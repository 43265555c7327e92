"""Targets on the host for attacks: files, a process, servers."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VICTIM = """
import ctypes, sys, time
needle = ctypes.create_string_buffer(b"NEEDLE")
ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1 & (2 ** 64 - 1)), 0, 0, 0)  # whoever may, may trace it
print(ctypes.addressof(needle), flush=True)
time.sleep(600)
"""


@contextlib.contextmanager
def targets(directory: Path, name: str) -> Iterator[dict[str, Any]]:
    """Make all of it, fresh, for a worker that has no jail changes it; yield the parameters of the attacks.

    Args:
        directory: An empty directory.
        name: The name of its sockets, no other's at this time.
    """
    with contextlib.ExitStack() as stack:
        yield {
            **_files(directory),
            **stack.enter_context(_victim()),
            **stack.enter_context(_servers(directory, name)),
        }


def _files(directory: Path) -> dict[str, Any]:
    bundle = directory / "bundle"
    (bundle / ".git" / "hooks").mkdir(parents=True)
    for name in ("unloved", "moved", "cut"):
        (bundle / name).write_text("content")
    secret = directory / "secret"
    secret.write_text("hunter2")
    secret.chmod(0o600)
    link = directory / "link"
    link.symlink_to("elsewhere")
    return {"secret": str(secret), "directory": str(bundle), "link": str(link)}


@contextlib.contextmanager
def _victim() -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-c", VICTIM, "victim"]
    process = subprocess.Popen(command, env={"NEEDLE": "1"}, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield {"victim": process.pid, "address": int(process.stdout.readline())}
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def _servers(directory: Path, name: str) -> Iterator[dict[str, Any]]:
    tcp, udp = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    abstract, path, datagrams = (socket.socket(socket.AF_UNIX, kind) for kind in (1, 1, 2))
    abstract.bind(f"\0{name}-{os.getpid()}")
    path.bind(str(directory / "path"))
    datagrams.bind(str(directory / "datagrams"))
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    ended = threading.Event()
    threads = [threading.Thread(target=_greet, args=(server, ended)) for server in (tcp, abstract, path)]
    threads += [threading.Thread(target=_echo, args=(udp, ended)), threading.Thread(target=_call, args=(port, ended))]
    for thread in threads:
        thread.start()
    try:
        yield {
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "abstract": f"{name}-{os.getpid()}",
            "path": str(directory / "path"),
            "datagrams": str(directory / "datagrams"),
            "free": port,
        }
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        for server in (tcp, udp, abstract, path, datagrams):
            server.close()


def _greet(server: socket.socket, ended: threading.Event) -> None:
    server.listen()
    server.settimeout(0.05)
    while not ended.is_set():
        with contextlib.suppress(TimeoutError, ConnectionError):
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HELLO")


def _echo(server: socket.socket, ended: threading.Event) -> None:
    server.settimeout(0.05)
    while not ended.is_set():
        with contextlib.suppress(TimeoutError):
            data, sender = server.recvfrom(10)
            server.sendto(data, sender)


def _call(port: int, ended: threading.Event) -> None:
    """Reach the server that a worker may open."""
    while not ended.wait(0.05):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(b"found you")
