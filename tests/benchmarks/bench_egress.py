"""A download of 200 MB through the egress proxy, against the same download through a tunnel of that proxy, which relays
bytes without looking at them, and against one without a proxy. Ratios of medians; less is better.

Paired: in each round all three run, one after the other. Site and client are processes of their own. Goal: plain HTTP
takes at most 1.10 times as long as the tunnel. Run with `make bench`, or
`python -m tests.benchmarks.bench_egress --rounds 3`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from statistics import median

from sandbox import Egress
from sandbox.egress.proxy import EgressProxy
from tests.benchmarks.rounds import measure_in_rounds

GOAL = 1.10
SITE = """\
import socket
block = bytes(1 << 20)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    with connection:
        while b"\\r\\n\\r\\n" not in connection.recv(65536):
            pass
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % (200 << 20))
        for _ in range(200):
            connection.sendall(block)
"""
CLIENT = """\
import socket, sys, time
port, site, way = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3]
buffer = bytearray(1 << 20)
with socket.create_connection(("127.0.0.1", port)) as connection:
    started = time.perf_counter()
    if way == "tunnel":
        connection.sendall(b"CONNECT %s HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n" % (site, site))
        assert connection.recv_into(buffer)
    target = b"http://" + site if way == "plain" else b""
    connection.sendall(b"GET %s/ HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n" % (target, site))
    received = 0
    while received < 200 << 20:
        size = connection.recv_into(buffer)
        assert size
        received += size
    print(time.perf_counter() - started)
"""


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[int]:
    """The port of a site that another process serves."""
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", SITE, stdout=pipe)
    assert server.stdout is not None
    yield int(await server.stdout.readline())
    server.terminate()
    await server.wait()


async def download(port: int, name: str, way: str) -> float:
    """Seconds of one download."""
    pipe = asyncio.subprocess.PIPE
    client = await asyncio.create_subprocess_exec(sys.executable, "-c", CLIENT, str(port), name, way, stdout=pipe)
    output, _ = await client.communicate()
    return float(output)


async def compare(rounds: int) -> int:
    """Prints the ratios; 1 if the goal is missed."""
    times: dict[str, list[float]] = {"direct": [], "tunnel": [], "plain": []}
    async with site() as port:
        name = f"127.0.0.1:{port}"
        proxy = EgressProxy()
        proxy.bind(Egress(allow=(f"http://{name}",)))
        listener = socket.create_server(("127.0.0.1", 0))
        await proxy.serve(listener)
        for number in range(rounds + 1):
            for way, taken in times.items():
                seconds = await download(port if way == "direct" else listener.getsockname()[1], name, way)
                if number:  # the first round warms up
                    taken.append(seconds)
        proxy.close()
    direct, tunnel, plain = (median(taken) for taken in times.values())
    print(
        f"download of 200 MB, n={rounds}: direct {direct * 1000:.0f} ms, through a tunnel {tunnel * 1000:.0f} ms,"
        f" through the proxy {plain * 1000:.0f} ms: {plain / direct:.2f} of direct,"
        f" {plain / tunnel:.2f} of the tunnel (goal: at most {GOAL:.2f})"
    )
    return plain / tunnel > GOAL


if __name__ == "__main__":
    sys.exit(measure_in_rounds("bench_egress", compare, rounds=9))
