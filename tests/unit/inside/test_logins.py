"""The rule for logins: requests count by what they carry, not by what they are called."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from engine.execution.effects import writes
from sandbox import Evidence
from sandbox.inside.logins import LoginDetector
from sandbox.inside.sent_request import SentRequest
from sandbox.inside.write_guard import WriteBlocked, WriteGuard, may_change

SITE = "https://shop.test"
FORM = "application/x-www-form-urlencoded"
PASSWORD = "violet harbor & 92ü"


def form(path: str, *, own: bool = False, **fields: str) -> SentRequest:
    return SentRequest("POST", SITE + path, urlencode(fields).encode(), FORM, opens_page=not own, own=own)


def sent_json(path: str, data: object, *, own: bool = False) -> SentRequest:
    return SentRequest("POST", SITE + path, json.dumps(data).encode(), "application/json", own=own)


def typed(password: str = PASSWORD, name: str = "p") -> LoginDetector:
    detector = LoginDetector()
    detector.note_act()
    detector.note_text(password)
    detector.note_password(password, name)
    return detector


def submitted(detector: LoginDetector, password: str = PASSWORD, name: str = "p") -> LoginDetector:
    detector.note_act()
    detector.note_submit([(password, name, "")])
    return detector


def logged_in() -> LoginDetector:
    detector = submitted(typed())
    assert detector.is_login(form("/in", u="ada", p=PASSWORD))
    return detector


BOUNDARY = "----x"
MULTIPART = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="u"\r\n\r\nada\r\n'
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="p"\r\n\r\n{PASSWORD}\r\n--{BOUNDARY}--\r\n'
).encode()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (urlencode({"u": "ada", "p": PASSWORD}).encode(), FORM),
        (urlencode({"u": "ada", "p": PASSWORD}, encoding="cp1252").encode(), FORM),
        (urlencode({"u": "ada", "p": PASSWORD}).encode(), ""),
        (MULTIPART, f"multipart/form-data; boundary={BOUNDARY}"),
        (MULTIPART, ""),
        (json.dumps({"u": "ada", "p": PASSWORD}).encode(), "application/json"),
        (json.dumps({"variables": {"input": [{"p": PASSWORD}]}}, ensure_ascii=False).encode(), "text/plain"),
        (f"u=ada\r\np={PASSWORD}\r\n".encode(), "text/plain"),
        (f"<login><u>ada</u><p>{PASSWORD}</p></login>".encode(), "text/xml"),
    ],
)
def test_typed_password_logs_in_in_every_encoding(body: bytes, content_type: str) -> None:
    request = SentRequest("POST", f"{SITE}/any/where", body, content_type)
    assert typed().is_login(request)
    assert not LoginDetector().is_login(request)


@pytest.mark.parametrize("path", ["/", "/in", "/logon", "/users/sign_in", "/checkout/account/login", "/x?next=/orders"])
def test_path_does_not_matter_to_a_request_that_carries_the_password(path: str) -> None:
    assert typed().is_login(form(path, u="ada", p=PASSWORD))


@pytest.mark.parametrize(
    "path",
    ["/authors/7/delete", "/sessions/12/cancel", "/booking/session-2/pay", "/login", "/logon", "/oauth/token", "/auth"],
)
def test_path_alone_makes_no_login(path: str) -> None:
    assert not LoginDetector().is_login(form(path, a="1"))
    assert not typed().is_login(form(path, a="1"))
    assert not logged_in().is_login(form(path, a="1"))


@pytest.mark.parametrize(
    "request_",
    [
        form("/authors/7/delete", p=PASSWORD),
        form("/sessions/12/cancel", p=PASSWORD),
        form("/booking/session-2/pay", p=PASSWORD),
        form("/account/deleteAccount", p=PASSWORD),
        form("/orders", p=PASSWORD),
        form("/users", p=PASSWORD),
        form("/account?action=close", p=PASSWORD),
        form("/account", action="delete", p=PASSWORD),
        form("/account", _method="delete", p=PASSWORD),
        form("/register", p=PASSWORD),
        form("/in", p=PASSWORD, p2=PASSWORD, password_confirmation=PASSWORD),
        form("/in", new_password=PASSWORD),
        form("/in", password=PASSWORD, newpassword="b"),
        form("/in", password1=PASSWORD, password2=PASSWORD),
        sent_json("/graphql", {"query": "mutation { deleteAccount(p: $p) { id } }", "variables": {"p": PASSWORD}}),
    ],
)
def test_signs_of_a_change_outweigh_the_password(request_: SentRequest) -> None:
    assert not typed().is_login(request_)
    assert not submitted(typed()).is_login(request_)


def test_password_that_is_being_chosen_is_no_login() -> None:
    twice = typed()
    twice.note_password(PASSWORD, "again")
    assert not twice.is_login(form("/in", p=PASSWORD, again=PASSWORD))
    chosen = LoginDetector()
    chosen.note_password(PASSWORD, "p", "new-password")
    assert not chosen.is_login(form("/in", p=PASSWORD))


def test_form_of_many_typed_texts_is_no_login() -> None:
    texts = {"a": "Ada", "b": "12 Mill Lane", "c": "Ashby", "d": "ada@shop.test"}
    detector = typed()
    for text in texts.values():
        detector.note_text(text)
    assert not detector.is_login(form("/next", **texts, p=PASSWORD))


def test_user_name_equal_to_the_password_is_no_second_password() -> None:
    assert typed("admin").is_login(form("/in", u="admin", p="admin"))


def test_short_password_is_known_by_its_field() -> None:
    assert not typed("1").is_login(form("/in", quantity="1"))
    assert typed("1").is_login(form("/in", p="1"))


def test_each_typing_logs_in_once() -> None:
    detector = logged_in()
    detector.note_act()
    assert not detector.is_login(form("/next", p=PASSWORD, item="3"))
    detector.note_password("other", "p")
    assert detector.is_login(form("/in", u="bob", p="other"))
    detector.note_password(PASSWORD, "p")
    assert detector.is_login(form("/in", u="ada", p=PASSWORD))


def test_same_login_sent_again_is_the_same_login() -> None:
    detector = submitted(typed())
    login = sent_json("/api", {"user": "ada", "secret": PASSWORD})
    assert [detector.is_login(login), detector.is_login(login)] == [True, True]


def test_login_form_sent_again_with_a_new_token_is_the_same_login() -> None:
    detector = LoginDetector()
    detector.note_parameters({"password": PASSWORD})
    for token in ("", "8c1f", "77ab"):
        detector.note_act()
        assert detector.is_login(form("/doku.php?id=start", own=True, sectok=token, do="login", u="ada", p=PASSWORD))
    for again in (
        form("/doku.php?id=start", own=True, sectok="1", do="profile", u="ada", p=PASSWORD),
        form("/doku.php?id=start", own=True, sectok="1", do="login", u="ada", p=PASSWORD, mail="a@b.test"),
        form("/account", own=True, sectok="1", do="login", u="ada", p=PASSWORD),
    ):
        assert not detector.is_login(again)


def test_page_that_sends_the_password_twice_by_one_submit_logs_in() -> None:
    detector = submitted(typed())
    assert detector.is_login(sent_json("/check", {"secret": PASSWORD}))
    assert detector.is_login(sent_json("/enter", {"secret": PASSWORD, "checked": "yes"}))
    detector.note_act()
    assert not detector.is_login(sent_json("/enter", {"secret": PASSWORD, "item": "3"}))


@pytest.mark.parametrize(
    "request_",
    [
        form("/in", u="ada", hash="5f4dcc3b"),
        form("/in", u="ada", p=""),
        sent_json("/srp/start", {"A": "93ab"}),
        SentRequest("POST", f"{SITE}/in", b"\x01\x02\xff", "application/octet-stream"),
    ],
)
def test_first_request_after_submit_of_a_hashed_password_logs_in_once(request_: SentRequest) -> None:
    assert not typed().is_login(request_), "it was not submitted"
    detector = submitted(typed())
    assert detector.is_login(request_)
    detector.note_act()
    assert not detector.is_login(request_)


def test_act_between_submit_and_request_ends_the_submit() -> None:
    detector = submitted(typed())
    detector.note_act()
    assert not detector.is_login(form("/in", hash="5f4dcc3b"))


def test_hashed_password_under_its_own_name_logs_in() -> None:
    assert submitted(typed(name="password")).is_login(form("/in", password="5f4dcc3b"))


def test_own_request_logs_in_by_its_password() -> None:
    detector = LoginDetector()
    detector.note_parameters({"password": PASSWORD, "user": "ada"})
    assert detector.is_login(form("/welcome", own=True, k=PASSWORD))
    assert LoginDetector().is_login(sent_json("/welcome", {"user": "ada", "password": "b"}, own=True))
    assert LoginDetector().is_login(form("/oauth/token", own=True, grant_type="password", password="b"))
    assert not LoginDetector().is_login(sent_json("/welcome", {"user": "ada"}, own=True))


def test_own_request_with_a_password_that_has_logged_in_is_a_change() -> None:
    detector = LoginDetector()
    assert detector.is_login(sent_json("/rpc", {"password": "b", "call": "list"}, own=True))
    assert not detector.is_login(sent_json("/rpc", {"password": "b", "call": "post"}, own=True))


def test_field_named_like_a_password_is_no_login_where_nobody_gave_one() -> None:
    room = sent_json("/rooms", {"name": "Blue", "password": "b"})
    assert not LoginDetector().is_login(room)
    assert not logged_in().is_login(room)
    own = sent_json("/rooms", {"name": "Blue", "password": "b"}, own=True)
    assert not logged_in().is_login(own)


def test_login_by_get_spends_the_password() -> None:
    detector = submitted(typed())
    assert not detector.is_login(SentRequest("GET", f"{SITE}/in?u=ada&p=x", opens_page=True))
    assert not detector.is_login(form("/orders/new", a="1"))


def test_other_methods_are_no_logins() -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        request = SentRequest(method, f"{SITE}/session", urlencode({"p": PASSWORD}).encode(), FORM)
        assert not submitted(typed()).is_login(request)


def test_redirect_of_a_login_is_part_of_it() -> None:
    detector = logged_in()
    assert detector.is_login(form("/in/", u="ada", p=PASSWORD), redirected_login=True)
    assert not logged_in().is_login(form("/authors/7/delete", u="ada", p=PASSWORD), redirected_login=True)


@pytest.mark.parametrize("code", [form("/in", otp="123 456"), sent_json("/2fa", {"totpCode": "123456"})])
def test_one_time_code_right_after_a_login_is_part_of_it(code: SentRequest) -> None:
    assert not LoginDetector().is_login(code)
    detector = logged_in()
    detector.note_act()
    assert detector.is_login(code)
    assert not detector.is_login(code), "once"


def test_code_counts_by_its_field_and_only_on_the_site_of_the_login() -> None:
    detector = logged_in()
    assert not detector.is_login(sent_json("/step", {"answer": "1234"}))
    detector.note_code("1234")
    assert detector.is_login(sent_json("/step", {"answer": "1234"}))
    elsewhere = SentRequest("POST", "https://pay.test/2fa", b"otp=123456", FORM)
    assert not logged_in().is_login(elsewhere)


def test_order_after_a_login_is_no_continuation() -> None:
    detector = logged_in()
    assert not detector.is_login(form("/in", a="1000"))
    assert not detector.is_login(form("/in", otp="123456")), "a change stands between"


def test_assertion_that_the_browser_hands_on_after_a_login_is_part_of_it() -> None:
    handed = SentRequest("POST", "https://app.test/acs", b"SAMLResponse=PHNhbWw%2B&RelayState=", FORM, opens_page=True)
    assert not LoginDetector().is_login(handed)
    assert logged_in().is_login(handed)


def test_logout_is_no_login() -> None:
    detector = logged_in()
    assert not detector.is_login(form("/auth/logout", csrf="x"))
    assert not detector.is_login(SentRequest("DELETE", f"{SITE}/session"))


def test_deep_or_huge_bodies_are_no_logins() -> None:
    deep = SentRequest("POST", f"{SITE}/in", b"[" * 100_000, "application/json")
    huge = SentRequest("POST", f"{SITE}/in", b"password=" + b"x" * (1 << 20), FORM)
    assert not LoginDetector().is_login(deep)
    assert not LoginDetector().is_login(huge)
    assert not submitted(typed()).is_login(huge)


SENT = ("POST", f"{SITE}/in"), ("POST", f"{SITE}/authors/7/delete")


@pytest.mark.parametrize(
    ("state_changing", "logins", "expected"),
    [((), (), False), (SENT[:1], SENT[:1], False), (SENT, SENT[:1], True), (SENT, (), True), (SENT[1:], (), True)],
)
def test_effect_is_a_write_where_a_request_is_no_login(
    state_changing: tuple[tuple[str, str], ...], logins: tuple[tuple[str, str], ...], expected: bool
) -> None:
    evidence = Evidence(state_changing=state_changing, logins=logins, password_filled=True)
    assert writes(evidence) is expected


def test_address_like_a_logins_does_not_hide_a_write() -> None:
    assert writes(Evidence(state_changing=(("POST", f"{SITE}/booking/session-2/pay"),), password_filled=True))
    assert writes(Evidence(state_changing=(("POST", f"{SITE}/authors/7/delete"),), password_filled=True))


@pytest.mark.parametrize("login", [True, False])
def test_write_guard_lets_pass_what_logs_in(*, login: bool) -> None:
    guard = WriteGuard(
        lambda _: pytest.fail("no page"), lambda _: pytest.fail("no page"), lambda _: False, lambda: None
    )
    request = SentRequest("POST", "https://user:pw@shop.test/sessions/12/cancel?a=1", own=True)
    if login:
        guard.check_own(request, login=True)
        assert guard.blocked is None
        return
    with pytest.raises(WriteBlocked):
        guard.check_own(request, login=False)
    assert guard.blocked == f"POST {SITE}/sessions/12/cancel"


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/api/graphql", '{"query": "query Q { a }"}', False),
        ("POST", "/api/graphql", '{"query": "mutation M { a }"}', True),
        ("POST", "/api", '[{"query": "{ a }"}, {"query": "mutation { b }"}]', True),
        ("POST", "/api/graphql", '{"id": "persisted"}', True),
        ("POST", "/products/search", "q=x", False),
        ("POST", "/search/users", "q=x", False),
        ("POST", "/order/search", "q=x", False),
        ("POST", "/filters/7/delete", "", True),
        ("POST", "/find/3/pay", "", True),
        ("DELETE", "/searches/3", "", True),
        ("POST", "/users/sign_in", "user=a", True),
        ("POST", "/orders", "item=3", True),
        ("GET", "/orders", "", False),
    ],
)
def test_reads_are_told_from_changes(method: str, path: str, body: str, *, expected: bool) -> None:
    assert may_change(SentRequest(method, SITE + path, body.encode())) is expected


def test_code_that_was_made_for_the_run_logs_in_whatever_its_field_is_called_but_each_once() -> None:
    detector = typed()
    detector.issue_code("135790")
    assert detector.is_login(form("/login", user="ada", p=PASSWORD))
    assert not detector.code_sent
    assert detector.is_login(form("/verify", u="ada", code="135790"))
    assert detector.code_sent
    assert not detector.is_login(form("/verify", u="ada", code="135790"))


def test_next_code_logs_in_after_one_that_the_site_refused() -> None:
    detector = typed()
    assert detector.is_login(form("/login", user="ada", p=PASSWORD))
    for code in ("135790", "246802"):
        detector.issue_code(code)
        assert detector.is_login(form("/verify", u="ada", code=code))
