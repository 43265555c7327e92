"""Cassettes: what is compared, what is repeated, and what a file that comes from anybody may not do."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine
from engine.cassettes import CassetteOptions
from engine.cassettes.base import TaskTape
from engine.cassettes.comparison import compare
from engine.cassettes.content import CassetteFile
from engine.cassettes.playing import PlayingCassette
from engine.cassettes.recording import RecordingCassette
from engine.errors import CassetteMismatch, InvalidRequest
from sandbox.egress.policy import RefusedError
from sandbox.egress.tape import NOT_RECORDED, Received, Sent

URL = "http://a.test/list"


def recorded(path: Path, *exchanges: tuple[Sent, Received], options: CassetteOptions | None = None) -> Path:
    cassette = RecordingCassette(path, options or CassetteOptions())
    tape = cassette.tape({})
    for sent, received in exchanges:
        tape.keep(sent, received)
    cassette.close()
    return path


def playing(path: Path, options: CassetteOptions | None = None) -> TaskTape:
    return PlayingCassette(path, options or CassetteOptions()).tape({})


def get(url: str = URL, **headers: str) -> Sent:
    return Sent("GET", url, tuple(headers.items()))


def post(body: bytes, kind: str = "application/x-www-form-urlencoded") -> Sent:
    return Sent("POST", URL, (("Content-Type", kind),), body)


def page(text: str) -> Received:
    return Received(200, (("Content-Type", "text/html"),), text.encode())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "site.wtrec"


def test_equal_requests_get_their_answers_in_order_and_reads_the_last_one_again(path: Path) -> None:
    tape = playing(recorded(path, (get(), page("pending")), (get(), page("done"))))
    assert [tape.play(get()).body for _ in range(3)] == [b"pending", b"done", b"done"]


def test_what_may_change_something_is_answered_as_often_as_it_was_recorded(path: Path) -> None:
    tape = playing(recorded(path, (post(b"a=1"), page("saved"))))
    assert tape.play(post(b"a=1")).body == b"saved"
    with pytest.raises(RefusedError, match="recorded 1 times, and this run sends it once more"):
        tape.play(post(b"a=1"))


def test_a_page_before_and_after_the_login_is_told_apart_by_its_cookie(path: Path) -> None:
    tape = playing(recorded(path, (get(), page("log in")), (get(Cookie="s=1"), page("hello"))))
    given: tuple[dict[str, str], ...] = ({"Cookie": "s=1"}, {}, {"Cookie": "s=1"}, {})
    assert [tape.play(get(**headers)).body for headers in given] == [b"hello", b"log in", b"hello", b"log in"]


def test_a_missing_exchange_is_told_with_the_nearest_one(path: Path) -> None:
    tape = playing(recorded(path, (get(), page("x")), (get("http://a.test/about"), page("y"))))
    with pytest.raises(RefusedError, match=f"^{NOT_RECORDED}GET http://a.test/lists was not recorded"):
        tape.play(get("http://a.test/lists"))
    with pytest.raises(CassetteMismatch) as caught:
        tape.check()
    assert caught.value.details == {"method": "GET", "url": "http://a.test/lists", "nearest": f"GET {URL}"}
    assert str(path) in caught.value.message


def test_addresses_that_are_none_or_very_long_are_compared_all_the_same(path: Path) -> None:
    odd = "http://[" + "a" * 60_000
    tape = playing(recorded(path, *((get(f"{odd}{n}"), page("x")) for n in range(100))))
    with pytest.raises(RefusedError, match="was not recorded"):
        tape.play(get("http://a.test/"))


@pytest.mark.parametrize(
    ("recorded_url", "played_url", "names"),
    [
        (f"{URL}?q=a&_=1", f"{URL}?q=a&_=2", ("_",)),
        (f"{URL}?token=a", URL, ("token",)),
        (f"{URL}?a%5B%5D=1", f"{URL}?a%5B%5D=2", ("a[]",)),
    ],
)
def test_a_query_parameter_that_is_named_is_not_compared(
    path: Path, recorded_url: str, played_url: str, names: tuple[str, ...]
) -> None:
    recorded(path, (get(recorded_url), page("x")))
    with pytest.raises(RefusedError):
        playing(path).play(get(played_url))
    assert playing(path, CassetteOptions(ignore_query=names)).play(get(played_url)).body == b"x"


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("application/x-www-form-urlencoded", b"a=1&csrf=x", b"a=1&csrf=y"),
        ("application/json", b'{"a": [{"csrf": 1, "b": 2}]}', b'{"a": [{"b": 2, "csrf": 7}]}'),
        (
            "multipart/form-data; boundary=X",
            b'--X\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n1\r\n--X--\r\n',
            b'--X\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n2\r\n--X--\r\n',
        ),
    ],
)
def test_a_field_that_is_named_is_not_compared_and_the_name_is_kept(
    path: Path, kind: str, one: bytes, other: bytes
) -> None:
    recorded(path, (post(one, kind), page("x")))
    with pytest.raises(RefusedError, match="with another body"):
        playing(path).play(post(other, kind))
    recorded(path, (post(one, kind), page("x")), options=CassetteOptions(ignore_body=("csrf",)))
    assert playing(path).play(post(other, kind)).body == b"x"


def test_the_boundary_of_a_form_is_not_compared(path: Path) -> None:
    recorded(path, (post(b"--A\r\n1--A--", "multipart/form-data; boundary=A"), page("x")))
    assert playing(path).play(post(b"--B\r\n1--B--", "multipart/form-data; boundary=B")).body == b"x"


def test_a_beacon_that_is_optional_fails_quietly(path: Path) -> None:
    tape = playing(recorded(path), CassetteOptions(optional=("http://stats.test/*",)))
    with pytest.raises(RefusedError):
        tape.play(get("http://stats.test/1"))
    tape.check()


@pytest.mark.parametrize(
    ("headers", "quiet"),
    [
        ({"Sec-Fetch-Dest": "image"}, True),
        ({"Sec-Fetch-Dest": "font"}, True),
        ({"Accept": "image/avif,image/webp,*/*;q=0.8"}, True),
        ({"Sec-Fetch-Dest": "script", "Accept": "*/*"}, False),
        ({"Sec-Fetch-Dest": "empty"}, False),
    ],
)
def test_a_picture_that_the_recording_left_unloaded_is_not_missed(
    path: Path, headers: dict[str, str], quiet: bool
) -> None:
    tape = playing(recorded(path))
    with pytest.raises(RefusedError, match="was not recorded"):
        tape.play(get("http://a.test/1.svg", **headers))
    if quiet:
        tape.check()
    else:
        with pytest.raises(CassetteMismatch):
            tape.check()


def test_a_refusal_and_a_broken_answer_come_again(path: Path) -> None:
    broken = Received(200, (), b"half", "server")
    tape = playing(recorded(path, (get(), Received(refusal="tls")), (get(), broken)))
    assert [tape.play(get()), tape.play(get())] == [Received(refusal="tls"), broken]


def test_a_body_is_stored_once_and_equal_content_makes_an_equal_file(path: Path) -> None:
    first = recorded(path, (get(), page("x" * 9_000)), (get("http://a.test/b"), page("x" * 9_000))).read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert len([name for name in archive.namelist() if name.startswith("bodies/")]) == 1
    assert len(first) < 2_000
    assert recorded(path, (get(), page("x" * 9_000)), (get("http://a.test/b"), page("x" * 9_000))).read_bytes() == first


def test_secrets_are_names_in_the_file_and_are_filled_in_again(path: Path) -> None:
    cassette = RecordingCassette(path, CassetteOptions())
    sent = Sent("POST", "http://a.test/?k=s%C3%A9cret%261", (("Authorization", "x"),), "pw=sécret&1".encode())
    cassette.tape({"sécret&1": "password"}).keep(sent, page('{"you": "s\\u00e9cret&1", "as": "sécret&amp;1"}'))
    cassette.close()
    assert b"cret" not in whole(path).replace(b"secret_password", b"")
    tape = PlayingCassette(path, CassetteOptions()).tape({"other<": "password"})
    sent = Sent("POST", "http://a.test/?k=other%3C", (), b"pw=other<")
    assert tape.play(sent).body == b'{"you": "other<", "as": "other&lt;"}'


def whole(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


def kept(path: Path, secrets: dict[str, str], sent: Sent, received: Received) -> TaskTape:
    cassette = RecordingCassette(path, CassetteOptions())
    cassette.tape(secrets).keep(sent, received)
    cassette.close()
    return PlayingCassette(path, CassetteOptions()).tape(secrets)


def test_a_short_secret_is_hidden_as_a_whole_token_only(path: Path) -> None:
    tape = kept(path, {"123": "cvv"}, post(b"cvv=123&n=41239"), page("CVV 123, order 41239, {{secret_cvv}}"))
    assert b"cvv=123" not in whole(path)
    assert b"41239, {{=secret_cvv}}" in whole(path)
    assert tape.play(post(b"cvv=123&n=41239")).body == b"CVV 123, order 41239, {{secret_cvv}}"


def test_a_secret_that_another_run_spells_otherwise_is_the_same_request(path: Path) -> None:
    kept(path, {"hunter22": "password"}, post(b"pw=hunter22"), page("in"))
    tape = PlayingCassette(path, CassetteOptions()).tape({"a&b=c d%1": "password"})
    assert tape.play(post(b"pw=a%26b%3Dc+d%251")).body == b"in"


SIGNED = f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{'s3cr3t' * 5}"


@pytest.mark.parametrize(
    ("headers", "body", "credential"),
    [
        ((("Set-Cookie", "sid=c00kie-value-1; Path=/; HttpOnly"),), "", "c00kie-value-1"),
        ((("Set-Cookie", "session_id=c00kie-value-2"),), "", "c00kie-value-2"),
        ((), '{"access_token": "t0ken-value-345678"}', "t0ken-value-345678"),
        ((), f'{{"jwt": "{SIGNED}"}}', "s3cr3t" * 5),
    ],
)
def test_what_a_login_gives_is_made_up_in_the_file_and_stays_one_value(
    path: Path, headers: tuple[tuple[str, str], ...], body: str, credential: str
) -> None:
    cassette = RecordingCassette(path, CassetteOptions())
    tape = cassette.tape({})
    tape.keep(get(), Received(200, headers, body.encode()))
    tape.keep(get(f"{URL}?as={credential}"), page(f"{credential}!"))
    cassette.close()
    assert credential.encode() not in whole(path)
    second = CassetteFile(path).content.exchanges[1]
    made_up = second.url.partition("as=")[2]
    assert len(made_up) == len(credential)
    assert playing(path).play(get(f"{URL}?as={made_up}")).body == f"{made_up}!".encode()


def test_cookies_that_pages_read_are_kept(path: Path) -> None:
    headers = (("Set-Cookie", 'prefs={"lang":"english"}; Path=/'),)
    recorded(path, (get(), Received(200, headers, b'{"tokens": "a-rather-long-value-1"}')))
    assert b"lang" in whole(path)
    assert b"a-rather-long-value-1" in whole(path)


def test_a_comparison_tells_what_was_added_is_gone_and_has_changed(path: Path) -> None:
    old = recorded(path, (get(), page("<b>\n1\n</b>")), (get("http://a.test/gone"), page("x")))
    new = recorded(path.with_name("new.wtrec"), (get(), page("<b>\n2\n</b>")), (post(b"a=1"), Received(refusal="dns")))
    found = compare(CassetteFile(old), CassetteFile(new))
    assert [str(each) for each in found] == [
        f"~ GET {URL}  200 text/html\n    -1\n    +2",
        "- GET http://a.test/gone  200 text/html",
        f"+ POST {URL}  dns",
    ]
    assert compare(CassetteFile(new), CassetteFile(new)) == []


def index(**changed: Any) -> bytes:
    plain: dict[str, Any] = {
        "format": 1, "options": {}, "exchanges": [], "lookups": {}, "answers": [], "moments": [],
    }  # fmt: skip
    return json.dumps(plain | changed).encode()


EXCHANGE = {"method": "GET", "url": URL, "answer": "0" * 64}


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({}, "it has no cassette.json"),
        ({"cassette.json": b"{"}, "its index is no JSON"),
        ({"cassette.json": b"[" * 100_000}, "its index is no JSON"),
        ({"cassette.json": index(format=9)}, "its format is 9, and this version reads 1"),
        ({"cassette.json": index(exchanges=[{"url": 1}])}, "exchanges.0.method: "),
        ({"cassette.json": index(exchanges=[{**EXCHANGE, "headers": [["a"]]}])}, "exchanges.0.headers.0.1: "),
        ({"cassette.json": index(exchanges=[{**EXCHANGE, "end": "soon"}])}, "exchanges.0.end: "),
        ({"cassette.json": index(exchanges=[{**EXCHANGE, "status": 1000}])}, "exchanges.0.status: "),
        (
            {"cassette.json": index(exchanges=[{**EXCHANGE, "headers": [["a", "b\r\nc"]]}])},
            "exchanges.0.headers.0.1: ",
        ),
        ({"cassette.json": index(exchanges=[{**EXCHANGE, "headers": [["a:", ""]]}])}, "exchanges.0.headers.0.0: "),
        ({"cassette.json": index(options={"optional": "x"})}, "options.optional: "),
        ({"cassette.json": index(exchanges=[{**EXCHANGE, "body": "../x"}])}, "it has no bodies/../x"),
        ({"cassette.json": b" " * ((64 << 20) + 1)}, "cassette.json has more than 64 MiB"),
    ],
)
def test_a_file_that_is_no_cassette_is_refused_with_what_is_wrong(
    path: Path, parts: dict[str, bytes], problem: str
) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    with pytest.raises(InvalidRequest) as caught:
        playing(path)
    assert problem in caught.value.message


def test_a_body_that_was_changed_or_is_missing_is_told(path: Path) -> None:
    digest = "0" * 64
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cassette.json", index(exchanges=[EXCHANGE]))
        archive.writestr(f"bodies/{digest}", b"changed")
    tape = playing(path)
    with pytest.raises(RefusedError):
        tape.play(get())
    with pytest.raises(InvalidRequest, match="the body 000000000000 has changed"):
        tape.check()


def test_a_cassette_that_was_closed_has_nothing_more(path: Path) -> None:
    cassette = PlayingCassette(recorded(path, (get(), page("x"))), CassetteOptions())
    tape = cassette.tape({})
    cassette.close()
    with pytest.raises(RefusedError, match="cannot be unpacked"):
        tape.play(get())


def test_what_is_no_archive_is_refused(path: Path) -> None:
    path.write_bytes(b"text")
    with pytest.raises(InvalidRequest, match="it is no archive"):
        playing(path)


def test_a_recording_that_is_not_closed_leaves_the_former_file(path: Path) -> None:
    before = recorded(path, (get(), page("x"))).read_bytes()
    RecordingCassette(path, CassetteOptions()).tape({}).keep(get(), page("y"))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_recording_larger_than_its_bound_is_told_and_not_written(path: Path) -> None:
    before = recorded(path, (get(), page("x"))).read_bytes()
    cassette = RecordingCassette(path, CassetteOptions(max_mb=1))
    tape = cassette.tape({})
    tape.keep(get(), Received(200, (), bytes(600_000)))
    tape.check()
    tape.keep(get(), Received(200, (), b"1" * 600_000))
    for refused in (tape.check, cassette.close):
        with pytest.raises(InvalidRequest, match=r"more than 1 MiB; raise CassetteOptions\.max_mb"):
            refused()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"record": "a.wtrec", "replay": "b.wtrec"}, "exclude each other"),
        ({"record": "/proc/version/a.wtrec"}, "/proc/version/a.wtrec cannot be written"),
        ({"record": "a.json"}, "record takes the path of a cassette, .wtrec, not 'a.json'"),
        ({"replay": "/nowhere/a.wtrec"}, "/nowhere/a.wtrec cannot be read: No such file or directory; record it first"),
    ],
)
def test_an_engine_refuses_what_is_no_cassette_at_once(tmp_path: Path, options: dict[str, str], problem: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        AsyncEngine(store=tmp_path, **options)  # type: ignore[arg-type]  # options of several types
    assert problem in caught.value.message
