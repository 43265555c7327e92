"""A command that is handed over: which one, to whom, and that whatever cannot be taken has not begun."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from engine.cli.main import webtasks
from engine.cli.pool import commands, endpoint, handover

CALL = ["run", "List", "--key", "ключ"]


def test_options_that_take_a_value_are_those_of_the_outermost_group() -> None:
    taking = {name for option in webtasks.params if not option.is_flag for name in option.opts}  # type: ignore[attr-defined]  # all are options
    assert taking == handover.OPTIONS_WITH_VALUE


@pytest.mark.parametrize(
    ("arguments", "directory"),
    [
        (["run", "List"], ".webtasks/default"),
        (["--store", "a", "run", "List"], "a/default"),
        (["run", "List", "--store=a", "--workspace", "b"], "a/b"),
        (["--json", "--proxy", "run", "run"], ".webtasks/default"),
        (["list", "run"], None),
        (["--store", "run", "list"], None),
        (["--version"], None),
        ([], None),
    ],
)
def test_only_run_is_handed_over_in_the_workspace_that_it_names(
    arguments: list[str], directory: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WEBTASKS_STORE", raising=False)
    assert handover.workspace_directory(arguments) == directory
    monkeypatch.setenv("WEBTASKS_STORE", "~/kept")
    if directory == ".webtasks/default":
        assert handover.workspace_directory(arguments) == os.path.expanduser("~/kept/default")


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket in the workspace's directory on which nobody answers."""
    (tmp_path / "default").mkdir()
    with endpoint.listen(tmp_path / "default", handover.COMMANDS_SOCKET) as listener:
        yield listener


def hand_over(store: Path) -> int | None:
    return handover.hand_over(["--store", str(store), *CALL])


def test_without_a_pool_a_command_runs_by_itself(tmp_path: Path, listening: socket.socket) -> None:
    assert hand_over(tmp_path / "elsewhere") is None
    listening.close()  # a pool that was killed
    assert hand_over(tmp_path) is None


def test_pool_that_hangs_does_not_get_the_command_later(
    tmp_path: Path, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "_ANSWER_SECONDS", 0.05)
    assert hand_over(tmp_path) is None
    connection, _ = listening.accept()
    with connection:
        connection.setblocking(True)
        received = b""
        while more := connection.recv(1 << 20):
            received += more
    assert received == handover.pack(["--store", str(tmp_path), *CALL]), "the call, but no word to begin"


def test_process_of_another_user_is_not_spoken_to(
    tmp_path: Path, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = os.geteuid() + 1
    monkeypatch.setattr(handover.os, "geteuid", lambda: other)
    assert hand_over(tmp_path) is None


def received(call: bytes, *, streams: bool = True) -> object:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(5)

        def send() -> None:
            socket.send_fds(ours, [call[:1]], [0, 1, 2] if streams else [])
            ours.sendall(call[1:])
            ours.shutdown(socket.SHUT_WR)

        sending = threading.Thread(target=send)
        sending.start()
        try:
            return commands._receive(theirs)
        finally:
            theirs.close()
            sending.join()


def test_call_arrives_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LONG", "x" * 100_000)
    call = received(handover.pack(CALL))
    assert isinstance(call, commands._Call)
    for descriptor in call.descriptors:
        os.close(descriptor)
    assert (call.arguments, call.directory) == (CALL, str(tmp_path))
    assert call.variables == dict(os.environb)
    assert len(call.streams) == 3


def test_call_that_is_cut_short_or_of_another_installation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    call = handover.pack(CALL)
    assert received(call[:-1]) is None
    assert received(call, streams=False) is None
    assert received((handover.MAX_CALL + 1).to_bytes(handover.NUMBER_BYTES, "big")) is None
    with monkeypatch.context() as patch:
        patch.setattr(handover, "installation", lambda: "another version")
        call = handover.pack(CALL)
    assert received(call) is None
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    assert received(handover.pack(CALL)) is not None
    other = handover.pack(CALL)
    monkeypatch.setenv("PYTHONHASHSEED", "8")
    assert received(other) is None


def test_call_that_is_too_long_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "MAX_CALL", 100)
    with pytest.raises(ValueError, match="too long"):
        handover.pack(CALL)


def test_outermost_group_keeps_the_names_of_the_default_places() -> None:
    defaults = {option.name: option for option in webtasks.params if isinstance(option, click.Option)}
    assert handover.DEFAULT_STORE in str(defaults["store"].help)
    assert handover.DEFAULT_WORKSPACE in str(defaults["workspace"].help)
