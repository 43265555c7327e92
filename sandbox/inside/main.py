"""The worker, which is the program in the jail: it sets limits, starts Playwright's driver, and then serves the host.

It ends with the control socket, and with the host: a process of its own watches both, so that neither busy code nor a
killed host leaves the worker behind. Only what is needed for that is imported here: the driver takes longest to start,
and the rest is imported meanwhile.
"""

from __future__ import annotations

import array
import contextlib
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
_STACK = 8 * _MIB
_SET_DUMPABLE = 4
_SPARED = "/proc/self/oom_score_adj"


def main() -> None:
    """Run the worker; the host passes its options as JSON in the first argument."""
    options = json.loads(sys.argv[1])
    reset_inherited_state()
    limit_resources(options)
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
        watched = fork_watchdog(control, options["host"])
    playwright_driver = driver.start(options.get("compiled"))
    if watched is not None:
        os.read(watched, 1)
        os.close(watched)
    control.sendmsg([b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener.fileno()]))])
    listener.close()
    import asyncio

    from sandbox.inside.service import serve

    asyncio.run(serve(control, port, options, playwright_driver))


def reset_inherited_state() -> None:
    """Start from the same state whatever the host has set: ignored and blocked signals, its umask, soft limits, rank.

    A program that runs with a lower priority than usual (``nice``) was given that on purpose, and nothing but root may
    take it back: its jails share it. No jail has a higher one, or is spared when memory runs out.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:  # Python ignores these itself
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.umask(0o022)
    with contextlib.suppress(OSError):
        if os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    with contextlib.suppress(OSError):
        if os.getpriority(os.PRIO_PROCESS, 0) < 0:
            os.setpriority(os.PRIO_PROCESS, 0, 0)
    with contextlib.suppress(OSError, ValueError), open(_SPARED, "r+", encoding="ascii") as file:  # noqa: PTH123  pathlib takes long
        if int(file.read()) < 0:
            file.seek(0)
            file.write("0")
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_RSS):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (hard, hard))
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (_STACK if hard == resource.RLIM_INFINITY else min(_STACK, hard), hard))


def limit_resources(options: dict[str, Any]) -> None:
    """Set the resource limits of this process and its children, as far as the host's own let it."""
    cpu = int(options["cpu_seconds"]) + 1
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_DATA: options["data_mb"] * _MIB,
        resource.RLIMIT_FSIZE: options["file_mb"] * _MIB,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NOFILE: options["files"],
    }
    if options["tasks"]:
        limits[resource.RLIMIT_NPROC] = options["tasks"]
    if "address_mb" in options:
        limits[resource.RLIMIT_AS] = options["address_mb"] * _MIB
    for kind, wanted in limits.items():
        hard = resource.getrlimit(kind)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (value, value))


def fork_watchdog(control: socket.socket, host: int) -> int:
    """Fork; the child goes on as the worker, the parent waits for the end of either side and then ends the jail.

    Returns:
        A descriptor that is closed on the other side as soon as the parent cannot be stopped any more.
    """
    ready, preparing = os.pipe()
    worker = os.fork()
    if worker == 0:
        os.close(preparing)
        os.close(host)
        return ready
    os.close(ready)
    alive = os.pidfd_open(worker)  # shows its end even after it has been waited for
    if os.getpid() == 1:
        _protect_first_process()
    os.close(preparing)
    poll = select.poll()
    poll.register(control, select.POLLRDHUP)
    poll.register(host, select.POLLIN)
    poll.register(alive, select.POLLIN)
    poll.poll()
    if os.getpid() == 1:
        os._exit(1)  # the kernel ends all other processes of the namespace
    import shutil

    from sandbox.isolation.usage import descendants

    for pid in set(descendants(os.getpid())) - {os.getpid()}:
        _kill(pid)
    shutil.rmtree(os.environ["HOME"], ignore_errors=True)
    os.killpg(0, signal.SIGKILL)
    raise AssertionError("unreachable: the signal ends this process, too")


def _protect_first_process() -> None:
    """Make this process unreadable and unwritable for others. The kernel already keeps their signals from it."""
    import ctypes

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # signals without a handler are kept from it
    # It inherits all orphans, and the jail's CPU time counts only those that were waited for.
    signal.signal(signal.SIGCHLD, lambda *_: reap_children())
    if ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        os._exit(1)


def reap_children() -> None:
    """Wait for the children that have ended."""
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
