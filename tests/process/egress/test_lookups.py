"""DNS lookups without an answer, which delay neither the program nor its end."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.support.paths import ROOT

# A resolver that does not answer takes half a minute and more for each name; no setting of a process shortens it.
PROGRAM = """
import asyncio, socket, threading, time
from sandbox import Egress
from sandbox.egress.proxy import EgressProxy

async def main():
    proxy = EgressProxy()
    proxy.bind(Egress())
    await proxy.serve(listener := socket.create_server(("127.0.0.1", 0)))
    clients = [socket.create_connection(listener.getsockname()) for _ in range(100)]
    socket.getaddrinfo = lambda *_, **__: time.sleep(600)
    for number, client in enumerate(clients):
        client.sendall(b"CONNECT name%d.example:443 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" % number)
    until = time.monotonic() + 60
    while threading.active_count() < 5 and time.monotonic() < until: await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)
    async with asyncio.timeout(60):
        print(await asyncio.to_thread(lambda: "free"), threading.active_count())
    proxy.close()

asyncio.run(main())
"""


def test_unanswered_lookups_delay_neither_the_program_nor_its_end() -> None:
    started = time.monotonic()
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=True)
    said, threads = done.stdout.split()
    assert said == "free"
    assert 2 < int(threads) < 20, "so many at one time, and all others wait"
    assert time.monotonic() - started < 300
