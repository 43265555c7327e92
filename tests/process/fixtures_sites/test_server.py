"""The command that serves a site."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from fixtures_sites import FixtureServer
from fixtures_sites.server import Site

SITE = Site("toy", about="a toy", state=list)


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


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_command_serves_until_interrupted(sent: signal.Signals) -> None:
    command = [sys.executable, "-m", "fixtures_sites", "ledger", "--version", "v2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        assert "demo / violet-harbor-92" in process.stdout.readline()
        address = process.stdout.readline().strip()
        visitor = http.client.HTTPConnection(address.removeprefix("http://").rstrip("/"), timeout=60)
        assert "Welcome back" in get(visitor, "/signin")[1]
        process.send_signal(sent)
        assert process.wait(60) == 0
        assert process.stderr.read() == ""
        visitor.close()


def test_command_refuses_a_port_in_use(server: FixtureServer) -> None:
    command = [sys.executable, "-m", "fixtures_sites", "feed", "--port", str(server.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr == (f"cannot listen on port {server.port}: Address already in use; choose another --port\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "invalid choice: 'nowhere'"),
        (["feed", "--version", "v3"], "the site 'feed' has no version 'v3'; it has v1, v2"),
        (["feed", "--port", "70000"], "--port must be from 0 to 65535, not 70000"),
    ],
)
def test_command_refuses_wrong_arguments(arguments: list[str], message: str) -> None:
    command = [sys.executable, "-m", "fixtures_sites", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
