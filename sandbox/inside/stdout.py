"""The standard output of the automation."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.cutting import cut_each

OUTPUT_LIMIT = 12_000
"""The most characters of a step's output that are returned."""


class CapturedStdout:
    """A ``sys.stdout`` whose lines become log lines, or the output of a step.

    Args:
        log: Takes each line that is printed outside a step.
    """

    def __init__(self, log: Callable[[str], object]) -> None:
        self._log = log
        self._rest = ""
        self.step: list[str] | None = None
        self._step_size = 0

    def write(self, text: str) -> int:
        """Log the lines that the text completes; in a step, keep the text up to a limit."""
        if self.step is not None:
            if self._step_size < 20 * OUTPUT_LIMIT:
                self.step.append(text)
            self._step_size += len(text)
            return len(text)
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._log(line)
        return len(text)

    def flush(self) -> None:
        """Do nothing: only an unfinished line waits, for its end."""

    def isatty(self) -> bool:
        """Return False: there is no terminal."""
        return False

    def begin_step(self) -> None:
        """Collect the text from now on, instead of logging it."""
        self.step, self._step_size = [], 0

    def end_step(self, result: str = "") -> list[str]:
        """Return the values that were printed, each with the blanks behind it, and the result; log again from now on.

        The longest are cut where all together are too long.
        """
        values: list[str] = []
        for text in self.step or ():
            if values and not text.strip():
                values[-1] += text
            else:
                values.append(text)
        self.step = None
        return cut_each([*values, result] if result else values, OUTPUT_LIMIT)

    def finish(self) -> None:
        """Log an unfinished line, if there is one."""
        if self._rest:
            self._log(self._rest)
            self._rest = ""
