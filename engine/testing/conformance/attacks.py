"""Attacks of hostile code. Each function runs inside a worker: it returns what it got, or raises.

The source of this file, and of ``attempts`` behind it, is the automation that tries all of them, so it imports the
standard library only. Nothing here does harm where it works.
"""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
FAST_OPEN = 0x20000000
ATTACKS: dict[str, Callable[[dict[str, Any]], object]] = {}
WITHOUT_A_BROWSER: dict[str, Callable[[dict[str, Any]], object]] = {}

Attack = Callable[[dict[str, Any]], object]


def attack(function: Attack) -> Attack:
    ATTACKS[function.__name__] = function
    return function


def attack_without_a_browser(function: Attack) -> Attack:
    WITHOUT_A_BROWSER[function.__name__] = function
    return function


def checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


# Files


@attack
def read_a_file(p: dict[str, Any]) -> object:
    return Path(p["secret"]).read_text()


@attack
def list_a_directory(p: dict[str, Any]) -> object:
    return os.listdir(p["directory"])


@attack
def read_through_a_symlink(p: dict[str, Any]) -> object:
    Path("link").symlink_to(p["secret"])
    return Path("link").read_text()


@attack
def read_through_a_hard_link(p: dict[str, Any]) -> object:
    os.link(p["secret"], "hard")
    return Path("hard").read_text()


@attack
def stat_a_file(p: dict[str, Any]) -> object:
    return Path(p["secret"]).stat().st_size


@attack
def read_a_link(p: dict[str, Any]) -> object:
    return os.readlink(p["link"])


@attack
def write_a_hook(p: dict[str, Any]) -> object:
    return Path(p["directory"], ".git", "hooks", "post-checkout").write_text("#!/bin/sh\n")


@attack
def make_a_directory(p: dict[str, Any]) -> object:
    Path(p["directory"], "new").mkdir()
    return "made"


@attack
def remove_a_file(p: dict[str, Any]) -> object:
    Path(p["directory"], "unloved").unlink()
    return "removed"


@attack
def move_a_file_away(p: dict[str, Any]) -> object:
    os.rename(Path(p["directory"], "moved"), "moved")
    return Path("moved").read_text()


@attack
def change_a_mode(p: dict[str, Any]) -> object:
    Path(p["secret"]).chmod(0o644)
    assert Path(p["secret"]).stat().st_mode & 0o777 == 0o644  # a jail may let the call seem to succeed
    return "changed"


@attack
def change_a_time(p: dict[str, Any]) -> object:
    os.utime(p["secret"], (1, 1))
    assert Path(p["secret"]).stat().st_mtime == 1
    return "changed"


@attack
def truncate_a_file(p: dict[str, Any]) -> object:
    os.truncate(Path(p["directory"], "cut"), 1)
    return "cut"


@attack
def watch_a_directory(p: dict[str, Any]) -> object:
    return checked(LIBC.inotify_add_watch(checked(LIBC.inotify_init()), os.fsencode(p["directory"]), 0xFFF))


@attack
def run_a_shell(p: dict[str, Any]) -> object:
    return subprocess.run(["/bin/sh", "-c", "echo here"], capture_output=True, check=True).stdout


# Other processes


@attack
def read_an_environment(p: dict[str, Any]) -> object:
    environment = Path(f"/proc/{p['victim']}/environ").read_bytes()
    assert b"NEEDLE" in environment
    return environment


@attack
def read_a_command_line(p: dict[str, Any]) -> object:
    line = Path(f"/proc/{p['victim']}/cmdline").read_bytes()
    assert b"victim" in line
    return line


@attack
def read_what_a_descriptor_is(p: dict[str, Any]) -> object:
    return os.readlink(f"/proc/{p['victim']}/fd/1")


@attack
def see_that_a_process_is_there(p: dict[str, Any]) -> object:
    return os.listdir(f"/proc/{p['victim']}/fd")


@attack
def read_memory(p: dict[str, Any]) -> object:
    with open(f"/proc/{p['victim']}/mem", "rb") as memory:
        memory.seek(p["address"])
        return memory.read(6)


@attack
def read_memory_by_call(p: dict[str, Any]) -> object:
    class Vector(ctypes.Structure):
        _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))

    buffer = ctypes.create_string_buffer(6)
    here, there = Vector(ctypes.addressof(buffer), 6), Vector(p["address"], 6)
    checked(LIBC.process_vm_readv(p["victim"], ctypes.byref(here), 1, ctypes.byref(there), 1, 0))
    return buffer.raw


@attack
def change_the_watchman(p: dict[str, Any]) -> object:
    with open(f"/proc/{os.getppid()}/mem", "r+b", buffering=0):
        return "open"


@attack
def trace(p: dict[str, Any]) -> object:
    LIBC.ptrace.restype = ctypes.c_long
    return checked(LIBC.ptrace(0x4206, p["victim"], None, None))


@attack
def signal(p: dict[str, Any]) -> object:
    os.kill(p["victim"], 0)
    return "may signal"


@attack
def signal_by_handle(p: dict[str, Any]) -> object:
    import signal as signals

    signals.pidfd_send_signal(os.pidfd_open(p["victim"]), 0)
    return "may signal"


