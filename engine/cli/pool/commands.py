"""The process beside the pool that runs commands in their callers' name: it has the imports, and forks for each.

It is forked from the pool's process before that has threads, locks or connections, and ends with it. Each fork of it is
a command as any other, with its caller's arguments, directory, environment and streams: `webtasks run` in it finds the
pool on its own. It ends as by SIGTERM where its caller does. The caller's side is `engine.cli.pool.handover`.
"""

from __future__ import annotations

import atexit
import gc
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import click

from engine.cli.detached import detach
from engine.cli.pool import handover

_CALL_SECONDS = 5.0  # for a caller to send its call, and its word to begin
_CRASHED, _OUTPUT_LOST = 1, 120  # exit codes of Python itself


def fork_command_server() -> socket.socket:
    """Fork the process; return the socket to send it the listening one on. It ends when this is closed.

    This process must not have other threads, which would not be in the fork.
    """
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        try:
            _serve(theirs)
        finally:
            os._exit(0)
    theirs.close()
    return ours


def _serve(pool: socket.socket) -> None:
    """Fork for each call on the listening socket that the pool sends, until the pool ends."""
    detach()
    _import_all()
    gc.freeze()  # a fork's collections would copy what they look at
    _, descriptors, _, _ = socket.recv_fds(pool, 1, 1)
    if not descriptors:
        return
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system reaps the forks
    with socket.socket(fileno=descriptors[0]) as listening:
        while pool not in select.select([pool, listening], [], [])[0]:
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                pool.close()
                try:
                    _answer(connection)
                finally:
                    os._exit(_CRASHED)
            connection.close()


def _import_all() -> None:
    """Import what a `run` beside a pool uses, so that no fork needs to."""
    import rich.console
    import rich.live
    import rich.spinner
    import rich.table
    import rich.text  # noqa: F401  on a terminal

    from engine.cli.main import webtasks

    webtasks.get_command(click.Context(webtasks), "run")


@dataclass(frozen=True)
class _Call:
    """The parts of a call."""

    directory: str
    mask: int
    streams: Sequence[tuple[str, str]]
    arguments: list[str]
    variables: dict[bytes, bytes]
    descriptors: Sequence[int]


def _answer(connection: socket.socket) -> None:
    """Run the command that a caller hands over, tell it the exit code, and end the process."""
    connection.settimeout(_CALL_SECONDS)
    call = _receive(connection)
    if call is None:
        return
    connection.sendall(os.getpid().to_bytes(handover.NUMBER_BYTES, "big"))
    if connection.recv(len(handover.BEGIN)) != handover.BEGIN:
        return
    connection.settimeout(None)
    _take_the_place_of_the_caller(call)
    threading.Thread(target=_end_with, args=[connection], daemon=True).start()
    _end(connection, _run(call.arguments))


def _receive(connection: socket.socket) -> _Call | None:
    """Read a call; None where it is none, or of another user, Python or version of our code."""
    data, descriptors, _, _ = socket.recv_fds(connection, 1 << 16, 3)
    read, head = bytearray(data), handover.NUMBER_BYTES
    while len(read) < head or len(read) - head < int.from_bytes(read[:head], "big") <= handover.MAX_CALL:
        if not (more := connection.recv(1 << 16)):
            return None
        read += more
    whole = len(read) - head == int.from_bytes(read[:head], "big")
    if not whole or len(descriptors) != 3 or not handover.is_same_user(connection):
        return None
    interpreter, directory, mask, *others = bytes(read[head:]).split(b"\0")
    if os.fsdecode(interpreter) != handover.interpreter():
        return None
    names = list(map(os.fsdecode, others[:6]))
    count = int(others[6])
    return _Call(
        directory=os.fsdecode(directory),
        mask=int(mask),
        streams=list(zip(names[::2], names[1::2], strict=True)),
        arguments=list(map(os.fsdecode, others[7 : 7 + count])),
        variables=dict(_pair(each) for each in others[7 + count :]),
        descriptors=descriptors,
    )


def _pair(variable: bytes) -> tuple[bytes, bytes]:
    name, _, value = variable.partition(b"=")
    return name, value


def _take_the_place_of_the_caller(call: _Call) -> None:
    """Make this process's state that of the caller, as far as a command can tell."""
    for number, descriptor in enumerate(call.descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(call.directory)
    os.umask(call.mask)
    os.environb.clear()
    os.environb.update(call.variables)
    time.tzset()
    sys.argv = ["webtasks", *call.arguments]
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        by_lines = name == "stderr" or os.isatty(number)
        encoding, errors = call.streams[number]
        stream = open(  # noqa: SIM115  it is open as long as the process runs
            number, mode, buffering=1 if by_lines else -1, encoding=encoding, errors=errors, closefd=False
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _end_with(caller: socket.socket) -> None:
    """Wait until the caller ends; then end this process as by SIGTERM, which cancels its task."""
    while caller.recv(1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    from engine.cli.main import webtasks

    try:
        webtasks(arguments, prog_name="webtasks")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else _CRASHED
    except BaseException:  # noqa: BLE001  reported as Python itself reports what nobody catches
        sys.excepthook(*sys.exc_info())
        return _CRASHED
    return 0


def _end(caller: socket.socket, code: int) -> NoReturn:
    """End this process as Python ends, but for what only a process that was not forked must tidy up."""
    threading._shutdown()  # type: ignore[attr-defined]  # what Python itself calls at its end, and has no other name
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = _OUTPUT_LOST
    caller.sendall(bytes([code & 0xFF]))
    os._exit(code & 0xFF)
