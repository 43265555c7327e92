"""The commands that start a worker, and bubblewrap's arguments.

Python, driver and browser are all inside, so that ending the jail ends everything. It has no network but its own
loopback, an empty environment, no home directory, and only the files that it needs, read-only, beside a scratch
directory.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.browser import Browser
from sandbox.errors import SandboxUnavailable
from sandbox.isolation import landlock, seccomp
from sandbox.isolation.mechanism import Mechanism
from sandbox.isolation.shortage import WORKER_FILES
from sandbox.isolation.shown_files import (
    JAIL_BROWSER,
    browser_path,
    interpreter,
    packages,
    public_files,
    python_files,
    readable,
    system_libraries,
)
from sandbox.limits import SandboxLimits

REMEDY = (
    "One jail is enough. bubblewrap: install it (`apt-get install bubblewrap`, `dnf install bubblewrap` or `pacman -S "
    "bubblewrap`) and allow unprivileged user namespaces. Ubuntu 24.04 and later: an AppArmor profile for bwrap that "
    "allows userns, or `sysctl kernel.apparmor_restrict_unprivileged_userns=0`. Docker: its default seccomp profile "
    "forbids namespaces; run the container with `--security-opt seccomp=unconfined --security-opt "
    "apparmor=unconfined`. Landlock needs nothing of that, but Linux 6.2 or newer with Landlock switched on. "
    'As a last resort, `isolation="none"` runs automations without any protection.'
)

_NOT_LINUX = (
    "Run it in a Linux container or virtual machine. "
    'As a last resort, `isolation="none"` runs automations without any protection.'
)

JAIL_PACKAGES = "/packages"
JAIL_COMPILED = "/compiled"
_SCRATCH = "/scratch"
# Files with which root configures the kernel. They check the user and not capabilities, so a jail that root starts
# could write to them.
_KERNEL_SETTINGS = ("acpi", "fs", "mtrr", "pressure", "scsi", "sys", "sysrq-trigger")
_PATH = "import sys; sys.path[:0] = sys.argv.pop(1).split(':'); "
_START = "from sandbox.inside.main import main; main()"
_START_WEB = "from sandbox.inside.web_main import main; main()"
_START_ZYGOTE = "from sandbox.inside.zygote import main; main()"
# The worker creates the directory, as it is the worker's end that removes it: a host that is killed earlier leaves none
_MAKE_HOME = "import os; home = os.environ['HOME']; os.mkdir(home, 0o700); os.chdir(home); "
_MAKE_LANDLOCK = (
    "import os, sys; directory, sources = sys.argv.pop(1), sys.argv.pop(1).split(':'); "
    "os.path.isdir(directory) or os.mkdir(directory, 0o700); "
    "[os.mkdir(f'{directory}/{name}') for name in ('packages', 'scratch')]; "
    "[os.symlink(source, f'{directory}/packages/{os.path.basename(source)}') for source in sources]; "
)
_HEED_CHILDREN = (
    "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)
_START_LANDLOCK = "from sandbox.isolation.landlock import main; main()"
_MIB = 1 << 20
# Per process. Stops code that allocates faster than memory_mb is sampled; Chromium does not start with much less.
_DATA_MB = 2048
_TASKS_PER_PROCESS = 8
_ADDRESS_MB = 1024  # beside the memory: libraries and stacks, which are mapped and hardly used
_WEB_FILES = 256  # that a worker without a browser may have open


@dataclass(frozen=True)
class Command:
    """A command: arguments, environment, and descriptors to hand down and then close."""

    arguments: list[str]
    environment: dict[str, str]
    descriptors: tuple[int, ...]


def find_bubblewrap() -> str:
    """Return the path of ``bwrap``.

    Raises:
        SandboxUnavailable: It is not installed, or this is not Linux.
    """
    if sys.platform != "linux":
        raise SandboxUnavailable(f"there is no jail for {sys.platform}: automations run on Linux only", _NOT_LINUX)
    found = shutil.which("bwrap")
    if found is None:
        raise SandboxUnavailable("bubblewrap (bwrap) is not installed, so automations cannot be jailed", REMEDY)
    return found


def require(mechanism: Mechanism) -> None:
    """Refuse a mechanism that cannot work here. Only using it shows that it does work.

    Raises:
        SandboxUnavailable: Something is missing; the message says what.
    """
    if mechanism == "bubblewrap":
        find_bubblewrap()
    elif mechanism == "landlock" and (lack := landlock.missing()):
        raise SandboxUnavailable(f"Landlock cannot jail automations: {lack}", REMEDY)


def worker_command(
    mechanism: Mechanism,
    browser: Browser | None,
    limits: SandboxLimits,
    *,
    control: int,
    host: int,
    info: int,
    chromium_sandbox: bool = False,
    images: bool = True,
    scratch: str | None = None,
    compiled: Path | None = None,
) -> Command:
    """Return the command that starts a worker.

    Args:
        mechanism: ``"bubblewrap"``, ``"landlock"``, or ``"none"`` for a plain subprocess.
        browser: Its Chromium; None for a worker without a browser.
        limits: ``scratch_mb``, ``cpu_seconds`` and ``processes`` are fixed at the start.
        control: Descriptor of the worker's end of the control socket.
        host: Process descriptor of this program: the worker ends when it does.
        info: Descriptor of a file to which bubblewrap writes the pid of the jail's first process.
        chromium_sandbox: Use Chromium's own sandbox, too; it needs namespaces.
        images: Have it load the pictures and fonts of pages.
        scratch: A directory that does not exist yet, for ``"landlock"`` and ``"none"``; the worker creates it.
        compiled: Directory of the driver's compiled code, for ``"bubblewrap"``.
    """
    jailed = mechanism == "bubblewrap"
    options: dict[str, Any] = {"control": control, "host": host, **process_limits(limits, alone=browser is None)}
    if browser is not None:
        options["browser"] = browser_path(browser) if jailed else str(browser.executable)
        options["chromium_sandbox"] = chromium_sandbox and mechanism != "landlock"
        options["images"] = images
    else:
        options["sealed"] = mechanism != "none"
    if not jailed:
        options["tasks"] = 0  # outside a user namespace, all of the user's count
    start = _START if browser is not None else _START_WEB
    if jailed:
        options["compiled"] = JAIL_COMPILED if compiled is not None else None
        inner = python_command(JAIL_PACKAGES, start, json.dumps(options))
        jail = jail_command(browser, limits, inner, info=info, compiled=compiled)
        return Command(jail.arguments, jail.environment, (control, host, *jail.descriptors))
    assert scratch is not None
    if mechanism == "landlock":
        options["landlock"] = _landlock_options(browser, limits, Path(scratch))
        command = _landlock_python(browser, Path(scratch), start, json.dumps(options))
        return Command(command, _environment(options["landlock"]["scratch"]), (control, host))
    path = ":".join(dict.fromkeys(str(source.parent) for source in packages(browser)))
    command = python_command(path, start, json.dumps(options), make=_MAKE_HOME)
    return Command(command, _environment(scratch), (control, host))


def zygote_command(*, control: int, host: int, info: int) -> Command:
    """Return the command that starts a zygote, which forks workers without a browser. Arguments as for a worker.

    It stands in a bubblewrap jail without a seccomp filter: it runs no code of others, and each worker that it forks
    enters namespaces and a filter of its own first.
    """
    inner = python_command(JAIL_PACKAGES, _START_ZYGOTE, json.dumps({"control": control, "host": host}))
    jail = jail_command(None, SandboxLimits(scratch_mb=1), inner, info=info, filtered=False)
    return Command(jail.arguments, jail.environment, (control, host, *jail.descriptors))


def process_limits(limits: SandboxLimits, *, alone: bool) -> dict[str, Any]:
    """Return the limits that the processes of a worker set for themselves.

    Args:
        limits: Those of the worker.
        alone: It has no browser.
    """
    return {
        **({"address_mb": limits.memory_mb + _ADDRESS_MB} if alone else {}),
        "data_mb": min(_DATA_MB, limits.memory_mb) if alone else _DATA_MB,
        "cpu_seconds": limits.cpu_seconds,
        "tasks": limits.processes if alone else limits.processes * _TASKS_PER_PROCESS,  # threads count, too
        "file_mb": limits.scratch_mb,
        "files": _WEB_FILES if alone else WORKER_FILES,
    }


def landlock_command(
    browser: Browser | None, limits: SandboxLimits, directory: Path, inner: str | list[str]
) -> Command:
    """Return a command that runs Python code, or a command, in the Landlock jail.

    Args:
        browser: The jail shows its files.
        limits: Those that are fixed at the start.
        directory: New and empty; it is removed in the end.
        inner: The code or the command.
    """
    options = _landlock_options(browser, limits, directory)
    if isinstance(inner, str):
        inner = python_command(f"{directory}/packages", inner)
    command = _landlock_python(browser, directory, _START_LANDLOCK, json.dumps(options), *inner)
    return Command(command, _environment(options["scratch"]), ())


def _landlock_options(browser: Browser | None, limits: SandboxLimits, directory: Path) -> dict[str, Any]:
    """Return the options of the Landlock jail. Python lists the directories it imports from, so packages are links."""
    packages, scratch = directory / "packages", directory / "scratch"
    tasks = limits.processes * _TASKS_PER_PROCESS
    return {"read": [*readable(browser), str(packages)], "scratch": str(scratch), "tasks": tasks}


def _landlock_python(browser: Browser | None, directory: Path, code: str, *arguments: str) -> list[str]:
    sources = ":".join(map(str, packages(browser)))
    return python_command(
        f"{directory}/packages", code, *arguments, make=_MAKE_LANDLOCK, made=(str(directory), sources)
    )


def python_command(path: str, code: str, *arguments: str, make: str = "", made: tuple[str, ...] = ()) -> list[str]:
    """Return a command that runs Python code with only the standard library and ``path`` to import from.

    Args:
        make: Code to run before all else.
        made: The arguments of that code.
    """
    return [str(interpreter()), "-I", "-S", "-B", "-X", "utf8", "-c", make + _PATH + code, *made, path, *arguments]


def jail_command(
    browser: Browser | None,
    limits: SandboxLimits,
    inner: list[str],
    *,
    info: int | None = None,
    compiled: Path | None = None,
    compiling: bool = False,
    filtered: bool = True,
) -> Command:
    """Return a command that runs another one in the bubblewrap jail.

    The jail does not end with this program by itself; a worker sees to that. If bubblewrap is told to die with its
    parent, and does so during its start, its child waits for it forever.

    Args:
        browser: The jail shows its files.
        limits: Those that are fixed at the start.
        inner: The command.
        info: For a worker: a descriptor to which bubblewrap writes the pid of the jail's first process, which then is
            the command itself.
        compiled: Directory of the driver's compiled code.
        compiling: Let the driver write to that directory; only if nothing else runs in the jail.
        filtered: Install the seccomp filter.
    """
    arguments = [*_reaping(), find_bubblewrap(), *_namespaces(), *_file_system(browser, limits)]
    if compiled is not None:
        arguments += ["--bind" if compiling else "--ro-bind-try", str(compiled), JAIL_COMPILED]
        arguments += ["--setenv", "NODE_COMPILE_CACHE", JAIL_COMPILED] if compiling else []
    # bubblewrap leaves its root and /dev writable, which would be memory without a limit
    arguments += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", _SCRATCH]
    descriptors = []
    if info is not None:
        arguments += ["--as-pid-1", "--info-fd", str(info)]
        descriptors.append(info)
    filter_file = _filter_file() if filtered else None
    if filter_file is not None:
        arguments += ["--seccomp", str(filter_file)]
        descriptors.append(filter_file)
    for name, value in _environment(_SCRATCH).items():
        arguments += ["--setenv", name, value]
    return Command([*arguments, "--", *inner], {}, tuple(descriptors))


def _reaping() -> list[str]:
    """Return what to put before a command that must see the end of its children, as bubblewrap must.

    It does not where this program ignores SIGCHLD, which children inherit.
    """
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123  as in usage.py
        ignored = next((int(line.split()[1], 16) for line in file if line.startswith("SigIgn:")), 0)
    if not ignored & (1 << (signal.SIGCHLD - 1)):
        return []
    return [str(interpreter()), "-I", "-S", "-B", "-c", _HEED_CHILDREN]


def _environment(scratch: str) -> dict[str, str]:
    return {"HOME": scratch, "TMPDIR": scratch, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


def _namespaces() -> list[str]:
    return [
        *("--unshare-all", "--unshare-user", "--new-session", "--clearenv"),
        *("--cap-drop", "ALL", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox"),
    ]


def _file_system(browser: Browser | None, limits: SandboxLimits) -> list[str]:
    size = str(limits.scratch_mb * _MIB)
    arguments = ["--proc", "/proc", "--dev", "/dev", "--size", size, "--perms", "1777", "--tmpfs", "/dev/shm"]  # noqa: S108  the jail's own
    arguments += ["--size", size, "--perms", "0700", "--tmpfs", _SCRATCH, "--symlink", _SCRATCH.lstrip("/"), "/tmp"]  # noqa: S108  the jail's own
    for name in _KERNEL_SETTINGS:
        arguments += ["--ro-bind-try", f"/proc/{name}", f"/proc/{name}"]
    for path in (*system_libraries(), *python_files(interpreter()), *public_files(browser)):
        arguments += _show(Path(path))
    for source in packages(browser):
        arguments += ["--ro-bind", str(source), f"{JAIL_PACKAGES}/{source.name}"]
    if browser is not None and browser_path(browser) != str(browser.executable):
        arguments += ["--ro-bind", str(browser.root), JAIL_BROWSER]
    return arguments


def _show(path: Path) -> list[str]:
    if path.is_symlink() and path.parent == Path("/"):
        return ["--symlink", str(path.readlink()), str(path)]
    return ["--ro-bind", str(path.resolve()), str(path)] if path.exists() else []


def _filter_file() -> int | None:
    filter_program = seccomp.program()
    if filter_program is None:
        return None
    descriptor, writing = os.pipe()  # no file: this program's limit on their size would count
    try:
        os.write(writing, filter_program)
    finally:
        os.close(writing)
    return descriptor
