"""The worker: the program inside the jail. It sets limits, starts Playwright's driver, and then serves the host.

It ends with the control socket, and with the host: a process of its own watches them, so that neither busy code nor a
killed host leaves it behind. Only what is needed for that is imported here: the driver takes longest, the rest is done
meanwhile.
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

from sandbox.inside import driver

TYPE_CHECKING = False  # as in driver.py
if TYPE_CHECKING:
    from typing import Any

_MIB = 1 << 20
_SET_DUMPABLE = 4


def main() -> None:
    """Entry point; the host passes the options as JSON."""
    options = json.loads(sys.argv[1])
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # what the thread that started this blocks is its own affair
    _limit_resources(options)
    control = socket.socket(fileno=options["control"])
    control.set_inheritable(False)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    port = listener.getsockname()[1]
    if "landlock" in options:
        from sandbox.isolation import landlock

        landlock.enter(control, options["host"], port, **options["landlock"])
        watched = None
    else:
        watched = _leave_a_watchman(control, options["host"])
    playwright_driver = driver.start(options.get("compiled"))
    if watched is not None:
        os.read(watched, 1)
        os.close(watched)
    control.sendmsg([b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener.fileno()]))])
    listener.close()
    import asyncio

    from sandbox.inside.service import serve

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


def _leave_a_watchman(control: socket.socket, host: int) -> int:
    """Fork: the child goes on; the parent waits for the end of either side, and takes all with it.

    Returns:
        A descriptor that comes to its end when the parent can no longer be hindered.
    """
    ready, preparing = os.pipe()
    worker = os.fork()
    if worker == 0:
        os.close(preparing)
        os.close(host)
        return ready
    os.close(ready)
    alive = os.pidfd_open(worker)  # tells of its end even after it has been waited for
    if os.getpid() == 1:
        _become_untouchable()
    os.close(preparing)
    poll = select.poll()
    poll.register(control, select.POLLRDHUP)
    poll.register(host, select.POLLIN)
    poll.register(alive, select.POLLIN)
    poll.poll()
    if os.getpid() == 1:
        os._exit(1)  # the kernel ends all others
    import shutil

    from sandbox.isolation.usage import descendants

    for pid in set(descendants(os.getpid())) - {os.getpid()}:
        _kill(pid)
    shutil.rmtree(os.environ["HOME"], ignore_errors=True)
    os.killpg(0, signal.SIGKILL)
    raise AssertionError("it has ended")


def _become_untouchable() -> None:
    """The first process of a namespace can neither be killed nor stopped from inside; nor be written to, after this."""
    import ctypes

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the kernel keeps from it what it has no handler for
    # It is given all orphans. Only the time of those that are waited for counts as time of the jail.
    signal.signal(signal.SIGCHLD, lambda *_: _wait_for_orphans())
    if ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        os._exit(1)


def _wait_for_orphans() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
