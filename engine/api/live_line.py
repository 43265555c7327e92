"""A line of what happens in the tasks that run, where a person looks on: in a terminal, or under a notebook's cell."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

from engine.task.event_text import event_line
from engine.task.events import END_EVENTS, Event, OnEvent
from engine.task.formatting import dollars, one_line, seconds

_WIDTH = 100  # characters
_CLEAR = "\r\x1b[K"


def live_line() -> OnEvent | None:
    """Return an ``on_event`` that keeps a line up to date; None where nobody would see it."""
    if (show := _in_notebook() or _in_terminal()) is None:
        return None
    return _LiveLine(show)


def both(first: OnEvent | None, second: OnEvent | None) -> OnEvent | None:
    """Return an ``on_event`` that calls both."""
    if first is None or second is None:
        return first or second

    async def call(event: Event) -> None:
        for each in (first, second):
            found = each(event)
            if inspect.isawaitable(found):
                await found

    return call


class _LiveLine:
    """The line: the last thing that happened, the time and the money so far, and the number of tasks.

    Args:
        show: Shows a text in place of the one before; the second argument is True for a task's end, which stays.
    """

    def __init__(self, show: Callable[[str, bool], None]) -> None:
        self._show = show
        self._running: dict[str, tuple[Event, float]] = {}  # first event, dollars

    def __call__(self, event: Event) -> None:
        """Show an event."""
        first, usd = self._running.get(event.task_id, (event, 0.0))
        usd = float(event.data.get("spent_usd", usd))
        self._running[event.task_id] = (first, usd)
        parts = [seconds((event.time - first.time).total_seconds()), *([dollars(usd)] if usd else [])]
        if event.type in END_EVENTS:
            del self._running[event.task_id]
            error = event.data.get("error")
            ended = "canceled" if event.type == "task.canceled" else str(event.data.get("outcome", "ended"))
            key = str(first.data.get("key") or event.task_id)
            self._show(one_line(f"{key}: {ended}{f' ({error})' if error else ''}, {', '.join(parts)}", _WIDTH), True)
            return
        if (line := event_line(event)) is not None:
            others = f" ({len(self._running)} tasks)" if len(self._running) > 1 else ""
            self._show(one_line(f"{', '.join(parts)}{others}  {line.text}", _WIDTH), False)


def _in_terminal() -> Callable[[str, bool], None] | None:
    if sys.stderr is None or not sys.stderr.isatty():
        return None

    def show(text: str, stays: bool) -> None:
        sys.stderr.write(f"{_CLEAR}{text}{chr(10) if stays else ''}")
        sys.stderr.flush()

    return show


def _in_notebook() -> Callable[[str, bool], None] | None:
    """Return a function that shows a text under the cell that runs, in a kernel; None elsewhere."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import display

    handle: Any = None

    def show(text: str, stays: bool) -> None:
        nonlocal handle
        shown = {"text/plain": text}
        if handle is None:
            handle = display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]  # IPython has no types
        else:
            handle.update(shown, raw=True)
        if stays:
            handle = None

    return show
