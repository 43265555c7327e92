"""A command's way into the process beside the pool that has all its imports: the caller's side, and the socket.

A caller sends its arguments, directory and environment, and its standard streams as descriptors; a fork of that process
runs the command in its name (`engine.cli.pool.commands`). Between the two goes, after that: the fork's process number,
the caller's word to begin, and the exit code. What has not begun runs in the caller as it does without a pool.

This module is imported before anything else of a command, and so imports next to nothing: `socket` and `signal` alone
take as long as Python's own start.
"""

from __future__ import annotations

import _socket
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

DEFAULT_STORE = ".webtasks"
DEFAULT_WORKSPACE = "default"
COMMANDS_SOCKET = "commands.sock"
# The options of every command that take a value: the first word that is neither one of them nor its value is the
# command's name.
OPTIONS_WITH_VALUE = frozenset(
    ("--store", "--bundles", "--workspace", "--isolation", "--browser", "--base-url", "--window", "--egress", "--proxy")
)
MAX_CALL = 8 << 20  # bytes; more than the system lets a process start with
BEGIN = b"\n"
NUMBER_BYTES = 4  # of the length of a call, and of a process's number
_ANSWER_SECONDS = 2.0
_MAX_PATH = 100  # bytes; a Unix socket's path may be this long on any system
_ENDED = (
    "Error: the pool's process that ran the command ended before it told the outcome;"
    " `webtasks list` shows the task's state\n"
)


def hand_over(arguments: list[str]) -> int | None:
    """Have a command run beside the pool, with this process's streams; return its exit code.

    Returns:
        None where this process must run it: no pool is there, or it cannot take the command. Nothing has run then.
    """
    root = workspace_directory(arguments)
    if root is None:
        return None
    try:
        call = pack(arguments)
    except (OSError, AttributeError, ValueError):  # a directory that is gone, or a stream that is closed
        return None
    connection = connect(root, COMMANDS_SOCKET, _ANSWER_SECONDS)
    if connection is None:
        return None
    try:
        return _run(connection, call)
    finally:
        connection.close()


def workspace_directory(arguments: list[str]) -> str | None:
    """Return the directory in which the pool of a `run` would listen; None for other commands.

    Where the arguments mean another one after all, the fork finds that out as any command does.

    >>> workspace_directory(["--store", "/a", "run", "List", "--workspace=b"])
    '/a/b'
    >>> workspace_directory(["--store", "run", "list"])
    """
    chosen = {"--store": os.environ.get("WEBTASKS_STORE") or DEFAULT_STORE, "--workspace": DEFAULT_WORKSPACE}
    command = None
    given = iter(arguments)
    for argument in given:
        name, equals, value = argument.partition("=")
        if name in OPTIONS_WITH_VALUE:
            chosen[name] = value if equals else next(given, "")
        elif command is None and not argument.startswith("-"):
            command = argument
    return os.path.join(os.path.expanduser(chosen["--store"]), chosen["--workspace"]) if command == "run" else None


def pack(arguments: list[str]) -> bytes:
    """Return a call: its length, and all that makes up the command but its three streams."""
    streams = [each for stream in (sys.stdin, sys.stdout, sys.stderr) for each in (stream.encoding, stream.errors)]
    mask = os.umask(0o77)
    os.umask(mask)
    texts = [interpreter(), os.getcwd(), str(mask), *streams, str(len(arguments)), *arguments]
    variables = [name + b"=" + value for name, value in os.environb.items()]
    packed = b"\0".join([*(os.fsencode(str(text)) for text in texts), *variables])
    if len(packed) > MAX_CALL:
        raise ValueError("the arguments and the environment are too long")
    return len(packed).to_bytes(NUMBER_BYTES, "big") + packed


def interpreter() -> str:
    """Return what two processes must have in common for one to run the other's commands: Python and our code."""
    variables = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith("PYTHON"))
    own = (sys.executable, sys.version, sys.warnoptions, sys._xoptions, variables, installation())
    return repr(own)


def installation() -> str:
    """Return what tells our code from another's, and from another version in the same place."""
    file = os.stat(__file__)
    return f"{os.path.dirname(__file__)} {file.st_ino} {file.st_mtime_ns}"


def connect(root: str, name: str, timeout: float | None = None) -> _socket.socket | None:
    """Connect to a socket in a workspace's directory; return None if nobody listens there, or another user does."""
    directory = connection = None
    try:
        path, directory = short_path(root, name)
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        connection.settimeout(timeout)
        connection.connect(path)
        if is_same_user(connection):
            return connection
    except OSError:  # left over from a pool that was killed, or another user's
        pass
    finally:
        if directory is not None:
            os.close(directory)
    if connection is not None:
        connection.close()
    return None


def short_path(root: str, name: str) -> tuple[str, int | None]:
    """Return a path that is short enough for a socket, and the descriptor that it is valid with.

    Raises:
        OSError: The directory cannot be opened.
    """
    path = os.path.join(root, name)
    if len(os.fsencode(path)) <= _MAX_PATH:
        return path, None
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    return f"/proc/self/fd/{directory}/{name}", directory


def is_same_user(connection: _socket.socket) -> bool:
    """Return True if the process at the other end is this process's own user's.

    The socket's mode ensures that already on systems that respect it.
    """
    if not hasattr(_socket, "SO_PEERCRED"):
        return True
    credentials = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)  # process, user, group
    return int.from_bytes(credentials[4:8], sys.byteorder) == os.geteuid()


def _run(connection: _socket.socket, call: bytes) -> int | None:
    """Send the call and wait for the exit code; None where the command has not begun."""
    try:
        descriptors = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
        sent = connection.sendmsg([call], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
        connection.sendall(call[sent:])
        import signal  # while the other side forks

        answer = connection.recv(NUMBER_BYTES)
    except OSError:  # it ended, or hangs
        return None
    if len(answer) < NUMBER_BYTES:
        return None
    fork = int.from_bytes(answer, "big")

    passed: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        passed.append(number)
        try:  # noqa: SIM105  contextlib takes long to import
            os.kill(fork, number)
        except ProcessLookupError:  # it has just ended
            pass

    def pause(number: int, frame: FrameType | None) -> None:
        pass_on(signal.SIGSTOP, frame)
        os.kill(os.getpid(), signal.SIGSTOP)
        pass_on(signal.SIGCONT, frame)

    handlers = {signal.SIGINT: pass_on, signal.SIGTERM: pass_on, signal.SIGTSTP: pause}
    before = {number: signal.getsignal(number) for number in handlers}
    for number, handler in handlers.items():
        if before[number] != signal.SIG_IGN:
            signal.signal(number, handler)
    try:
        connection.send(BEGIN)
        connection.settimeout(None)
        code = connection.recv(1)
    except OSError:
        code = b""
    finally:
        for number, former in before.items():
            signal.signal(number, former)
    if code:
        return code[0]
    if signal.SIGTERM in passed:  # it ended the command before that had anything to cancel
        os.kill(os.getpid(), signal.SIGTERM)
    sys.stderr.write(_ENDED)
    return 2
