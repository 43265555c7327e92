"""Progress of a run on standard error: a few live lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from engine import Event
from engine.task.event_text import EventLine, event_line
from engine.task.formatting import seconds

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

EventHandler = Callable[[Event], None]
_RECENT = 4  # lines about the agent's last actions


@contextmanager
def show_progress(*, quiet: bool = False) -> Iterator[EventHandler]:
    """Yield a function for ``on_event`` that shows each event while the block runs.

    Args:
        quiet: Show nothing.
    """
    stream = sys.stderr
    if quiet:
        yield lambda event: None
    elif not stream.isatty():
        yield _plain_lines()
    else:
        from rich.console import Console
        from rich.live import Live

        console = Console(file=stream, highlight=False)
        if console.is_dumb_terminal:
            yield _plain_lines()
            return
        view = _LiveView(console)
        with Live(view, console=console, refresh_per_second=8, transient=True):
            try:
                yield view.add
            finally:
                # The last frame is drawn whole, and of one that is higher than the terminal the top would stay.
                view.ended = True


def _plain_lines() -> EventHandler:
    elapsed = _ElapsedTime()

    def print_line(event: Event) -> None:
        at, line = elapsed.at(event), event_line(event)
        if line is not None:
            indent = "" if line.level == "phase" else "  " if line.level == "step" else "    "
            spent = f"  {line.spent}" if line.spent else ""
            click.echo(f"{at:6.1f}s  {indent}{line.text}{spent}", err=True)

    return print_line


class _ElapsedTime:
    """Seconds since a task's first event, which may be long past when its events are first read."""

    def __init__(self) -> None:
        self._first = datetime.now(UTC)
        self._seen = False

    def at(self, event: Event) -> float:
        """Return the seconds from the first event to this one; the first call defines the first event."""
        if not self._seen:
            self._first, self._seen = event.time, True
        return max(0.0, (event.time - self._first).total_seconds())

    def now(self) -> float:
        """Return the seconds from the first event to now."""
        return max(0.0, (datetime.now(UTC) - self._first).total_seconds())


class _LiveView:
    """A live display: phases scroll by above, the figures so far and the agent's last actions stay below."""

    def __init__(self, console: Console) -> None:
        self.ended = False
        from rich.spinner import Spinner

        self._console = console
        self._spinner = Spinner("dots")
        self._elapsed = _ElapsedTime()
        self._step = ""
        self._spent = ""
        self._recent: deque[EventLine] = deque(maxlen=_RECENT)

    def add(self, event: Event) -> None:
        """Show one event."""
        at = self._elapsed.at(event)
        if event.type == "agent.step":
            self._step = f"step {event.data['turn']}"
        line = event_line(event)
        if line is None:
            return
        self._spent = line.spent or self._spent
        if line.level != "phase":
            self._recent.append(line)
            return
        from rich.table import Table
        from rich.text import Text

        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_row(Text(f"{at:6.1f}s", style="dim", no_wrap=True), Text(line.text))
        self._console.print(row)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        if self.ended:
            return
        figures = " · ".join(filter(None, (seconds(self._elapsed.now()), self._step, self._spent)))
        spinner = self._spinner.render(console.get_time())
        yield Text.assemble(spinner if isinstance(spinner, Text) else "", " ", (figures, "bold"))
        for line in self._recent:
            text = Text(("    " if line.level == "step" else "      ") + line.text, style="dim", no_wrap=True)
            text.truncate(max(20, options.max_width - 1), overflow="ellipsis")
            yield text
