"""The protections of each jail, and their gaps: for `probe`, `webtasks doctor` and those who approve its use."""

from __future__ import annotations

from typing import Literal, NamedTuple

from sandbox.isolation import landlock
from sandbox.isolation.mechanism import Mechanism

State = Literal["full", "partly", "none"]


class Protection(NamedTuple):
    """The degree to which something is protected from the code that is run.

    Attributes:
        name: The thing that is protected.
        state: The degree.
        detail: The means, and the gaps.
    """

    name: str
    state: State
    detail: str


_COMMON = (
    Protection("environment", "full", "it starts empty: no variable of yours, no key"),
    Protection("network", "full", "one way out, the proxy with its rules; no other socket reaches anything"),
    Protection("local sockets", "full", "databases, agents and daemons that listen on Unix sockets are out of reach"),
)
_END = Protection("end", "full", "all processes end with the run, and with your program, even if that is killed")
_BUBBLEWRAP = (
    Protection("files", "full", "it sees libraries, Python and the browser, read-only, and a scratch directory"),
    Protection("other processes", "full", "it sees none but its own"),
    Protection("kernel", "full", "namespaces of its own, no capabilities, and rarely used system calls are closed"),
    Protection("disk", "full", "its scratch directory is memory of a fixed size; the number of files is watched"),
    Protection("limits", "full", "limits of the kernel, and a watch a few times a second"),
    Protection("browser", "full", "Chromium's own sandbox is on where the kernel lets it nest namespaces"),
)
_LANDLOCK = (
    Protection(
        "files",
        "partly",
        "it reads libraries, Python and the browser and writes a scratch directory; of other files that you may look up"
        " it can learn that they exist, their sizes and times, and where links point",
    ),
    Protection(
        "kernel", "partly", "no capabilities, and many system calls are closed, but it shares the host's namespaces"
    ),
    Protection("disk", "partly", "its scratch directory is on your disk, and watched: a burst can pass the limit"),
    Protection("limits", "full", "tasks are counted as they start; memory is watched"),
    Protection("browser", "partly", "Chromium's own sandbox needs namespaces and is off: the jail alone holds it"),
)
_PROCESSES = (
    "it cannot read, trace or change them, nor signal them; it can see their numbers",
    "it cannot read, trace or change them, but it can see their numbers and signal those of your own user:"
    " Linux 6.12 or newer prevents that",
)
_WEAKER_END = Protection(
    "end",
    "partly",
    "all processes end with the run, and with your program, unless the code of another run kills what ends them:"
    " Linux 6.12 or newer prevents that",
)
_NONE = "the code runs as you"


def protections(mechanism: Mechanism) -> tuple[Protection, ...]:
    """Return the protections of a mechanism on this machine, in a fixed order."""
    found: tuple[Protection, ...]
    if mechanism == "bubblewrap":
        found = (*_COMMON, _END, *_BUBBLEWRAP)
    elif mechanism == "landlock":
        scopes = landlock.scopes()
        processes = Protection("other processes", "partly", _PROCESSES[0 if scopes else 1])
        found = (*_COMMON, _END if scopes else _WEAKER_END, *_LANDLOCK, processes)
    else:
        found = tuple(Protection(each.name, "none", _NONE) for each in (*_COMMON, _END, *_BUBBLEWRAP))
    order = [each.name for each in (*_BUBBLEWRAP[:2], *_COMMON, _END, *_BUBBLEWRAP[2:])]
    return tuple(sorted(found, key=lambda each: order.index(each.name)))
