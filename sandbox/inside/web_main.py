"""A worker without a browser that is started by itself, where none can be forked."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

from sandbox.inside.main import fork_watchdog, limit_resources, reset_inherited_state
from sandbox.inside.web_service import preload, run_service
from sandbox.isolation.sealing import seal_web


def main() -> None:
    """Run the worker; the host passes its options as JSON in the first argument."""
    options = json.loads(sys.argv[1])
    reset_inherited_state()
    limit_resources(options)
    control = socket.socket(fileno=options["control"])
    control.set_inheritable(False)
    scratch = Path(os.environ["HOME"])
    baseline = preload(scratch)
    if "landlock" in options:
        from sandbox.isolation import landlock

        landlock.enter(control, options["host"], 0, **options["landlock"])
    else:
        watched = fork_watchdog(control, options["host"])
        os.read(watched, 1)  # until it cannot be stopped any more
        os.close(watched)
    if options["sealed"]:
        seal_web()
    control.send(b"\n")
    run_service(control, scratch, baseline)
