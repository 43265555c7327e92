"""A site that takes orders and counts them, with the latency of a real one, for tests of many machines."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from tests.support.overlaps import Overlaps

ORDER = """\
async def run(web, parameters, task):
    await web.get(f"{task.start_url}begin/{parameters['key']}")
    async with task.irreversible("place the order", key=str(parameters["number"])):
        answer = await web.post(f"{task.start_url}orders", form={"number": str(parameters["number"])})
    return {"number": parameters["number"], "state": answer.json()["state"]}
"""
"""Automation without a browser: it opens the key's page, which takes long, and then places one order."""


class OrderSite:
    """The orders that came in, and the keys whose pages were open twice at once.

    Attributes:
        url: Its start.
        orders: The number of orders by their number.
        overlaps: The runs that worked on one key at once.
    """

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.orders: Counter[str] = Counter()
        self.overlaps = Overlaps()
        self.url = ""
        self._lock = threading.Lock()

    def order(self, number: str) -> None:
        """Count an order."""
        with self._lock:
            self.orders[number] += 1


@contextmanager
def order_site(latency: float) -> Iterator[OrderSite]:
    """Serve it on loopback."""
    site = OrderSite(latency)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/begin/"):
                site.overlaps.work(self.path.rpartition("/")[2], self.connection, site.latency)
            self._answer(b"<title>Orders</title><h1>Orders</h1>", "text/html")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            site.order(parse_qs(body)["number"][0])
            self._answer(b'{"state": "placed"}', "application/json")

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
