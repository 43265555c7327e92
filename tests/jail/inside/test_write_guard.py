"""The write guard in a real browser: nothing of a blocked request is sent."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from sandbox import Automation, Egress, Outcome, Sandbox, SandboxLimits
from sandbox.results import BY_PAGE

in_module = pytest.mark.asyncio(loop_scope="module")
PAGE = """<!doctype html><title>t</title>
<script>fetch('/opened', {method: 'POST', body: 'x'})</script>
<form method=post action=/order><input name=a><button>Order</button></form>
<form method=post action=/in><input name=u><input type=password name=p><button>Enter</button></form>
<form method=get action=/find><input name=q><button>Find</button></form>
<button id=js onclick="fetch('/items/3', {method: 'DELETE'}).then(() => done())">Delete</button>
<button id=graph onclick='fetch("/api", {method: "POST", body: JSON.stringify({query: "{ towns }"})})'>Towns</button>
<button id=beacon onclick="navigator.sendBeacon('/seen', 'x')">Beacon</button>"""


class Shop(ThreadingHTTPServer):
    changes: list[str]


@pytest.fixture
def shop() -> Iterator[Shop]:
    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if self.raw_requestline and self.parse_request():
                self.answer()
            self.close_connection = True

        def answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            self.rfile.read(length)
            if self.command != "GET":
                server.changes.append(f"{self.command} {self.path}")
            body = PAGE.encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = Shop(("127.0.0.1", 0), Handler)
    server.changes = []
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


ORDER = "await page.get_by_role('button', name='Order').click({})\n"
ORDERED = "await page.wait_for_url('**/order')\n"
IDLE = "await page.wait_for_load_state('networkidle')\n"  # what the page sends by itself has been sent
ENTER = f"""\
await page.locator('[name=p]').fill('pw')
await page.get_by_role('button', name='Enter').click()
await page.wait_for_url('**/in')
{IDLE}"""
PUT = """\
try:
    await page.request.put(task.start_url + 'x', data='1')
except Exception:
    pass
"""
DELETE = "await page.locator('#js').click()\nawait page.wait_for_timeout(60_000)"
BLOCKED = {
    "a form": (ORDER.format("") + ORDERED, "POST /order"),
    "a form, and no wait": (ORDER.format("no_wait_after=True"), "POST /order"),
    "a script of the page": (DELETE, "DELETE /items/3"),
    "a script of the code": ('await page.evaluate("document.forms[0].submit()")\n' + ORDERED, "POST /order"),
    "a request of the code": (PUT, "PUT /x"),
    "after the login": (ENTER + ORDER.format("") + ORDERED, "POST /order"),
}
SENT = {
    "a login": ENTER,
    "a search": "await page.locator('[name=q]').fill('x')\nawait page.get_by_role('button', name='Find').click()\n"
    "await page.wait_for_url('**/find?*')",
    "a query": "await page.locator('#graph').click()\nawait page.wait_for_timeout(300)",
    "a beacon": "await page.locator('#beacon').click()\nawait page.wait_for_timeout(300)",
    "nothing": "await page.wait_for_timeout(300)",
}


async def run_guarded(sandbox: Sandbox, shop: Shop, body: str, *, hold_changes: bool = True) -> Outcome:
    site = f"http://127.0.0.1:{shop.server_port}"
    code = "async def run(page, parameters, task):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    egress = Egress(allow=(site,))
    return await sandbox.run(
        Automation(code), {}, start_url=f"{site}/", egress=egress, hold_changes=hold_changes,
        limits=SandboxLimits(action_seconds=60),
    )  # fmt: skip


@in_module
@pytest.mark.parametrize("case", BLOCKED)
async def test_request_that_may_change_something_is_blocked(case: str, sandbox: Sandbox, shop: Shop) -> None:
    body, what = BLOCKED[case]
    outcome = await run_guarded(sandbox, shop, body)
    assert outcome.error is not None
    assert outcome.error.kind == "held", outcome.error
    method, path = what.split()
    assert outcome.error.message.removesuffix(BY_PAGE) == f"{method} http://127.0.0.1:{shop.server_port}{path}"
    assert set(shop.changes) <= {"POST /opened", "POST /in"}
    assert outcome.seconds < 50, "it does not wait for an answer that never comes"


@in_module
@pytest.mark.parametrize("case", SENT)
async def test_reads_and_requests_of_the_page_itself_are_sent(case: str, sandbox: Sandbox, shop: Shop) -> None:
    outcome = await run_guarded(sandbox, shop, IDLE + SENT[case])
    assert outcome.ok, outcome.error
    assert "POST /opened" in shop.changes


@in_module
async def test_run_without_guard_sends_everything(sandbox: Sandbox, shop: Shop) -> None:
    outcome = await run_guarded(sandbox, shop, BLOCKED["a form"][0], hold_changes=False)
    assert outcome.ok, outcome.error
    assert "POST /order" in shop.changes
