"""The rights that a process gives up for good: capabilities, new privileges, system calls."""

from __future__ import annotations

import ctypes
import os
import signal
import struct

from sandbox.isolation import seccomp

_SECCOMP = (317, 277)
_CLONE = (56, 220)
_CHILD_CLEARS_TID, _CHILD_SETS_TID, _TID_ADDRESS = 0x00200000, 0x01000000, 40
_CAPSET = (126, 91)
_NO_NEW_PRIVILEGES, _DROP_FROM_BOUND, _AMBIENT, _AMBIENT_CLEAR = 38, 24, 47, 4
_CAPABILITY_VERSION = 0x20080522
_FILTER_MODE = 1

_libc = ctypes.CDLL(None, use_errno=True)
syscall = _libc.syscall
syscall.restype = ctypes.c_long
_python = ctypes.PyDLL(None, use_errno=True)  # its calls keep Python's lock, which a child would find taken
_python.syscall.restype = ctypes.c_long


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def seal_web() -> None:
    """Leave this process, a worker without a browser, only what it needs. Call this in a process with one thread.

    Raises:
        OSError: The kernel refused; the process must not go on.
    """
    drop_capabilities()
    forbid_new_privileges()
    program = seccomp.web_program(os.getpid())
    if program is not None:
        install(program)


def drop_capabilities() -> None:
    """Give up all capabilities."""
    for capability in range(64):
        if _libc.prctl(_DROP_FROM_BOUND, ctypes.c_ulong(capability), 0, 0, 0) < 0:
            break  # that was the last, or this process has none
    _libc.prctl(_AMBIENT, ctypes.c_ulong(_AMBIENT_CLEAR), 0, 0, 0)
    header = struct.pack("<II", _CAPABILITY_VERSION, 0)
    check(syscall(_CAPSET[seccomp.column()], header, bytes(24)), "capset")


def forbid_new_privileges() -> None:
    """Let no program that this process runs have more rights than it has."""
    control(_NO_NEW_PRIVILEGES, 1)


def install(program: bytes, flags: int = 0) -> int:
    """Install a seccomp filter, and return what the kernel gives for these flags."""
    filter_ = _Program(len(program) // 8, program)
    return check(syscall(_SECCOMP[seccomp.column()], _FILTER_MODE, flags, ctypes.byref(filter_)), "seccomp")


def control(option: int, value: int) -> None:
    """Call prctl."""
    check(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), f"prctl {option}")


def fork_into(namespaces: int) -> int:
    """Fork like `os.fork`, in a process with one thread; the child is the first process in new namespaces.

    With `os.fork` and ``unshare`` it takes two forks to get there, and each copies the tables of all memory.
    """
    thread = ctypes.c_ulong(0)  # where the C library keeps the number of this thread, which it writes anew in a fork
    flags = namespaces | signal.SIGCHLD
    if _libc.prctl(_TID_ADDRESS, ctypes.byref(thread), 0, 0, 0) == 0:
        flags |= _CHILD_SETS_TID | _CHILD_CLEARS_TID
    where = (thread, 0) if seccomp.column() == 0 else (0, thread)  # and the thread's storage, which stays
    _python.PyOS_BeforeFork()
    pid: int = _python.syscall(_CLONE[seccomp.column()], ctypes.c_ulong(flags), 0, 0, *where)
    if pid == 0:
        _python.PyOS_AfterFork_Child()
    else:
        _python.PyOS_AfterFork_Parent()
    return check(pid, "clone")


def mount_tmpfs(target: str, flags: int, data: str) -> None:
    """Mount an empty file system that lives in memory."""
    check(_libc.mount(b"tmpfs", os.fsencode(target), b"tmpfs", ctypes.c_ulong(flags), data.encode()), f"mount {target}")


def check(result: int, what: str) -> int:
    """Return the result of a call to the C library.

    Raises:
        OSError: It failed.
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
