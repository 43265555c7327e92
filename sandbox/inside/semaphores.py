"""Locks, semaphores and shared memory of ``multiprocessing`` in the Landlock jail, which has no /dev/shm of its own.

The C library keeps all of them there, and the jail could write to it only together with all other programs of the user.
So semaphores are unnamed ones in shared memory here, and that is a file in the jail's scratch directory. It serves the
processes that are forked, not those that ``multiprocessing`` starts anew.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import importlib.abc
import importlib.machinery
import importlib.util
import mmap
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SIZE = 64  # bytes; a semaphore has 32
_RECURSIVE = 0  # as in multiprocessing.synchronize
_MOST = 2_147_483_647
_CALLS = ("sem_init", "sem_wait", "sem_trywait", "sem_timedwait", "sem_post", "sem_getvalue")


class _Moment(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class SemLock:
    """A semaphore between processes, with the interface of ``_multiprocessing.SemLock``."""

    SEM_VALUE_MAX = _MOST
    directory = Path()
    name: str | None

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:
        path = _path(name)
        with path.open("xb") as file:
            file.truncate(_SIZE)
        self._open(kind, maxvalue, name)
        self._call("sem_init", 1, value)
        if unlink:
            path.unlink()
            self.name = None

    def _open(self, kind: int, maxvalue: int, name: str) -> None:
        with _path(name).open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _SIZE)
        self._at = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self.kind, self.maxvalue, self.name, self.handle = kind, maxvalue, name, self._at
        self._after_fork()

    def _after_fork(self) -> None:
        self._holds, self._owner = 0, 0

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take it, and return True; return False where that was not possible in time."""
        if self.kind == _RECURSIVE and self._is_mine():
            self._holds += 1
            return True
        if not block:
            taken = self._call("sem_trywait")
        elif timeout is None:
            taken = self._call("sem_wait")
        else:
            until = time.time() + max(0.0, timeout)
            moment = _Moment(int(until), int(until % 1 * 1e9))
            taken = self._call("sem_timedwait", ctypes.byref(moment))
        if taken:
            self._holds, self._owner = self._holds + 1, threading.get_ident()
        return taken

    def release(self) -> None:
        """Give it back.

        Raises:
            AssertionError: A recursive lock is another's.
            ValueError: It was given back more often than taken.
        """
        if self.kind == _RECURSIVE:
            if not self._is_mine():
                raise AssertionError("attempt to release recursive lock not owned by thread")
            if self._holds > 1:
                self._holds -= 1
                return
        elif self._get_value() >= self.maxvalue:
            raise ValueError("semaphore or lock released too many times")
        self._holds -= 1  # before another may take it
        self._call("sem_post")

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _count(self) -> int:
        return self._holds

    def _is_mine(self) -> bool:
        return self._holds > 0 and self._owner == threading.get_ident()

    def _get_value(self) -> int:
        value = ctypes.c_int()
        self._call("sem_getvalue", ctypes.byref(value))
        return max(0, value.value)

    def _is_zero(self) -> bool:
        return self._get_value() == 0

    def _call(self, name: str, *arguments: Any) -> bool:
        """Call the C library; return False where a wait was in vain."""
        while _library[name](ctypes.c_void_p(self._at), *arguments) != 0:
            number = ctypes.get_errno()
            if number in (errno.EAGAIN, errno.ETIMEDOUT):
                return False
            if number != errno.EINTR:  # a signal, whose handler runs before the next try
                raise OSError(number, f"{name}: {os.strerror(number)}")
        return True


_library: dict[str, Any] = {}


def _path(name: str) -> Path:
    return SemLock.directory / f".{name.strip('/')}"


def _unlink(name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        _path(name).unlink()


def _shm_open(path: str, flags: int, mode: int = 0o777) -> int:
    return os.open(_path(path), flags | os.O_CLOEXEC, mode)


def _patch_semaphores(module: Any) -> None:
    loaded = ctypes.CDLL(None, use_errno=True)
    _library.update({name: getattr(loaded, name) for name in _CALLS})
    module.SemLock, module.sem_unlink = SemLock, _unlink


def _patch_memory(module: Any) -> None:
    module.shm_open, module.shm_unlink = _shm_open, lambda name: _path(name).unlink()


def _patch_heap(module: Any) -> None:
    module.Arena._dir_candidates = [str(SemLock.directory)]


class _Patches(importlib.abc.MetaPathFinder):
    """Finds the modules that are changed as they are loaded, which few automations do."""

    def __init__(self) -> None:
        self._looking = False
        self._patches: dict[str, Callable[[Any], None]] = {
            "_multiprocessing": _patch_semaphores,
            "_posixshmem": _patch_memory,
            "multiprocessing.heap": _patch_heap,
        }

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """Find the module as it would be found otherwise, and patch it once it is loaded."""
        patch = self._patches.get(fullname)
        if patch is None or self._looking:
            return None
        self._looking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._looking = False
        if spec is None or spec.loader is None:
            return spec
        load: Any = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            load(module)
            patch(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # of this one spec
        return spec


def use_scratch(directory: Path) -> None:
    """Keep what ``multiprocessing`` shares in a directory from now on; nothing has imported it yet."""
    SemLock.directory = directory
    sys.meta_path.insert(0, _Patches())
