"""The jail for hosts without user namespaces: Landlock and seccomp, with nothing to install.

The worker gives up, for itself and all its descendants, every file but those named, every socket but TCP streams,
signals to others, capabilities, and changes to the metadata of files. Its parent, the supervisor, stays outside:
whatever address a worker connects to, the supervisor substitutes a connection to the proxy.

Unlike namespaces, this cannot hide the names, sizes and times of files (``stat``), and it sets no disk quota.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import stat
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from sandbox.isolation import seccomp
from sandbox.isolation.sealing import check, control, drop_capabilities, forbid_new_privileges, install, syscall

OLDEST_ABI = 3  # Linux 6.2: the first that guards truncation
_SCOPES_SINCE = 6

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on all architectures
_CLOSE_ON_EXEC = os.O_PATH | os.O_CLOEXEC

_EXECUTE, _WRITE, _READ, _LIST = 1, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHARACTER_DEVICE, _MAKE_BLOCK_DEVICE = 1 << 6, 1 << 11
_TRUNCATE, _DEVICE_CONTROL = 1 << 14, 1 << 15
_FILE_RIGHTS = _EXECUTE | _WRITE | _READ | _TRUNCATE | _DEVICE_CONTROL
_RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15}
_ALL_TCP = 0b11  # bind and connect: the supervisor connects, and nothing may bind
_SCOPES = 0b11  # abstract Unix sockets and signals

_DIE_WITH_PARENT = 1
_NEW_LISTENER = 8

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
# Facts about the machine that programs read; nothing here describes other processes.
MACHINE_FILES = ("/proc/cpuinfo", "/proc/meminfo", "/proc/version", "/sys/devices/system/cpu")


def abi() -> int:
    """Return the version of Landlock that the kernel offers; 0 if it has none."""
    version: int = syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    return max(0, version)


def scopes() -> bool:
    """Return True if the kernel confines signals and abstract sockets (Linux 6.12)."""
    return abi() >= _SCOPES_SINCE


def missing() -> str | None:
    """Return what this machine lacks for this jail; None if it can be used."""
    if sys.platform != "linux":
        return "it is a part of Linux"
    found = abi()
    if not seccomp.known():
        return f"no seccomp filter for {os.uname().machine}"
    if not found:
        return "the kernel has no Landlock, or it is switched off (see /sys/kernel/security/lsm)"
    if found < OLDEST_ABI:
        return f"the kernel's Landlock (ABI {found}) is too old: Linux 6.2 or newer is needed"
    return None


def seal(read: Iterable[str], write: Iterable[str]) -> int:
    """Give up all other rights, for good. Call this in a process with one thread.

    Args:
        read: Files and directories that stay readable, and may be executed.
        write: Directories in which files may be created.

    Returns:
        The descriptor from which the supervisor reads of connections and new tasks.

    Raises:
        OSError: The kernel refused; the process must not go on.
    """
    control(_DIE_WITH_PARENT, 9)
    drop_capabilities()
    forbid_new_privileges()
    _restrict(read, write)
    program = seccomp.program(strict=True, spared=None if scopes() else os.getppid())  # the supervisor
    assert program is not None, "checked by missing()"
    return install(program, _NEW_LISTENER)


def _restrict(read: Iterable[str], write: Iterable[str]) -> None:
    version = abi()
    every = (1 << _RIGHTS_BY_ABI.get(version, 16)) - 1
    attributes = struct.pack("<QQQ", every, _ALL_TCP, _SCOPES)
    size = 8 if version < 4 else 16 if version < _SCOPES_SINCE else 24
    rules = check(syscall(_CREATE_RULESET, attributes[:size], ctypes.c_size_t(size), 0), "landlock_create_ruleset")
    for path in (*read, *MACHINE_FILES):
        _allow(rules, path, every & (_READ | _LIST | _EXECUTE))
    for path in write:
        _allow(rules, path, every & ~(_MAKE_CHARACTER_DEVICE | _MAKE_BLOCK_DEVICE | _EXECUTE))
    for path in DEVICES:
        _allow(rules, path, every & (_READ | _WRITE | _TRUNCATE))
    # Chromium lists its own descriptors and threads. It sees the numbers of others, and cannot read their files.
    _allow(rules, "/proc", _LIST)
    check(syscall(_RESTRICT_SELF, rules, 0), "landlock_restrict_self")
    os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, _CLOSE_ON_EXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _FILE_RIGHTS
        rule = struct.pack("<Qi", rights, descriptor)
        check(syscall(_ADD_RULE, rules, 1, rule, 0), f"landlock_add_rule {path}")
    finally:
        os.close(descriptor)


def main() -> None:
    """Run a command in the jail, without a proxy. The arguments are those of `enter` as JSON, then the command."""
    options, command = json.loads(sys.argv[1]), sys.argv[2:]
    control, _ours = socket.socketpair()
    host = os.pidfd_open(os.getppid())
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        enter(control, host, proxy.getsockname()[1], **options)
    os.execv(command[0], command)  # noqa: S606  a list of arguments, no shell


def enter(control: socket.socket, host: int, port: int, read: list[str], scratch: str, tasks: int) -> None:
    """Fork: the child is sealed and returns; the parent supervises it and never returns.

    Args:
        control: The control socket; when its other end closes, the worker is ended.
        host: Process descriptor of the host; when it ends, the worker is ended.
        port: The proxy's port on loopback.
        read: As for `seal`.
        scratch: The directory that the worker may write to. Its parent directory is removed in the end.
        tasks: The largest number of processes and threads at one time.
    """
    from sandbox.isolation.supervisor import supervise  # the probe and the host need none of it

    ours, theirs = socket.socketpair()
    supervisor = os.getpid()
    worker = os.fork()
    if worker == 0:
        ours.close()
        os.close(host)
        os.setsid()
        os.chdir(scratch)
        if os.getppid() != supervisor:
            os._exit(1)
        listener = seal(read, [scratch])
        socket.send_fds(theirs, [b"\n"], [listener])
        os.close(listener)
        theirs.close()
        return
    theirs.close()
    supervise(control, host, worker, ours, port, tasks, str(Path(scratch).parent))
