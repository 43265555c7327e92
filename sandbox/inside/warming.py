"""Runs of our own before any fork: what they make Python, the parser and the allocator prepare, each fork then has.

CPython 3.11 rewrites the code that it runs often. Where that happens in each fork anew, it costs a third of a run, and
memory that the fork shared with its parent until then.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import sys
from pathlib import Path

from sandbox.inside.dispatch import Dispatcher
from sandbox.inside.process_reset import ProcessBaseline
from sandbox.inside.web_harness import WebHarness
from sandbox.protocol import Channel, Message

ROUNDS = 6
"""The number of runs after which another prepares nothing more."""

_ROWS = "".join(
    f"<tr class=item><td><a href='/item/{n}'>Thing <b>number</b> {n}</a><td class=price>{n},50 €" for n in range(10)
)
_ENTRIES = "".join(
    f"<li class=entry><h2>Person {n}</h2><p>{'Something that was said once. ' * 5}</p>" for n in range(10)
)
_PAGE = f"""\
<!doctype html><title>Things</title><style>.gone {{ display: none }}</style>
<nav><ul><li><a href="/">Home</a></ul></nav>
<h1>Things</h1><table><thead><tr><th>Name<th>Price<tbody>{_ROWS}</table><ul>{_ENTRIES}</ul><p>20 entries</p>
<form action="/search"><label>Word <input name=word></label><select name=kind><option>all</select>
<button>Search</button></form>
<script type="application/ld+json">{json.dumps({"rows": [{"id": 1, "name": "first"}]})}</script>
"""
_CODE = """\
async def run(web, parameters, task):
    rows = []
    for number in range(2):
        page = await web.get("/", params={"page": number})
        rows += [(row.link().one.text, row.css(".price").one.text, row.link().one.href) for row in page.css("tr.item")]
        rows += [(entry.css("h2").one.text, entry.css("p").one.text, "") for entry in page.css("li.entry")]
    rows += [(row["Name"], row["Price"], "") for row in page.table("Name", "Price")]
    return await task.read([{"name": name, "price": price, "link": link} for name, price, link in rows])
"""
_RUN = {
    "code": _CODE, "name": "automation.py", "parameters": {"word": "thing"}, "start_url": "http://site.invalid/",
    "reusable": True, "maps": True, "reads": True, "idle_seconds": None, "context": {}, "pages": 10,
    "action_seconds": 30.0, "output_bytes": 1 << 20,
}  # fmt: skip


def warm_up(scratch: Path, baseline: ProcessBaseline) -> None:
    """Run an automation of our own once, on a page of our own, and remove its traces. It opens no connection.

    Args:
        scratch: As of `sandbox.inside.web_service.preload`.
        baseline: What that returned.
    """
    stdout = sys.stdout
    try:
        asyncio.run(_run(scratch, baseline))
    finally:
        sys.stdout = stdout


async def _run(scratch: Path, baseline: ProcessBaseline) -> None:
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    host = Channel(reader, writer, lambda message: _answer(host, message))
    dispatcher = await Dispatcher.open(theirs)
    harness = WebHarness(dispatcher.channel, scratch, baseline)
    dispatcher.answer, dispatcher.take_resource = harness.run, harness.take_resource
    serving = asyncio.gather(host.serve(), dispatcher.serve())
    answer = await host.request("run", **_RUN)
    if answer["error"] is not None:
        raise RuntimeError(f"the run that warms a zygote failed: {answer['error']}")
    host.close()
    dispatcher.channel.close()
    await serving
    await harness.renew()


def _answer(host: Channel, message: Message) -> None:
    headers = [["Content-Type", "text/html; charset=utf-8"], ["Set-Cookie", "seen=1; Path=/"]]
    if message["t"] == "http":
        host.reply(
            message, {"status": 200, "headers": headers, "body": base64.b64encode(_PAGE.encode()).decode(), "more": 0}
        )
