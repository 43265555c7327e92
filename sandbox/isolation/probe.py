"""A test of the sandbox on this machine, by use."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from sandbox.browser import Browser, find_browser
from sandbox.errors import SandboxUnavailable
from sandbox.isolation.command import (
    JAIL_PACKAGES,
    REMEDY,
    Command,
    jail_command,
    landlock_command,
    python_command,
    require,
)
from sandbox.isolation.kill import end_all
from sandbox.isolation.mechanism import JAILS, Jail, Mechanism
from sandbox.isolation.protections import Protection, protections
from sandbox.isolation.shown_files import browser_path
from sandbox.limits import SandboxLimits

_SECONDS = 30.0
_INSIDE = """
import json, os, socket
def tries(action):
    try:
        action()
    except OSError:
        return False
    return True
def makes(path):
    os.close(os.open(path + "/.webtasks-probe", os.O_CREAT | os.O_WRONLY))
    os.unlink(path + "/.webtasks-probe")
def sends():
    connection = socket.create_connection(("127.0.0.1", PORT), timeout=2)
    connection.close()
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"?", ("127.0.0.1", PORT))
tries(sends)
report = {
    "variables": sorted(set(os.environ) - {"HOME", "TMPDIR", "PATH", "LANG", "PWD"}),
    "read": [path for path in PRIVATE if tries(lambda: os.close(os.open(path, os.O_RDONLY)))],
    "written": [path for path in ("/", "/dev", "/usr/lib", HOME) if tries(lambda: makes(path))],
    "opened": [path for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger")
               if tries(lambda: os.close(os.open(path, os.O_WRONLY)))],
}
import playwright.async_api
print(json.dumps(report))
"""


class Check(NamedTuple):
    """The result of one thing that was tried."""

    name: str
    ok: bool
    detail: str
    remedy: str


@dataclass(frozen=True)
class Probe:
    """The result of `probe`.

    Attributes:
        mechanism: The jail that ``isolation="auto"`` uses: ``"bubblewrap"`` or ``"landlock"``; ``"none"`` if neither
            works, and then nothing runs.
        ok: True if there is a browser, and it runs in that jail.
        checks: Everything that was tried; each with a detail and, if it failed, a remedy. A jail that does not work is
            listed even if the other one works.
        protections: The protections of that jail.
    """

    mechanism: Mechanism
    ok: bool
    checks: tuple[Check, ...]
    protections: tuple[Protection, ...]


def probe(browser: str | Path | None = None, *, isolation: Literal["auto", Jail] = "auto") -> Probe:
    """Start a jail, look around in it, and start the browser in it. Takes about a second, and blocks.

    Args:
        browser: As for `Sandbox`.
        isolation: The jail to try; ``"auto"``: the first that works.

    >>> probe().ok
    True
    """
    checks: list[Check] = []
    found: Browser | None = None
    try:
        found = find_browser(browser)
    except SandboxUnavailable as error:
        checks.append(Check("browser", False, error.problem, error.remedy))
    if found is not None:
        checks.append(Check("browser", True, str(found.executable), ""))
    for jail in JAILS if isolation == "auto" else (isolation,):
        try:
            require(jail)
        except SandboxUnavailable as error:
            checks.append(Check(jail, False, error.problem, error.remedy))
            continue
        if found is None:
            continue
        tried = list(_try_jail(jail, found))
        checks += tried
        if all(check.ok for check in tried):
            return Probe(jail, True, tuple(checks), protections(jail))
    return Probe("none", False, tuple(checks), protections("none"))


def _try_jail(jail: Jail, browser: Browser) -> Iterator[Check]:
    try:
        report, reached = _inspect(jail, browser)
    except (OSError, ValueError, subprocess.SubprocessError, SandboxUnavailable) as error:
        yield Check(jail, False, _error_text(error), REMEDY)
        return
    open_ = {name: found for name, found in report.items() if found} | ({"reached": reached} if reached else {})
    if open_:
        yield Check(jail, False, f"not sealed off: {json.dumps(open_)[:500]}", REMEDY)
        return
    yield Check(jail, True, "Python and Playwright run inside; files, environment and network are sealed off", "")
    try:
        version = _run_inside(jail, browser, [_browser_inside(jail, browser), "--version", "--no-sandbox"])
    except (OSError, subprocess.SubprocessError) as error:
        yield Check("browser inside", False, _error_text(error), "Install the libraries that it names.")
    else:
        yield Check("browser inside", True, version.strip(), "")


def _inspect(jail: Jail, browser: Browser) -> tuple[dict[str, list[str]], list[str]]:
    """Return what code inside could open, and which sockets of this process it reached."""
    with (
        socket.create_server(("127.0.0.1", 0)) as streams,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        port = streams.getsockname()[1]
        datagrams.bind(("127.0.0.1", port))
        private = [str(path) for path in (*Path.home().glob(".*"), Path("/etc/passwd")) if path.is_file()]
        code = f"\nHOME, PRIVATE, PORT = {str(Path.home())!r}, {private!r}, {port}{_INSIDE}"
        report = json.loads(_run_inside(jail, browser, code))
        reached = []
        streams.setblocking(False)
        datagrams.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            streams.accept()[0].close()
            reached.append("tcp")
        with contextlib.suppress(BlockingIOError):
            datagrams.recv(1)
            reached.append("udp")
    return report, reached


def _browser_inside(jail: Jail, browser: Browser) -> str:
    return browser_path(browser) if jail == "bubblewrap" else str(browser.executable)


def _run_inside(jail: Jail, browser: Browser, inner: str | list[str]) -> str:
    """Run Python code, or a command, in a jail, and return its output."""
    limits = SandboxLimits(scratch_mb=64)
    with tempfile.TemporaryDirectory(prefix="webtasks-") as directory:
        if jail == "bubblewrap":
            wanted = inner if isinstance(inner, list) else python_command(JAIL_PACKAGES, inner)
            command = jail_command(browser, limits, wanted)
        else:
            place = Path(directory, "jail")
            place.mkdir()
            command = landlock_command(browser, limits, place, inner)
        return _output(command)


def _output(command: Command) -> str:
    try:
        process = subprocess.Popen(
            command.arguments,
            env=command.environment,
            pass_fds=command.descriptors,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    finally:
        for descriptor in command.descriptors:
            os.close(descriptor)
    with process:
        try:
            output, errors = process.communicate(timeout=_SECONDS)
        except BaseException:  # an interrupt, too, leaves no process behind
            end_all(process)
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command.arguments, output, errors)
    return output


def _error_text(error: Exception) -> str:
    return str(getattr(error, "stderr", None) or error).strip()[-1000:]
