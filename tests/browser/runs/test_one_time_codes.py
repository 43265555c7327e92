"""Logins with a one-time code: its request is part of the login, and a code that is not taken is told as that."""

from __future__ import annotations

from types import SimpleNamespace

from engine.diagnosis.triage import site_cause
from engine.execution.effects import writes
from fixtures_sites.http import Request, Response
from fixtures_sites.server import FixtureServer, Site
from sandbox import Automation, Egress
from tests.support.warm import LentSandbox

SECRET = "JBSWY3DPEHPK3PXP"
LOGIN = {"user": "anna", "password": "pw-anna-7781", "totp_secret": SECRET}
BANK = Site("bank", about="a login with a one-time code", state=lambda: SimpleNamespace(used=False), versions=("v1",))
ASK = (
    "<form method=post action=/login><label>User <input name=user></label>"
    "<label>Password <input type=password name=password></label><button>Sign in</button></form>"
)
VERIFY = "<form method=post action=/verify><label>6-digit code <input name=code></label><button>Verify</button></form>"


@BANK.route("/")
def sign_in(request: Request) -> str:
    return f"<title>Sign in</title><h1>Sign in</h1>{ASK}"


@BANK.route("/login", methods=("POST",))
def take_password(request: Request) -> Response | str:
    return f"<title>Verify</title><h1>Two-step verification</h1>{VERIFY}"


@BANK.route("/verify", methods=("POST",))
def take_code(request: Request) -> Response | str:
    if request.state.used or len(request.form["code"]) != 6:
        return f"<title>Verify</title><p role=alert>This code was used already. Wait for the next one.</p>{VERIFY}"
    request.state.used = True
    return "<title>Invoices</title><h1>Invoices</h1><ul><li>R-1</li></ul>"


CODE = """\
async def run(page, parameters, task):
    await page.get_by_label("User").fill(parameters["user"])
    await page.get_by_label("Password").fill(parameters["password"])
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("6-digit code").fill(task.totp(parameters["totp_secret"]))
    await page.get_by_role("button", name="Verify").click()
    await page.get_by_role("heading", name="Invoices").wait_for(timeout=4000)
    return await page.get_by_role("listitem").all_inner_texts()
"""


async def test_code_is_part_of_the_login_and_a_second_use_is_told_as_one(warm: LentSandbox) -> None:
    with FixtureServer(BANK, version="v1", port=0, tls=False) as site:
        options = {"start_url": site.url, "egress": Egress(allow=(site.url.rstrip("/"),)), "hold_changes": True}
        good = await warm.run(Automation(CODE), LOGIN, **options)
        again = await warm.run(Automation(CODE), LOGIN, **options)
    assert good.value == ["R-1"], good.error
    assert not writes(good.evidence)
    cause = site_cause(again.error, again.evidence, start_url=site.url, login_expected=True)
    assert cause is not None
    assert (cause.reason, cause.transient) == ("one-time-code", True)
    assert "This code was used already" in cause.message
    assert cause.wait is not None
    assert 1 <= cause.wait <= 31
