"""The outcome of one run in a worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.results import Evidence, ScriptError

if TYPE_CHECKING:
    from sandbox.workers.session import Session


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run: the value that ``run`` returned, or the error.

    Args:
        ok: The automation returned.
        value: The returned value, after a round trip through JSON.
        error: The failure; None if there was none.
        evidence: The evidence on the page at the end.
        logs: Lines from ``task.log`` and ``print``.
        seconds: Wall time.
        cpu_seconds: Processor time of all its processes.
        peak_memory_mb: The largest sample of private memory, in MiB, taken a few times a second.
        processes: The largest sample of the number of processes, browser and driver included.
        worker_run: The number of this run in its worker; 1 in a blank one.
        images: The pages loaded their pictures and fonts.
        session: The open worker, if ``keep_open`` was set; the caller closes it.
    """

    ok: bool
    value: Any
    error: ScriptError | None
    evidence: Evidence
    logs: tuple[str, ...]
    seconds: float
    cpu_seconds: float
    peak_memory_mb: float
    processes: int
    worker_run: int
    images: bool = True
    session: Session | None = None

    @property
    def refused(self) -> tuple[tuple[str, str], ...]:
        """``(host:port, reason)`` of connections that were refused or failed."""
        return self.evidence.refused
