"""Shows a run while it works, on standard error: a few live lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from engine import Event
from engine.cli.event_text import EventLine, narrate
from engine.cli.output import seconds

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

Watcher = Callable[[Event], None]
_RECENT = 4  # lines of what the agent did last


@contextmanager
def watch(*, quiet: bool = False) -> Iterator[Watcher]:
    """What to pass as ``on_event``; while the block runs, events are shown.

    Args:
        quiet: Show nothing.
    """
    stream = sys.stderr
    if quiet:
        yield lambda event: None
    elif not stream.isatty():
        yield _print_lines()
    else:
        from rich.console import Console
        from rich.live import Live

        console = Console(file=stream, highlight=False)
        if console.is_dumb_terminal:
            yield _print_lines()
            return
        view = _View(console)
        with Live(view, console=console, refresh_per_second=8, transient=True):
            yield view.take


def _print_lines() -> Watcher:
    clock = _Clock()

    def tell(event: Event) -> None:
        at, line = clock.at(event), narrate(event)
        if line is not None:
            indent = "" if line.weight == "phase" else "  " if line.weight == "step" else "    "
            spent = f"  {line.spent}" if line.spent else ""
            click.echo(f"{at:6.1f}s  {indent}{line.text}{spent}", err=True)

    return tell


class _Clock:
    """Seconds since the first event, which may be long past when somebody begins to watch."""

    def __init__(self) -> None:
        self._first = datetime.now(UTC)
        self._seen = False

    def at(self, event: Event) -> float:
        """When it happened."""
        if not self._seen:
            self._first, self._seen = event.time, True
        return max(0.0, (event.time - self._first).total_seconds())

    def now(self) -> float:
        """Until now."""
        return max(0.0, (datetime.now(UTC) - self._first).total_seconds())


class _View:
    """Phases scroll by above; below stand the figures so far and the agent's last doings."""

    def __init__(self, console: Console) -> None:
        from rich.spinner import Spinner

        self._console = console
        self._spinner = Spinner("dots")
        self._clock = _Clock()
        self._step = ""
        self._spent = ""
        self._recent: deque[EventLine] = deque(maxlen=_RECENT)

    def take(self, event: Event) -> None:
        """Takes one event into the view."""
        at = self._clock.at(event)
        if event.type == "agent.step":
            self._step = f"step {event.data['turn']}"
        line = narrate(event)
        if line is None:
            return
        self._spent = line.spent or self._spent
        if line.weight != "phase":
            self._recent.append(line)
            return
        from rich.table import Table
        from rich.text import Text

        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_row(Text(f"{at:6.1f}s", style="dim", no_wrap=True), Text(line.text))
        self._console.print(row)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        figures = " · ".join(filter(None, (seconds(self._clock.now()), self._step, self._spent)))
        spinner = self._spinner.render(console.get_time())
        yield Text.assemble(spinner if isinstance(spinner, Text) else "", " ", (figures, "bold"))
        for line in self._recent:
            text = Text(("    " if line.weight == "step" else "      ") + line.text, style="dim", no_wrap=True)
            text.truncate(max(20, options.max_width - 1), overflow="ellipsis")
            yield text
