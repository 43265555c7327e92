from __future__ import annotations

import ast
import doctest
import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import fixtures_sites
from fixtures_sites import SITES, FixtureServer, serve
from fixtures_sites.errors import HangupError, UnknownSiteError
from fixtures_sites.http import Request, Response
from fixtures_sites.server import Site
from tests.support.paths import ROOT

SITE = Site("toy", about="a toy", state=list)


@SITE.route("/", version="v1")
def count(request: Request) -> str:
    request.session["visits"] = request.session.get("visits", 0) + 1
    return f"{request.session['visits']}"


@SITE.route("/", version="v2")
def quiet(request: Request) -> str:
    return "the second design"


@SITE.route("/keep/{shelf}/{rest+}", methods=("POST",))
def keep(request: Request, shelf: str, rest: str) -> Response:
    files = {name: [file.filename, len(file.content)] for name, file in request.uploads.items()}
    request.state.append(shelf)
    return Response.json([shelf, rest, request.form, files])


@SITE.route("/broken")
def broken(request: Request) -> str:
    raise ZeroDivisionError("a mistake in the route")


@SITE.route("/hangup")
def hangup(request: Request) -> str:
    raise HangupError


@SITE.route("/slow")
def slow(request: Request) -> str:
    request.pause(600)
    return ""


@SITE.route("/stream")
def stream(request: Request) -> Response:
    return Response.download(iter([b"a", b"", b"bc"]), "naïve.txt", "text/plain")


@pytest.fixture
def server() -> Iterator[FixtureServer]:
    with FixtureServer(SITE) as running:
        yield running


@pytest.fixture
def visitor(server: FixtureServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    yield connection
    connection.close()


def get(visitor: http.client.HTTPConnection, path: str, cookie: str = "") -> tuple[int, str]:
    visitor.request("GET", path, headers={"Cookie": cookie})
    answer = visitor.getresponse()
    return answer.status, answer.read().decode()


def test_version_switches_on_an_open_connection(server: FixtureServer, visitor: http.client.HTTPConnection) -> None:
    assert get(visitor, "/") == (200, "1")
    socket = visitor.sock
    server.version = "v2"
    assert get(visitor, "/?a=b") == (200, "the second design")
    assert visitor.sock is socket
    assert server.requests == [("GET", "/"), ("GET", "/?a=b")]


def test_sessions_are_separate(visitor: http.client.HTTPConnection) -> None:
    visitor.request("GET", "/")
    answer = visitor.getresponse()
    answer.read()
    cookie = str(answer.headers["Set-Cookie"]).partition(";")[0]

    assert get(visitor, "/", cookie) == (200, "2")
    assert get(visitor, "/") == (200, "1")


@pytest.mark.parametrize(
    ("content_type", "body", "files"),
    [
        ("application/x-www-form-urlencoded", "q=%C3%A4+x&empty=", {}),
        (
            "multipart/form-data; boundary=cut",
            '--cut\r\nContent-Disposition: form-data; name="q"\r\n\r\nä x\r\n'
            '--cut\r\nContent-Disposition: form-data; name="empty"\r\n\r\n\r\n'
            '--cut\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n\0\r\n\r\n--cut--\r\n",
            {"f": ["a.bin", 3]},
        ),
    ],
)
def test_urlencoded_and_multipart_forms_are_parsed(
    server: FixtureServer,
    visitor: http.client.HTTPConnection,
    content_type: str,
    body: str,
    files: dict[str, list[object]],
) -> None:
    visitor.request("POST", "/keep/top/a/b", body.encode(), {"Content-Type": content_type})
    answer = visitor.getresponse()
    expected = Response.json(["top", "a/b", {"q": "ä x", "empty": ""}, files]).body
    assert answer.read().decode() == expected
    assert server.state == ["top"]


def test_failing_route_is_a_500_and_recorded(server: FixtureServer, visitor: http.client.HTTPConnection) -> None:
    assert get(visitor, "/broken")[0] == 500
    assert "a mistake in the route" in server.errors[0]
    assert get(visitor, "/nowhere")[0] == 404
    assert get(visitor, "/keep/a/b")[0] == 405


def test_hangup_closes_the_connection_without_an_answer(visitor: http.client.HTTPConnection) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        get(visitor, "/hangup")


def test_streams_are_complete_and_head_has_no_body(visitor: http.client.HTTPConnection) -> None:
    assert get(visitor, "/stream") == (200, "abc")
    visitor.request("HEAD", "/stream")
    answer = visitor.getresponse()
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''na%C3%AFve.txt"
    assert answer.read() == b""
    assert get(visitor, "/stream") == (200, "abc")


def test_closing_drops_waiting_and_idle_connections(server: FixtureServer, visitor: http.client.HTTPConnection) -> None:
    idle = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    assert get(idle, "/") == (200, "1")
    visitor.request("GET", "/slow")
    give_up = time.monotonic() + 10
    while len(server.requests) < 2 and time.monotonic() < give_up:
        time.sleep(0.005)
    server.close()
    with pytest.raises(ConnectionError):
        visitor.getresponse()
    with pytest.raises(ConnectionError):
        get(idle, "/")
    idle.close()
    visitor.close()
    with pytest.raises(ConnectionRefusedError):
        visitor.request("GET", "/")


def test_unknown_names_are_refused_with_the_known_ones(server: FixtureServer) -> None:
    with pytest.raises(UnknownSiteError, match="directory"):
        serve("nothing")
    with pytest.raises(UnknownSiteError, match="v1, v2"):
        server.version = "v9"
    with pytest.raises(UnknownSiteError, match="v1, v2"):
        serve("directory", version="v9")
    assert server.version == "v1"


@pytest.mark.parametrize("name", SITES)
def test_every_site_starts_and_has_a_description(name: str) -> None:
    with serve(name) as site:
        assert site.site.name == name
        assert site.site.about
        assert {"v1", "v2"} <= set(site.site.versions)


def test_package_docstring_example_runs() -> None:
    result = doctest.testmod(fixtures_sites)
    assert result.attempted
    assert not result.failed


def test_tls_server_serves_the_same_with_an_untrusted_certificate() -> None:
    with serve("misbehaving", tls=True) as site:
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(site.url)
        trusting = ssl.create_default_context(cafile=Path(fixtures_sites.__file__).with_name("self_signed.pem"))
        with urllib.request.urlopen(site.url, context=trusting) as answer:
            assert b"Site map" in answer.read()


def test_sites_import_each_other_by_relative_names() -> None:
    """A wheel has them within ``engine``, where a module ``fixtures_sites`` may be the user's own."""
    assert (ROOT / "engine" / "fixtures_sites").resolve() == ROOT / "fixtures_sites"
    absolute = [
        f"{path.name}:{node.lineno}"
        for path in (ROOT / "fixtures_sites").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fixtures_sites")
    ]
    assert not absolute
