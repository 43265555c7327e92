"""Logins of real pages, in runs that may change nothing: they are sent, and what is no login is not."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from engine.execution.effects import writes
from sandbox import Automation, Egress, Outcome, Sandbox
from sandbox.results import BY_PAGE

in_module = pytest.mark.asyncio(loop_scope="module")

FIELDS = "<input name=u><input type=password name=p><button>Enter</button>"
HASH = "[...document.querySelector('[name=p]').value].reduce((sum, c) => sum * 31 + c.charCodeAt(0) | 0, 7)"
PAGES = {
    "/": f"""<form method=post action=/logon>{FIELDS}</form>
        <form method=post action=/authors/7/delete><button>Delete</button></form>
        <form method=post action=/sessions/12/cancel><button>Cancel</button></form>
        <form method=post action=/booking/session-2/pay><button>Pay</button></form>
        <form method=post action=/login><input name=a><button>Order</button></form>""",
    "/multipart": f"<form method=post action=/in enctype=multipart/form-data>{FIELDS}</form>",
    "/get": f"<form action=/in>{FIELDS}</form><form method=post action=/login><button>Order</button></form>",
    "/redirected": f"<form method=post action=/moved>{FIELDS}</form>",
    "/json": f"""<div>{FIELDS}</div><script>document.querySelector('button').onclick = async () => {{
        const [u, p] = [...document.querySelectorAll('input')].map((e) => e.value);
        await fetch('/api', {{method: 'POST', body: JSON.stringify({{name: u, phrase: p}})}});
        document.title = 'in';
        }}</script>""",
    "/hashed": f"""<form id=f>{FIELDS}</form><script>document.querySelector('#f').onsubmit = (event) => {{
        event.preventDefault();
        fetch('/api', {{method: 'POST', body: {HASH}}}).then(() => document.title = 'in');
        }}</script><button id=other onclick="fetch('/remember', {{method: 'POST', body: {HASH}}})">Remember</button>""",
    "/code": "<form method=post action=/code><input name=otp><button>Confirm</button></form>"
    "<form method=post action=/code><input name=a><button>Order</button></form>",
}


class Site(ThreadingHTTPServer):
    posted: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.answer(self.path.partition("?")[0])

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.posted.append(self.path)
        if self.path == "/moved":
            self.send_response(307)
            self.send_header("location", "/in")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        self.answer("/code" if self.path == "/logon" else "/in")

    def answer(self, path: str) -> None:
        body = f"<!doctype html><title>{path}</title>{PAGES.get(path, '')}".encode()
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def shop() -> Iterator[Site]:
    server = Site(("127.0.0.1", 0), Handler)
    server.posted = []
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def click(name: str) -> str:
    return f"await page.get_by_role('button', name={name!r}).click()\n"


FILL = "await page.locator('[name=u]').fill('ada')\nawait page.locator('[name=p]').fill(parameters['key'])\n"
ENTER = click("Enter")
IN = "await page.wait_for_function(\"document.title.endsWith('in')\")\n"
CODE = "await page.wait_for_function(\"document.title == '/code'\")\n"
SET = "await page.evaluate('(p) => { document.querySelector(\"[name=p]\").value = p }', parameters['key'])\n"
SENT = {
    "a form": ("/", FILL + ENTER + CODE, ["/logon"]),
    "by selector": (
        "/", "await page.fill('[name=p]', parameters['key'])\nawait page.click('button')\n" + CODE, ["/logon"],
    ),
    "typed": ("/", "await page.locator('[name=p]').press_sequentially(parameters['key'])\n" + ENTER + CODE, ["/logon"]),
    "typed with its line end": (
        "/", "await page.locator('[name=p]').type(parameters['key'] + '\\n')\n" + CODE, ["/logon"],
    ),
    "by keyboard": (
        "/",
        "await page.locator('[name=p]').focus()\nawait page.keyboard.type(parameters['key'])\n"
        "await page.keyboard.press('Enter')\n" + CODE,
        ["/logon"],
    ),
    "by mouse": (
        "/",
        FILL + "box = await page.locator('button').first.bounding_box()\n"
        "await page.mouse.click(box['x'] + 5, box['y'] + 5)\n" + CODE,
        ["/logon"],
    ),
    "by handle": (
        "/", "await (await page.query_selector('[name=p]')).fill(parameters['key'])\n"
        "await (await page.query_selector('button')).click()\n" + CODE, ["/logon"],
    ),
    "set by a script": ("/", SET + ENTER + CODE, ["/logon"]),
    "set and submitted by scripts": (
        "/", SET + "await page.evaluate('document.forms[0].submit()')\n" + CODE, ["/logon"],
    ),
    "a form in parts": ("/multipart", FILL + ENTER + IN, ["/in"]),
    "by GET": ("/get", FILL + ENTER + IN, []),
    "redirected": ("/redirected", FILL + ENTER + IN, ["/moved", "/in"]),
    "JSON": ("/json", FILL + ENTER + IN, ["/api"]),
    "hashed": ("/hashed", FILL + ENTER + IN, ["/api"]),
    "fetch of the code": (
        "/", "await page.evaluate(\"fetch('/api', {method: 'POST', body: JSON.stringify({password: 'x'})})\")",
        ["/api"],
    ),
    "a request of the code": (
        "/", "await page.request.post(task.start_url + 'in', form={'u': 'ada', 'password': parameters['key']})", ["/in"]
    ),
    "a one-time code": (
        "/", FILL + ENTER + CODE + "await page.locator('[name=otp]').fill('123456')\n" + click("Confirm") + IN,
        ["/logon", "/code"],
    ),
    "twice": (
        "/", FILL + ENTER + CODE + "await page.goto(task.start_url)\n" + FILL + ENTER + CODE, ["/logon", "/logon"],
    ),
}  # fmt: skip
BLOCKED = {
    "a deletion": ("/", FILL + click("Delete"), "/authors/7/delete"),
    "a cancellation": ("/", click("Cancel"), "/sessions/12/cancel"),
    "a payment": ("/", FILL + click("Pay"), "/booking/session-2/pay"),
    "an order at an address like a login's": ("/", FILL + click("Order"), "/login"),
    "an order after a login": (
        "/", FILL + ENTER + CODE + "await page.locator('[name=a]').fill('123456')\n" + click("Order"), "/code",
    ),
    "an order after a login by GET": (
        "/get", FILL + ENTER + IN + "await page.go_back()\n" + click("Order"), "/login",
    ),
    "a script beside the form of a password": ("/hashed", FILL + click("Remember"), "/remember"),
}  # fmt: skip


async def run_guarded(sandbox: Sandbox, shop: Site, path: str, body: str) -> Outcome:
    site = f"http://127.0.0.1:{shop.server_port}"
    code = "async def run(page, parameters, task):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    return await sandbox.run(
        Automation(code), {"key": "hunter 2ü"}, start_url=site + path, egress=Egress(allow=(site,)), hold_changes=True
    )


@in_module
@pytest.mark.parametrize("case", SENT)
async def test_login_is_sent_and_is_no_write(case: str, sandbox: Sandbox, shop: Site) -> None:
    path, body, posted = SENT[case]
    outcome = await run_guarded(sandbox, shop, path, body)
    assert outcome.ok, outcome.error
    assert shop.posted == posted
    expected = tuple(("POST", f"http://127.0.0.1:{shop.server_port}{place}") for place in posted)
    assert outcome.evidence.logins == outcome.evidence.state_changing == expected
    assert not writes(outcome.evidence)
    assert outcome.evidence.password_filled or "of the code" in case


@in_module
@pytest.mark.parametrize("case", BLOCKED)
async def test_change_beside_or_after_a_login_is_blocked(case: str, sandbox: Sandbox, shop: Site) -> None:
    path, body, place = BLOCKED[case]
    outcome = await run_guarded(sandbox, shop, path, body + "await page.wait_for_timeout(9000)")
    assert outcome.error is not None
    assert outcome.error.kind == "held", outcome.error
    assert outcome.error.message.removesuffix(BY_PAGE) == f"POST http://127.0.0.1:{shop.server_port}{place}"
    assert place not in shop.posted
    assert writes(outcome.evidence)
