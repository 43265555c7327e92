"""The live display on a terminal."""

from __future__ import annotations

import io
import re
import sys
from datetime import UTC, datetime

import pytest

from engine import Event
from engine.cli.progress import show_progress

_CODE = re.compile(r"\x1b\[\??([\d;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]+")


class Terminal(io.StringIO):
    """A terminal of so many lines, with what scrolled off above them."""

    def __init__(self, height: int) -> None:
        super().__init__()
        self.height = height

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        lines, row, column = [""], 0, 0
        for code in _CODE.finditer(self.getvalue()):
            if code[0] == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif code[0] == "\r":
                column = 0
            elif code[2] == "A":
                row = max(row - int(code[1] or 1), len(lines) - self.height, 0)
            elif code[2] == "K":
                lines[row] = ""
            elif code[2] is None:
                lines[row] = lines[row][:column].ljust(column) + code[0] + lines[row][column + len(code[0]) :]
                column += len(code[0])
        return [line.rstrip() for line in lines if line.strip()]


@pytest.mark.parametrize("height", [4, 30])
def test_no_spinner_is_left_when_the_run_ends(height: int, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(height)
    monkeypatch.setattr(sys, "stderr", terminal)
    for name, value in {"TERM": "xterm", "COLUMNS": "80", "LINES": str(height)}.items():
        monkeypatch.setenv(name, value)
    now = datetime.now(UTC)
    with show_progress() as show:
        show(Event("replay.started", "wt_1", now, {"revision": "abcdef1234"}))
        for turn in range(5):
            show(Event("agent.step", "wt_1", now, {"turn": turn, "text": "thinking", "spent_usd": 0.001}))
        show(Event("candidate.real_run", "wt_1", now, {}))
    assert "$0.0010 so far" in terminal.getvalue(), "it was shown"
    first, second = terminal.lines()
    assert first.endswith("replaying revision abcdef1234")
    assert second.endswith("starting the one real run")
