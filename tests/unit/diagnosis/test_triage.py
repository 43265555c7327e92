from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from engine.diagnosis import page_kinds
from engine.diagnosis.triage import limit_cause, site_cause
from sandbox import Evidence, ScriptError

URL = "http://site.test/list"
WAITED = ScriptError("TimeoutError", "Timeout 10000ms exceeded", kind="timeout")
LONG = "An article about everything under the sun. " * 100


def lost(error: str, line: int | None = None) -> ScriptError:
    return ScriptError("Error", f"Page.goto: net::{error} at {URL}", line=line, kind="navigation")


def fetched(error: str) -> ScriptError:
    return ScriptError("Error", f"APIRequestContext.get: {error}\nCall log:\n  - → GET {URL}")


def page(**known: Any) -> Evidence:
    return Evidence(**{"url": URL, "title": "List", "text": LONG, "status": 200, "documents": ((URL, 200),)} | known)


@pytest.mark.parametrize(
    ("error", "evidence", "reason"),
    [
        (lost("ERR_EMPTY_RESPONSE"), page(status=None, documents=(), main_refused="dns"), "dns"),
        (lost("ERR_NAME_NOT_RESOLVED"), page(status=None, documents=()), "dns"),
        (lost("ERR_EMPTY_RESPONSE"), page(status=None, main_refused="dns: no answer for now"), "dns"),
        (lost("ERR_EMPTY_RESPONSE"), page(status=None, main_refused="proxy: p:1 cannot be reached (refused)"), "proxy"),
        (WAITED, page(pending_document=URL), "site-timeout"),
        (fetched("socket hang up"), page(), "connection-lost"),
        (fetched("connect ECONNREFUSED 127.0.0.1:1"), page(), "connection-refused"),
        (fetched("self-signed certificate"), page(), "tls"),
        (fetched("Proxy connection ended before receiving CONNECT"), page(refused=(("site.test", "dns"),)), "dns"),
        (ScriptError("JSONDecodeError", "Expecting value"), page(answers=((URL, 503),)), "http-error"),
        (lost("ERR_EMPTY_RESPONSE"), page(status=None, main_refused="refused"), "connection-refused"),
        (lost("ERR_EMPTY_RESPONSE"), page(status=None, main_refused="timeout"), "site-timeout"),
        (lost("ERR_CERT_DATE_INVALID"), page(status=None), "tls"),
        (lost("ERR_UNSAFE_PORT"), page(status=None), "unsafe-port"),
        (lost("ERR_DNS_SERVER_FAILED"), page(status=None), "dns"),
        (lost("ERR_CONTENT_DECODING_FAILED"), page(status=None), "connection-lost"),
        (lost("ERR_INVALID_RESPONSE"), page(status=None), "connection-lost"),
        (lost("ERR_SSL_CLIENT_AUTH_CERT_NEEDED"), page(status=None), "tls"),
        (lost("ERR_UNSAFE_REDIRECT"), page(status=302), "redirect-invalid"),
        (lost("ERR_UNSUPPORTED_AUTH_SCHEME"), page(status=None), "login-required"),
        (lost("ERR_BLOCKED_BY_ADMINISTRATOR"), page(status=None), "site-unreachable"),
        (lost("ERR_ABORTED"), page(status=None), "site-unreachable"),
        (ScriptError("Error", "Page.goto: Download is starting"), page(status=None), "site-unreachable"),
        (None, page(text="Too many requests. Please slow down."), "site-rate-limit"),
        (lost("ERR_TOO_MANY_REDIRECTS"), page(status=302), "redirect-loop"),
        (lost("ERR_EMPTY_RESPONSE"), page(status=None, documents=()), "connection-lost"),
        (lost("ERR_EMPTY_RESPONSE"), page(main_refused="policy: private address"), "host-not-allowed"),
        (None, page(refused=(("connections", "shortage: this program has opened 1024 files"),)), "sandbox-unavailable"),
        (lost("ERR_ABORTED"), page(refused=(("a.test:443", "shortage: out of memory"),)), "sandbox-unavailable"),
        (WAITED, page(status=500, documents=((URL, 500),)), "http-error"),
        (WAITED, page(status=404, documents=((URL, 404),)), "http-error"),
        (WAITED, page(status=410, documents=((URL, 301), (f"{URL}/", 410))), "http-error"),
        (WAITED, page(status=401, documents=((URL, 401),)), "login-required"),
        (WAITED, page(status=401, documents=((URL, 401),), http_login="asked"), "login-required"),
        (WAITED, page(status=401, documents=((URL, 401),), http_login="refused"), "wrong-credentials"),
        (WAITED, page(status=402, documents=((URL, 402),)), "paywall"),
        (WAITED, page(status=403, documents=((URL, 403),)), "access-denied"),
        (WAITED, page(title="Just a moment..."), "bot-wall"),
        (WAITED, page(text="One moment", challenge=True), "bot-wall"),
        (WAITED, page(status=429, retry_after="30"), "site-rate-limit"),
        (WAITED, page(status=503, text="Down for maintenance"), "maintenance"),
        (None, page(text="Please verify you are human to continue"), "bot-wall"),
        (None, page(text="Your session has expired. Sign in", password_field=True), "login-required"),
        (
            WAITED,
            page(text="Wrong password", password_field=True, password_filled=True, state_changing=(("POST", URL),)),
            "wrong-credentials",
        ),
        (
            WAITED,
            page(
                url=f"{URL}/login?expired=1",
                text="Sign in",
                password_field=True,
                password_filled=True,
                state_changing=(("POST", f"{URL}/login"),),
            ),
            "session-ended",
        ),
        (
            WAITED,
            page(
                url=f"{URL}/login",
                text="Sign in",
                password_field=True,
                password_filled=True,
                state_changing=(("POST", f"{URL}/login"),),
                documents=((f"{URL}/login", 200), (f"{URL}/login", 303), (f"{URL}/orders", 200), (f"{URL}/login", 200)),
            ),
            "session-ended",
        ),
        (
            WAITED,
            page(
                url=f"{URL}/login",
                text="Please log in",
                password_field=True,
                password_filled=True,
                state_changing=(("POST", f"{URL}/login"),),
                documents=((f"{URL}/", 302), (f"{URL}/login", 200), (f"{URL}/login", 303), (f"{URL}/login", 200)),
            ),
            "wrong-credentials",
        ),
        (
            ScriptError("KeyError", "'orders'", line=9),
            page(
                answers=((f"{URL}/api/login", 200), (f"{URL}/api/orders", 200), (f"{URL}/api/orders?page=2", 401)),
                logins=(("POST", f"{URL}/api/login"),),
            ),
            "session-ended",
        ),
        (
            WAITED,
            page(
                status=401,
                documents=((f"{URL}/login", 200), (URL, 200), (URL, 401)),
                logins=(("POST", f"{URL}/login"),),
            ),
            "session-ended",
        ),
        (
            WAITED,
            page(status=401, documents=((f"{URL}/login", 200), (URL, 401)), logins=(("POST", f"{URL}/login"),)),
            "login-required",
        ),
        (None, page(text="Subscribe to continue reading"), "paywall"),
        (None, page(text="Something went wrong."), "error-page"),
    ],
)
def test_a_cause_outside_the_code_is_named(error: ScriptError | None, evidence: Evidence, reason: str) -> None:
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
        (lost("ERR_ABORTED", line=3), page()),
        (lost("ERR_UNKNOWN_URL_SCHEME", line=3), page()),
        (lost("ERR_BLOCKED_BY_CLIENT", line=3), page()),
        (
            ScriptError("KeyError", "'orders'", line=9),
            page(answers=((f"{URL}/login", 200), (f"{URL}/orders", 401)), logins=(("POST", f"{URL}/login"),)),
        ),
        (ScriptError("Error", "APIRequestContext.get: Invalid URL"), page()),
        (ScriptError("KeyError", "'rows'"), page(answers=((URL, 503), (URL, 200)))),
        (WAITED, page(text=LONG, title="Forum", password_field=True)),
    ],
)
def test_without_such_a_cause_the_code_is_at_fault(error: ScriptError | None, evidence: Evidence) -> None:
    assert site_cause(error, evidence, start_url=URL) is None


