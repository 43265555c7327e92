"""Inside the jail: where the automation's ``print`` goes."""

from __future__ import annotations

from collections.abc import Callable

OUTPUT_LIMIT = 12_000
"""Characters of a step's output that are shown."""


class Prints:
    """``sys.stdout`` of the automation: lines become logs, or the output of a step."""

    def __init__(self, log: Callable[[str], object]) -> None:
        self._log = log
        self._rest = ""
        self.step: list[str] | None = None
        self._step_size = 0

    def write(self, text: str) -> int:
        """Take text; a step keeps as much as it can show."""
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
        """Nothing is held back but an unfinished line."""

    def isatty(self) -> bool:
        """It is no terminal."""
        return False

    def begin_step(self) -> None:
        """Collect from here."""
        self.step, self._step_size = [], 0

    def end_step(self) -> str:
        """What was collected."""
        text = "".join(self.step or ())
        self.step = None
        return text

    def finish(self) -> None:
        """Log an unfinished line."""
        if self._rest:
            self._log(self._rest)
            self._rest = ""
