"""The automation that tries all attacks in a worker; what follows the marker runs there, behind the attacks' source."""

from __future__ import annotations

from pathlib import Path

from engine.testing.conformance import attacks
from engine.testing.conformance.attacks import ATTACKS, LIBC, WITHOUT_A_BROWSER, checked
from sandbox.kinds import AutomationKind

_MARKER = "# In the worker" + "\n"


def automation(kind: AutomationKind) -> str:
    """Return the source of the automation, for a worker with a browser (``page``) or without (``web``)."""
    _, _, own = Path(__file__).read_text("utf-8").partition(_MARKER)
    own = own.replace("async def run(page", f"async def run({kind}")
    return f"{Path(attacks.__file__).read_text('utf-8')}\n\nkind = {kind!r}\n{own}"


kind = "page"

# In the worker
import asyncio  # noqa: E402  the imports of the worker's part
import ctypes  # noqa: E402  as above
import os  # noqa: E402  as above
import socket  # noqa: E402  as above
import struct  # noqa: E402  as above
import sys  # noqa: E402  as above
import time  # noqa: E402  as above
from typing import Any  # noqa: E402  as above


def sockets() -> list[list[int]]:
    """Family and kind of every socket that can be made."""
    made = []
    for family in range(46):
        for kind in (1, 2, 3, 5):
            try:
                socket.socket(family, kind).close()
            except OSError:
                continue
            made.append([family, kind])
    return made


def state() -> dict[str, object]:
    """Return the kernel's status of this process."""
    capabilities = ctypes.create_string_buffer(24)
    checked(LIBC.capget(struct.pack("<II", 0x20080522, 0), capabilities))
    return {
        "environment": sorted(os.environ),
        "capabilities": capabilities.raw.hex(),
        "no_new_privileges": LIBC.prctl(39, 0, 0, 0, 0),
        "seccomp": LIBC.prctl(21, 0, 0, 0, 0),
        "modules": [name for name in sys.modules if name.startswith("engine")],
    }


async def run(page: Any, parameters: dict[str, Any], task: Any) -> dict[str, Any]:
    before, results = state(), {}
    task.log("ready")
    await asyncio.sleep(0.01)
    for name, function in {**ATTACKS, **(WITHOUT_A_BROWSER if kind == "web" else {})}.items():
        started = time.monotonic()
        try:
            results[name] = [True, repr(function(parameters))[:200], time.monotonic() - started]
        except BaseException as error:  # noqa: BLE001  an attack that fails is a result
            results[name] = [False, repr(error)[:200], time.monotonic() - started]
    return {"results": results, "sockets": sockets(), "state": before}