@pytest.mark.parametrize(
    "evidence",
    [
        page(status=404, documents=((URL, 404),)),
        page(text="Something went wrong with this order, says the customer."),
        page(text="Sign in", password_field=True),
        page(text="An error occurred: 12 times today"),
    ],
)
def test_a_good_result_is_accepted_on_a_page_that_may_be_content(evidence: Evidence) -> None:
    assert site_cause(None, evidence, start_url=URL, good=True) is None


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (page(status=503, documents=((URL, 503),)), "http-error"),
        (page(title="Just a moment...", text="Checking your browser"), "bot-wall"),
        (page(title="Something went wrong", text="Sorry"), "error-page"),
        (page(url=f"{URL}/login", text="Sign in", password_field=True), "login-required"),
    ],
)
def test_a_good_result_on_a_wall_is_refused(evidence: Evidence, reason: str) -> None:
    cause = site_cause(None, evidence, start_url=URL, good=True)
    assert cause is not None
    assert cause.reason == reason


@pytest.mark.parametrize(
    ("status", "retry_after", "passes"),
    [
        (500, None, True),
        (501, None, False),
        (502, None, True),
        (503, None, True),
        (504, "3", True),
        (429, None, False),
        (429, "3", True),
    ],
)
def test_transient_causes_are_marked(status: int, retry_after: str | None, passes: bool) -> None:
    cause = site_cause(WAITED, page(status=status, retry_after=retry_after))
    assert cause is not None
    assert cause.transient == passes
    assert cause.wait == (3.0 if retry_after else None)


