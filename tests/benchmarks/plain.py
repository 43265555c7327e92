"""A shop of plain pages, served by a process of its own: an index of twenty links, and the page behind each.

What a page itself costs is the same with and without the sandbox; on pages that cost little, the rest can be seen.
"""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ITEMS = 20


class Shop(BaseHTTPRequestHandler):
    """Answers on connections that stay open, as servers do."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """A page."""
        number = self.path.removeprefix("/item/")
        if self.path == "/":
            title = "Shop"
            links = (f'<li class=item><a href="/item/{n}">Item {n}</a></li>' for n in range(ITEMS))
            body = f"<h1>Shop</h1><ul>{''.join(links)}</ul>"
        else:
            title = f"Item {number}"
            body = f"<h1 class=name>{title}</h1><p class=price>{number}.99</p><p class=about>About item {number}</p>"
        page = f"<!doctype html><html><head><title>{title}</title></head><body>{body}</body></html>".encode()
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        print("ready", f"http://127.0.0.1:{server.server_port}/", sep="\n", flush=True)
        server.serve_forever()
