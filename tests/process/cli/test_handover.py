"""Commands that a process beside the pool runs in their callers' name: as without it, for whoever looks on."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import ended, is_handed_over, read_all, started
from tests.support.paths import ROOT

SERVER = """\
import socket, sys
from pathlib import Path
from engine.cli.pool import endpoint, handover
from engine.cli.pool.commands import fork_command_server
with fork_command_server() as commands:
    listening = endpoint.listen(Path(sys.argv[1]), handover.COMMANDS_SOCKET)
    socket.send_fds(commands, [b"."], [listening.fileno()])
    listening.close()
    print("ready", flush=True)
    sys.stdin.read()
"""
BY_HAND = {"PYTHONWARNINGS": ""}  # it must be that of the process beside the pool


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A store with a process that commands are handed over to, and one without."""
    with_it, without = tmp_path_factory.mktemp("with"), tmp_path_factory.mktemp("none")
    (with_it / "default").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(with_it / "default")],
        cwd=ROOT,
        env=os.environ | BY_HAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield with_it, without
        server.communicate()


@pytest.mark.parametrize(
    ("arguments", "given", "code"),
    [
        (["run", "-", "--timeout", "-1", "--json"], '{"task": "List"}', 2),
        (["run", "List", "--wait-timeout", "1", "--repeats", "2"], "", 2),
        (["run", "List", "--schema", "nowhere.json"], "", 2),
    ],
)
def test_command_prints_the_same_and_ends_with_the_same_code(
    stores: tuple[Path, Path], arguments: list[str], given: str, code: int
) -> None:
    both = [started("--store", str(store), *arguments, env_more=BY_HAND, stdin=subprocess.PIPE) for store in stores]
    one, other = (ended(process, given) for process in both)
    assert one == other
    assert one[0] == code


def test_command_sees_the_callers_terminal(stores: tuple[Path, Path]) -> None:
    shown = []
    for store in stores:
        controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, 61, 0, 0))
        process = started(
            "--store", str(store), "run", "--help", env_more=BY_HAND, stdin=terminal, stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        shown.append(read_all(controller))
        assert process.wait(60) == 0
    assert shown[0] == shown[1]
    assert "in plain words, or the whole\r\n" in shown[0], "wrapped at this width"


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_signal_reaches_the_command(stores: tuple[Path, Path], sent: signal.Signals, code: int) -> None:
    """Interrupt a command that waits for an answer at a terminal."""
    controller, terminal = pty.openpty()
    process = started(
        "--store", str(stores[0]), "run", "List", "--secret", "password",
        env_more=BY_HAND, stdin=terminal, stdout=terminal, stderr=terminal,
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    while b"password (secret)" not in shown:
        shown += os.read(controller, 4096)
    assert is_handed_over(process)
    process.send_signal(sent)
    shown_later = read_all(controller)
    assert process.wait(60) == code
    assert ("Interrupted." in shown_later) is (code == 130)


def test_command_of_another_python_runs_by_itself(stores: tuple[Path, Path]) -> None:
    arguments = ("--store", str(stores[0]), "run", "List", "--timeout", "-1")
    code, _, errors = ended(started(*arguments, env_more={"PYTHONWARNINGS": "default"}))
    assert (code, "--timeout must be" in errors) == (2, True)