def test_retry_after_may_be_a_date() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=90)
    cause = site_cause(WAITED, page(status=429, retry_after=format_datetime(soon, usegmt=True)))
    assert cause is not None
    assert cause.wait is not None
    assert 60 < cause.wait <= 90


def test_a_login_page_is_not_a_wall_for_an_automation_that_logs_in() -> None:
    evidence = page(text="Sign in", password_field=True)
    assert site_cause(WAITED, evidence, login_expected=True) is None


def test_http_authentication_without_a_login_says_how_to_give_one() -> None:
    cause = site_cause(WAITED, page(status=401, documents=((URL, 401),), http_login="asked"))
    assert cause is not None
    assert "the parameters user and password, or in the start URL" in cause.message


def test_a_rate_limit_gives_the_seconds_to_wait() -> None:
    cause = site_cause(WAITED, page(status=429, retry_after="30"))
    assert cause is not None
    assert cause.details["retry_after"] == "30"


@pytest.mark.parametrize(
    ("path", "login"),
    [
        ("/login", True),
        ("/account/log-in.php", True),
        ("/logon", True),
        ("/users/sign_in", True),
        ("/authenticate", True),
        ("/oauth2/authorize", True),
        ("/sessions/new", True),
        ("/authors/7/delete", False),
        ("/tokenize", False),
        ("/sessions/12/cancel", False),
        ("/plugins", False),
    ],
)
def test_login_page_is_known_by_whole_words_of_its_path(path: str, login: bool) -> None:
    assert page_kinds.is_login(page(url=f"http://site.test{path}", password_field=True)) is login


def test_limit_of_output_is_told_with_its_size_and_what_to_ask_for() -> None:
    cause = limit_cause("output_bytes", 8 << 20)
    assert cause.reason == "limit-output-bytes"
    assert "larger than the limit output_bytes = 8,388,608; ask for fewer rows" in cause.message
