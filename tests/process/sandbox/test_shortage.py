"""Hard limits of the embedding program that are too low for a browser."""

from __future__ import annotations

import subprocess
import sys

from tests.support.paths import ROOT

PROGRAM = """
import os, resource
from sandbox import SandboxUnavailable
from sandbox.isolation.shortage import require_resources
for name, most in (("NOFILE", 68), ("AS", 8 << 30), ("DATA", 64 << 20), ("NOFILE", 1024)):
    if os.fork() == 0:
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
        try:
            require_resources()
        except SandboxUnavailable as error:
            print(error.problem, flush=True)
        os._exit(0)
    os.wait()
"""


def test_limit_that_is_too_low_is_named_with_its_number() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "this program is limited to 68 open files (`ulimit -Hn`), and a worker's browser needs 256",
        "this program is limited to 8192 MiB of address space (`ulimit -Hv`), and a worker's browser needs 262144",
        "this program is limited to 64 MiB of data (`ulimit -Hd`), and a worker's browser needs 1024",
    ]