@attack
def limit_another(p: dict[str, Any]) -> object:
    return resource.prlimit(p["victim"], resource.RLIMIT_CORE, (0, 0))


@attack
def slow_another_down(p: dict[str, Any]) -> object:
    os.setpriority(os.PRIO_PROCESS, p["victim"], 19)
    return "slower"


@attack
def bind_another_to_a_processor(p: dict[str, Any]) -> object:
    os.sched_setaffinity(p["victim"], {min(os.sched_getaffinity(0))})
    return "bound"


# Sockets


@attack
def tcp(p: dict[str, Any]) -> object:
    with socket.create_connection(("127.0.0.1", p["tcp"]), 2) as connection:
        return greeting(connection)


@attack
def tcp_to_the_other_family(p: dict[str, Any]) -> object:
    with socket.socket(socket.AF_INET6) as connection:
        connection.settimeout(2)
        connection.connect(("::ffff:127.0.0.1", p["tcp"]))
        return greeting(connection)


@attack
def tcp_without_connect(p: dict[str, Any]) -> object:
    with socket.socket() as connection:
        connection.sendto(b"hello", FAST_OPEN, ("127.0.0.1", p["tcp"]))
        return greeting(connection)


@attack
def udp(p: dict[str, Any]) -> object:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(2)
        datagrams.sendto(b"hello", ("127.0.0.1", p["udp"]))
        return datagrams.recv(10)


@attack
def abstract_socket(p: dict[str, Any]) -> object:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        connection.connect("\0" + p["abstract"])
        return greeting(connection)


@attack
def path_socket(p: dict[str, Any]) -> object:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        connection.connect(p["path"])
        return greeting(connection)


@attack
def datagram_pair_turned_elsewhere(p: dict[str, Any]) -> object:
    ours, _theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return ours.sendto(b"hello", p["datagrams"])


@attack
def be_reached(p: dict[str, Any]) -> object:
    """A server of its own, which the host's side of the test tries to reach."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", p["free"]))
        server.listen()
        server.settimeout(3)
        connection, _ = server.accept()
        return connection.recv(10)


def greeting(connection: socket.socket) -> bytes:
    """Return the greeting that a server of the test sends at once; the proxy sends none."""
    connection.settimeout(2)
    said = connection.recv(5)
    assert said == b"HELLO", said
    return said


# What belongs to no process


@attack
def shared_memory_segment(p: dict[str, Any]) -> object:
    segment = checked(LIBC.shmget(0, 4096, 0o1600))
    LIBC.shmctl(segment, 0, None)
    return segment


@attack
def nameless_memory(p: dict[str, Any]) -> object:
    return os.memfd_create("memory")


@attack
def file_handle(p: dict[str, Any]) -> object:
    handle, mount = struct.pack("<II128x", 128, 0), ctypes.c_int()
    buffer = ctypes.create_string_buffer(handle)
    return checked(LIBC.name_to_handle_at(-100, os.fsencode(p["secret"]), buffer, ctypes.byref(mount), 0))


@attack
def message_queue(p: dict[str, Any]) -> object:
    return checked(LIBC.msgget(0, 0o1600)) >= 0 and LIBC.msgctl


# What a worker with a browser needs, and one without does not


@attack_without_a_browser
def fork(p: dict[str, Any]) -> object:
    if not (child := os.fork()):
        os._exit(0)
    return os.waitpid(child, 0)


@attack_without_a_browser
def fork_by_the_newer_call(p: dict[str, Any]) -> object:
    flags = (ctypes.c_uint64 * 8)(0x100, 0, 0, 0, 17)  # shares the file system's state, and signals its end
    child = checked(LIBC.syscall(435, flags, 64))
    if not child:
        LIBC._exit(0)
    return os.waitpid(child, 0)


@attack_without_a_browser
def run_a_program(p: dict[str, Any]) -> object:
    """Replacing this process would end it: a program that is not there shows if it may be tried."""
    try:
        os.execv("/no/such/program", ["program"])
    except FileNotFoundError:
        return "tried"


@attack_without_a_browser
def new_user_namespace(p: dict[str, Any]) -> object:
    return checked(LIBC.syscall(272, 0x10000000)) or "entered"


@attack_without_a_browser
def socket_of_any_kind(p: dict[str, Any]) -> object:
    return next(family for family in range(46) if makes_a_socket(family))


@attack_without_a_browser
def pair_of_datagram_sockets(p: dict[str, Any]) -> object:
    for each in socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM):
        each.close()
    return "made"


@attack_without_a_browser
def filter_of_system_calls(p: dict[str, Any]) -> object:
    """A listener for notifications of its own would let code wait for itself; a filter that allows all does no harm."""
    program = struct.pack("<HBBI", 6, 0, 0, 0x7FFF0000)

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    LIBC.prctl(38, 1, 0, 0, 0)
    return checked(LIBC.syscall(317, 1, 0, ctypes.byref(Program(1, program)))) or "installed"


@attack_without_a_browser
def hide_from_measurement(p: dict[str, Any]) -> object:
    checked(LIBC.prctl(4, 0, 0, 0, 0))
    return checked(LIBC.prctl(4, 1, 0, 0, 0)) or "hidden"


def makes_a_socket(family: int) -> bool:
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True
