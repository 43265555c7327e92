from typing import Any

import pytest

from engine.triage import site_cause
from sandbox import Evidence, ScriptError

URL = "http://site.test/list"
WAITED = ScriptError("TimeoutError", "Timeout 10000ms exceeded", kind="timeout")
LONG = "An article about everything under the sun. " * 100


def lost(error: str) -> ScriptError:
    return ScriptError("Error", f"Page.goto: net::{error} at {URL}", kind="navigation")


def page(**known: Any) -> Evidence:
    return Evidence(**{"url": URL, "title": "List", "text": LONG, "status": 200, "documents": ((URL, 200),)} | known)


@pytest.mark.parametrize(
    ("error", "evidence", "reason"),
    [
        (lost("ERR_EMPTY_RESPONSE"), page(status=None, documents=(), main_refused="dns"), "dns"),
        (lost("ERR_NAME_NOT_RESOLVED"), page(status=None, documents=()), "dns"),
        (lost("ERR_EMPTY_RESPONSE"), page(status=None, main_refused="refused"), "connection-refused"),
        (lost("ERR_EMPTY_RESPONSE"), page(status=None, main_refused="timeout"), "site-timeout"),
        (lost("ERR_CERT_DATE_INVALID"), page(status=None), "tls"),
        (lost("ERR_TOO_MANY_REDIRECTS"), page(status=302), "redirect-loop"),
        (lost("ERR_EMPTY_RESPONSE"), page(status=None, documents=()), "connection-lost"),
        (lost("ERR_EMPTY_RESPONSE"), page(main_refused="policy: private address"), "host-not-allowed"),
        (WAITED, page(status=500, documents=((URL, 500),)), "http-error"),
        (WAITED, page(status=404, documents=((URL, 404),)), "http-error"),
        (WAITED, page(status=403, documents=((URL, 403),)), "access-denied"),
        (WAITED, page(status=429, retry_after="30"), "site-rate-limit"),
        (WAITED, page(status=503, text="Down for maintenance"), "maintenance"),
        (None, page(text="Please verify you are human to continue"), "bot-wall"),
        (None, page(text="Your session has expired. Sign in", password_field=True), "login-required"),
        (
            WAITED,
            page(text="Wrong password", password_field=True, password_filled=True, state_changing=(("POST", URL),)),
            "wrong-credentials",
        ),
        (None, page(text="Subscribe to continue reading"), "paywall"),
        (None, page(text="Something went wrong."), "error-page"),
    ],
)
def test_what_code_cannot_mend_is_named(error: ScriptError | None, evidence: Evidence, reason: str) -> None:
    cause = site_cause(error, evidence, start_url=URL)
    assert cause is not None
    assert cause.reason == reason
    assert cause.message


@pytest.mark.parametrize(
    ("error", "evidence"),
    [
        (WAITED, page()),
        (ScriptError("KeyError", "'price'"), page()),
        (None, page(text=LONG + "Something went wrong in the story. Verify you are human, said the robot.")),
        (WAITED, page(text="Sign in", password_field=True, password_filled=True)),
        (WAITED, page(status=404, documents=((URL, 200), (f"{URL}?page=9", 404)))),
    ],
)
def test_what_is_left_is_the_codes_fault(error: ScriptError | None, evidence: Evidence) -> None:
    assert site_cause(error, evidence, start_url=URL) is None


def test_a_login_page_is_no_wall_for_an_automation_that_logs_in() -> None:
    evidence = page(text="Sign in", password_field=True)
    assert site_cause(WAITED, evidence, login_expected=True) is None


def test_a_limit_on_requests_says_when_to_come_back() -> None:
    cause = site_cause(WAITED, page(status=429, retry_after="30"))
    assert cause is not None
    assert cause.details["retry_after"] == "30"
