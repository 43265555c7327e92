"""Playwright's driver process, started before the slow imports, since it takes longest itself.

Only cheap modules are imported here, so that the driver does not wait for them.
"""

from __future__ import annotations

import os
import socket
import sys

TYPE_CHECKING = False  # to import typing takes a hundredth of a second
if TYPE_CHECKING:
    import asyncio
    from typing import Any

_LIMIT = 32768  # as Playwright asks for
# Room for all that the driver allocates while it starts: else its young objects are collected many times, which takes a
# fifth of the start. In MB.
OPTIONS = ("--min-semi-space-size=32",)
_TEMPORARY = ".browser"


class Driver:
    """A running driver process, which Playwright gets when it is about to start the same one itself.

    Where Playwright starts another command, this process is killed and Playwright's own is used. The methods are those
    of `asyncio.subprocess.Process` that Playwright calls.

    Attributes:
        stdin: The stream that Playwright writes to.
        stdout: The stream that it reads.
        returncode: The exit code, once it is known.
    """

    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader

    def __init__(self, command: tuple[str, ...], environment: dict[str, str], pid: int, end: socket.socket) -> None:
        self._command = command
        self._environment = environment
        self._pid = pid
        self._end = end
        self.returncode: int | None = None

    @property
    def running(self) -> bool:
        """True while neither the system nor the socket shows that the process has ended."""
        if self.returncode is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode is None and not self.stdout.at_eof()

    async def hand_to_playwright(self) -> None:
        """Have asyncio return this process the next time that one is started; Playwright starts the next."""
        import asyncio

        self.stdout, self.stdin = await asyncio.open_connection(sock=self._end, limit=_LIMIT)
        create = asyncio.create_subprocess_exec

        async def hand_over(*command: Any, **options: Any) -> Any:
            asyncio.create_subprocess_exec = create
            if command == self._command and options.get("env") == self._environment:
                return self
            self.kill()
            return await create(*command, **options)

        asyncio.create_subprocess_exec = hand_over

    async def communicate(self) -> None:
        """Wait for the end of the process, as Playwright does when it is stopped."""
        import asyncio

        if self.returncode is None:
            _, status = await asyncio.to_thread(os.waitpid, self._pid, 0)
            self.returncode = os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        """Kill the process."""
        if self.returncode is None:
            os.kill(self._pid, 9)


def start(compiled: str | None) -> Driver:
    """Start the driver on one end of a socket, and return it.

    It and the browser keep their temporary files in a directory of their own: they come and go at any moment, so that
    an automation that lists its files, and the reset after a run, must not meet them.

    Args:
        compiled: Directory with its compiled code, or None.
    """
    import playwright
    from playwright._repo_version import version

    directory = f"{os.path.dirname(str(playwright.__file__))}/driver"  # noqa: PTH120  pathlib takes long
    command = (f"{directory}/node", f"{directory}/package/cli.js", "run-driver")
    environment = os.environ | {
        "PW_LANG_NAME": "python",
        "PW_LANG_NAME_VERSION": f"{sys.version_info.major}.{sys.version_info.minor}",
        "PW_CLI_DISPLAY_VERSION": version,
    }
    temporary = f"{os.environ['TMPDIR']}/{_TEMPORARY}"
    os.mkdir(temporary, 0o700)  # noqa: PTH102  pathlib takes long
    added = {"TMPDIR": temporary} | ({"NODE_COMPILE_CACHE": compiled} if compiled is not None else {})
    ours, theirs = socket.socketpair()
    with theirs:
        pid = os.posix_spawn(
            command[0],
            (command[0], *OPTIONS, *command[1:]),
            environment | added,
            file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), standard) for standard in (0, 1)],
        )
    return Driver(command, environment, pid, ours)
