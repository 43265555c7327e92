"""The parent of a worker in the Landlock jail, outside of it: it connects for the worker, counts its tasks, ends it.

Connections and new tasks of the worker wait in the kernel for an answer of this process. It answers a connection by
replacing the worker's socket with a connection to the proxy; the address that the worker named is not even read.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import time
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

from sandbox.isolation import seccomp
from sandbox.isolation.scratch import remove
from sandbox.isolation.usage import descendants, process_stat

_RECEIVE, _ANSWER, _PUT_DESCRIPTOR = 0xC0502100, 0xC0182101, 0x40182103
_NOTIFICATION_SIZE = 80
_CONTINUE, _REPLACE = 1, 1
_PARENT_OF_ORPHANS = 36
_CONNECT = (42, 203)
_CONNECT_SECONDS = 5.0
_END_SECONDS = 5.0
_NONBLOCKING = os.O_NONBLOCK


class _EndRequested(Exception):
    """A request of the host to end."""


def supervise(
    control: socket.socket, host: int, worker: int, handed: socket.socket, port: int, tasks: int, directory: str
) -> NoReturn:
    """Serve the worker until it or the host ends; then end its descendants, remove its files, and exit."""
    import ctypes

    signal.signal(signal.SIGTERM, _stop)
    ctypes.CDLL(None).prctl(_PARENT_OF_ORPHANS, 1, 0, 0, 0)
    code = 0
    try:
        _serve(control, host, worker, handed, port, tasks)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # inside try: the cleanup must not be interrupted
    except _EndRequested:
        pass
    except BaseException:  # noqa: BLE001  reported, and the cleanup is needed all the more
        import traceback

        code = 1
        traceback.print_exc()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if not code and (ended := os.waitid(os.P_PID, worker, os.WEXITED | os.WNOHANG | os.WNOWAIT)):
            code = ended.si_status
        end_descendants()
        remove(directory)
        os._exit(code)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not interrupt the cleanup
    raise _EndRequested


def _serve(control: socket.socket, host: int, worker: int, handed: socket.socket, port: int, tasks: int) -> None:
    alive = os.pidfd_open(worker)
    poll = select.poll()
    poll.register(control, select.POLLRDHUP)
    poll.register(host, select.POLLIN)
    poll.register(alive, select.POLLIN)
    poll.register(handed, select.POLLIN)
    listener = -1
    counter = _Counter(tasks)
    while True:
        ready = dict(poll.poll())
        _reap(worker)
        if ready.keys() & {control.fileno(), host, alive}:
            return
        if handed.fileno() in ready:
            _, descriptors, _, _ = socket.recv_fds(handed, 1, 1)
            if not descriptors:
                return
            poll.unregister(handed)
            handed.close()
            listener = descriptors[0]
            poll.register(listener, select.POLLIN)
        elif listener in ready:
            _answer(listener, port, counter)


def _answer(listener: int, port: int, counter: _Counter) -> None:
    notification = bytearray(_NOTIFICATION_SIZE)
    try:
        fcntl.ioctl(listener, _RECEIVE, notification)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EINTR):  # the task that waited is gone
            return
        raise
    number, pid, _, call = struct.unpack_from("<QIIi", notification)
    if call == _CONNECT[seccomp.column()]:
        (descriptor,) = struct.unpack_from("<i", notification, 32)
        failure, flags = _connect(listener, number, pid, descriptor, port), 0
    elif counter.admit():
        failure, flags = 0, _CONTINUE
    else:
        failure, flags = errno.EAGAIN, 0
    with contextlib.suppress(FileNotFoundError):
        fcntl.ioctl(listener, _ANSWER, struct.pack("<QqiI", number, 0, -failure, flags))


def _connect(listener: int, number: int, pid: int, descriptor: int, port: int) -> int:
    """Replace a socket of the worker with a connection to the proxy. Returns the error number, or 0."""
    if descriptor < 0:  # Python's value for a closed socket
        return errno.EBADF
    try:
        with socket.create_connection(("127.0.0.1", port), _CONNECT_SECONDS) as connection:
            connection.setblocking(not _is_nonblocking(pid, descriptor))
            put = struct.pack("<QIIII", number, _REPLACE, connection.fileno(), descriptor, os.O_CLOEXEC)
            fcntl.ioctl(listener, _PUT_DESCRIPTOR, put)
    except OSError as error:
        return error.errno or errno.ECONNREFUSED
    return 0


def _is_nonblocking(pid: int, descriptor: int) -> bool:
    try:
        with open(f"/proc/{pid}/fdinfo/{descriptor}", encoding="ascii") as file:  # noqa: PTH123  as in usage.py
            flags = next(line.split()[1] for line in file if line.startswith("flags:"))
    except (OSError, StopIteration):
        return True  # a process that hides its descriptors is Chromium's, whose sockets never block
    return bool(int(flags, 8) & _NONBLOCKING)


class _Counter:
    """A limit on processes and threads, which are counted again only when those admitted since could exceed it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._at_most = limit

    def admit(self) -> bool:
        """Return True if one more may start."""
        if self._at_most >= self._limit:
            self._at_most = sum(_threads())
        self._at_most += 1
        return self._at_most <= self._limit


def _threads() -> Iterator[int]:
    for pid in _descendants():
        with contextlib.suppress(OSError, IndexError):
            yield int(process_stat(f"/proc/{pid}")[17])


def _descendants() -> list[int]:
    return [pid for pid in descendants(os.getpid()) if pid != os.getpid()]


def end_descendants() -> None:
    """End all descendants of this process. They are stopped first, so that none can start another meanwhile."""
    deadline = time.monotonic() + _END_SECONDS
    stopped: set[int] = set()
    while found := set(_descendants()) - stopped:
        for pid in found:
            _signal(pid, signal.SIGSTOP)
        stopped |= found
    while (left := _descendants()) and time.monotonic() < deadline:
        for pid in left:
            _signal(pid, signal.SIGKILL)
        _reap()
        time.sleep(0.002)


def _reap(spare: int | None = None) -> None:
    """Reap children that ended, mostly orphans, up to the one to spare: the worker is waited for by its handle."""
    with contextlib.suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid == spare:
                return
            os.waitpid(ended.si_pid, 0)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
