"""The zygote, from which workers without a browser are forked: everything is imported, and no user's code ever runs.

It is the first process of a bubblewrap jail. Each worker is a child of it, the first and only process in namespaces of
its own; it can start no other. When the host ends, or closes the control socket, the zygote ends, and the
kernel ends all workers with it, whatever they do.

Forks share with each other the seed of Python's hashes and the layout of their address space; see docs/sandbox.md.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

from sandbox.inside.main import limit_resources, reap_children, reset_inherited_state
from sandbox.inside.process_reset import ProcessBaseline
from sandbox.inside.warming import ROUNDS, warm_up
from sandbox.inside.web_service import preload, run_service
from sandbox.isolation import sealing, seccomp

FORK_BYTES = 1 << 16
"""The longest request for a worker."""

_NEW_USER, _NEW_PID, _NEW_MOUNTS, _NEW_NET, _NEW_IPC, _NEW_UTS = (
    0x10000000, 0x20000000, 0x00020000, 0x40000000, 0x08000000, 0x04000000,
)  # fmt: skip
_NAMESPACES = _NEW_USER | _NEW_PID | _NEW_MOUNTS | _NEW_NET | _NEW_IPC | _NEW_UTS
_NO_SUID, _NO_DEVICES, _NO_EXEC, _READ_ONLY = 2, 4, 8, 1
_SCRATCH = "/scratch"
_IDLE_MS = 50  # without a request for a fork, after which it warms up


def main() -> None:
    """Serve the host until it ends or closes the control socket."""
    options = json.loads(sys.argv[1])
    reset_inherited_state()
    control = socket.socket(fileno=options["control"])
    baseline = preload(Path(_SCRATCH))
    gc.collect()
    gc.freeze()  # later collections would write to memory that is shared with the workers
    signal.signal(signal.SIGCHLD, lambda *_: reap_children())
    seccomp.web_program(1)  # which each worker needs: it is remembered
    ids = os.getuid(), os.getgid()  # which a process in a new user namespace does not see before it has written them
    control.send(b"\n")
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(options["host"], select.POLLIN)
    warmings = 0  # none before the first fork, which is waited for
    while True:
        events = dict(poll.poll(_IDLE_MS if 0 < warmings <= ROUNDS else None))
        if options["host"] in events:
            os._exit(0)
        if not events:
            baseline = _warmed(baseline, last=warmings == ROUNDS)
            warmings += 1
            continue
        warmings = warmings or 1
        request, descriptors, _, _ = socket.recv_fds(control, FORK_BYTES, 2)
        if not request:
            os._exit(0)
        if sealing.fork_into(_NAMESPACES) == 0:
            for descriptor in (control.fileno(), options["host"]):
                os.close(descriptor)
            _end_with_trace(partial(_become_worker, request, descriptors, baseline, ids))
        for descriptor in descriptors:
            os.close(descriptor)


def _warmed(baseline: ProcessBaseline, *, last: bool) -> ProcessBaseline:
    """Do a run of our own; return the state of the process that each run of a worker is to find from now on."""
    warm_up(Path(_SCRATCH), baseline)
    if not last:
        return baseline
    gc.collect()
    gc.freeze()
    return ProcessBaseline((Path(_SCRATCH),))


def _end_with_trace(work: Callable[[], None]) -> NoReturn:
    """Do the work of a process, and end the process; an error is printed."""
    code = 0
    try:
        work()
    except BaseException:  # noqa: BLE001  nothing of the zygote's may run on in a fork
        import traceback

        code = 1
        with contextlib.suppress(OSError):
            traceback.print_exc()
    os._exit(code)


def _become_worker(request: bytes, descriptors: list[int], baseline: ProcessBaseline, ids: tuple[int, int]) -> None:
    """Take the descriptors that came with the request, confine this process, and serve the host."""
    control, output = descriptors
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    uid, gid = ids
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        Path("/proc/self", name).write_text(text, encoding="ascii")
    options = json.loads(request)
    size = f"size={options['file_mb']}m,mode=700"
    sealing.mount_tmpfs(_SCRATCH, _NO_SUID | _NO_DEVICES, size)
    sealing.mount_tmpfs("/proc", _NO_SUID | _NO_DEVICES | _NO_EXEC | _READ_ONLY, "size=4k,mode=555")
    os.chdir(_SCRATCH)
    handle = os.pidfd_open(os.getpid())
    scratch = os.open(_SCRATCH, os.O_RDONLY | os.O_DIRECTORY)
    limit_resources(options)
    vars(tempfile)["_name_sequence"] = None  # Python's random numbers are seeded anew in a fork, but for these
    channel = socket.socket(fileno=control)
    sealing.seal_web()
    socket.send_fds(channel, [b"\n"], [handle, scratch])
    os.close(handle)
    os.close(scratch)
    run_service(channel, Path(_SCRATCH), baseline)
