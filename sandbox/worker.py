"""The worker: the program inside the jail. It sets limits, starts Playwright's driver, and then serves the host.

It ends with the control socket: a process of its own watches that, so that neither busy code nor a killed host
leaves it behind. Only what is needed for that is imported here: the driver takes longest, the rest is done meanwhile.
"""

from __future__ import annotations

import array
import json
import os
import resource
import select
import signal
import socket
import sys

from sandbox import driver

TYPE_CHECKING = False  # as in driver.py
if TYPE_CHECKING:
    from typing import Any

_MIB = 1 << 20
_JAIL_SCRATCH = "/scratch"


def main() -> None:
    """Entry point; the host passes the options as JSON."""
    options = json.loads(sys.argv[1])
    _limit_resources(options)
    control = socket.socket(fileno=options["control"])
    control.set_inheritable(False)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    port = listener.getsockname()[1]
    if "landlock" in options:
        from sandbox import landlock

        landlock.enter(control, port, **options["landlock"])
    else:
        _leave_a_watchman(control)
    playwright_driver = driver.start(options.get("compiled"))
    control.sendmsg([b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener.fileno()]))])
    listener.close()
    import asyncio

    from sandbox.service import serve

    asyncio.run(serve(control, port, options, playwright_driver))


def _limit_resources(options: dict[str, Any]) -> None:
    cpu = int(options["cpu_seconds"]) + 1
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_DATA: options["data_mb"] * _MIB,
        resource.RLIMIT_FSIZE: options["file_mb"] * _MIB,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NOFILE: 4096,
    }
    if options["tasks"]:
        limits[resource.RLIMIT_NPROC] = options["tasks"]
    for kind, wanted in limits.items():
        hard = resource.getrlimit(kind)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (value, value))


def _leave_a_watchman(control: socket.socket) -> None:
    """Fork: the child goes on; the parent waits for the end of either side, and takes all with it."""
    worker = os.fork()
    if worker == 0:
        return
    poll = select.poll()
    poll.register(control, select.POLLRDHUP)
    poll.register(os.pidfd_open(worker), select.POLLIN)
    poll.poll()
    home = os.environ["HOME"]
    if home != _JAIL_SCRATCH:  # no namespaces that end with it
        import shutil

        from sandbox.usage import descendants

        for pid in set(descendants(os.getpid())) - {os.getpid()}:
            _kill(pid)
        shutil.rmtree(home, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
