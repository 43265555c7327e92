"""What one run in a worker came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.workers.session import Session
from sandbox.results import Evidence, ScriptError


@dataclass(frozen=True)
class Outcome:
    """The end of a run: the value that ``run`` returned, or why it failed.

    Args:
        ok: The automation returned.
        value: What it returned, as JSON gives it back.
        error: Why it failed.
        evidence: What the page says.
        logs: Lines from ``task.log`` and ``print``.
        seconds: Wall time.
        cpu_seconds: Processor time of all its processes.
        peak_memory_mb: The most private memory seen, in MiB, sampled a few times a second.
        processes: The most processes seen at one time, sampled likewise; browser and driver included.
        worker_run: Which run of its worker it was: 1 in a blank one.
        session: The still-open worker, if ``keep_open`` was asked for; the caller closes it.
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
    session: Session | None = None

    @property
    def refused(self) -> tuple[tuple[str, str], ...]:
        """``(host:port, reason)`` of requests that were refused or could not be made."""
        return self.evidence.refused
