"""No test leaves the house: not into the home directory, not into the network, not to a live model.

An attempt is refused where it is made *and* fails the test at its end, so that no `except OSError` on the
way can hide it. `WEBTASKS_LIVE=1` lifts the guard of network and model; the home directory stays guarded.

What this does not see: other processes (git, a browser that a test starts outside the jail), C code that
opens sockets of its own, reverse look-ups, and writes to the home directory
by a path that does not come from the environment. The jail's traffic is seen: its proxy lives here.
"""

from __future__ import annotations

import contextlib
import gc
import ipaddress
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.warm import warm, warm_at_rest, warm_landlock

__all__ = ["warm", "warm_at_rest", "warm_landlock"]

gc.disable()  # up to the end of the collection: imports leave nothing to collect, and it took a tenth of the time
LIVE = os.environ.get("WEBTASKS_LIVE") == "1"
_RESERVED = ("invalid", "test", "example")  # RFC 2606: such a name never exists, and nobody has to be asked
_KINDS = ("browser", "jail", "process", "unit")  # directories, in the order in which they are run
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by what it needs, and begin with those that take long.

    The kind is the directory's name; a test that uses the fixture `git` is marked ``git``.
    """
    if "hypothesis" in sys.modules:
        _leave_constants_out_of_examples()
    for item in items:
        item.add_marker(_kind(item))
        if "git" in getattr(item, "fixturenames", ()):
            item.add_marker("git")
    items.sort(key=lambda item: (item.get_closest_marker("long") is None, _KINDS.index(_kind(item))))


def _leave_constants_out_of_examples() -> None:
    """Keep hypothesis from taking examples out of the constants of all our modules that are imported by then.

    Examples would be others with each change of any module, and with what the tests before have imported. In each
    process it parses all modules for that. There is no setting for it.
    """
    from hypothesis.internal.conjecture import providers

    providers._get_local_constants = lambda: providers._local_constants  # which are none


def pytest_collection_finish() -> None:
    """Spare each later garbage collection what was imported and collected, which stays to the end."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 20)  # collections took a twentieth of the time


def _kind(item: pytest.Item) -> str:
    return item.nodeid.split("/", 2)[1]  # thousands of paths would take longer


@pytest.fixture(scope="session")
def git() -> None:
    """Leave for a unit test to run git."""
    import git as library

    assert library  # its import runs git


@pytest.fixture(scope="session")
def outside() -> list[str]:
    """This test's attempts to reach the network; one that provokes them on purpose clears the list."""
    return []


@pytest.fixture(scope="session", autouse=True)
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty home directory; it has to stay empty."""
    directory = tmp_path_factory.mktemp("home")
    browsers = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ms-playwright"
    with pytest.MonkeyPatch.context() as patch:
        if "PLAYWRIGHT_BROWSERS_PATH" not in os.environ and browsers.is_dir():
            patch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(browsers))
        for name in [name for name in os.environ if name.startswith("XDG_")]:
            patch.delenv(name)
        patch.setenv("HOME", str(directory))
        yield directory


@pytest.fixture(scope="session", autouse=True)
def no_network_no_model(outside: list[str]) -> Iterator[None]:
    """Sockets of this process reach loopback only, and the environment names no model and no proxy."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.lower() in _PROXIES]:
            patch.delenv(name)
        if not LIVE:
            for name in [name for name in os.environ if name.startswith("ANTHROPIC_")]:
                patch.delenv(name)
            _guard_sockets(patch, outside)
        yield


@pytest.fixture(autouse=True)
def stays_in_the_house(empty_home: Path, outside: list[str]) -> Iterator[None]:
    """Fails the test that left."""
    outside.clear()
    yield
    written = sorted(path.name for path in empty_home.iterdir())
    if written:  # the next test starts clean
        shutil.rmtree(empty_home)
        empty_home.mkdir()
    assert not written, f"written to the home directory: {written}; a test writes to tmp_path only"
    assert not outside, (
        f"tried to reach the network: {outside}; a test talks to loopback only (WEBTASKS_LIVE=1 lifts this)"
    )


def _guard_sockets(patch: pytest.MonkeyPatch, outside: list[str]) -> None:
    def check(call: str, host: object) -> None:
        if not _is_here(host):
            outside.append(f"{call} {host}")
            raise PermissionError(f"{call} {host}: tests talk to loopback only, see tests/conftest.py")

    def guarded_send(name: str, position: int) -> Callable[..., Any]:
        real = getattr(socket.socket, name)

        def call(self: socket.socket, *args: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and -len(args) <= position < len(args):
                address = args[position]
                if isinstance(address, tuple):
                    check(name, address[0])
            return real(self, *args)

        return call

    def guarded_lookup(name: str) -> Callable[..., Any]:
        real = getattr(socket, name)

        def call(host: Any, *args: Any, **options: Any) -> Any:
            if _text(host).rpartition(".")[2] in _RESERVED:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            if not _is_address(host):
                check(name, host)
            return real(host, *args, **options)

        return call

    for method, position in (("connect", 0), ("connect_ex", 0), ("sendto", -1), ("sendmsg", 3)):
        patch.setattr(socket.socket, method, guarded_send(method, position))
    for function in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        patch.setattr(socket, function, guarded_lookup(function))


def _text(host: object) -> str:
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
    return text.rstrip(".").partition("%")[0].lower()


def _is_address(host: object) -> bool:
    """Recognize what the C library reads as an address (0x7f.1 is one, too) and looks up nowhere."""
    for reads in (socket.inet_aton, lambda text: socket.inet_pton(socket.AF_INET6, text)):
        with contextlib.suppress(OSError):
            reads(_text(host))
            return True
    return False


def _is_here(host: object) -> bool:
    text = _text(host)
    if text in ("", "localhost") or text.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified
