"""One run of an automation in a worker, of either kind."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.egress.options import Egress
from sandbox.errors import SandboxLimitExceeded
from sandbox.host import Host
from sandbox.isolation import shortage
from sandbox.limits import SandboxLimits
from sandbox.protocol import ProtocolError, parse_json
from sandbox.results import Automation, ScriptError
from sandbox.workers import parse
from sandbox.workers.client import WorkerClient
from sandbox.workers.outcome import Outcome
from sandbox.workers.violations import end_for_violation
from sandbox.workers.web_rules import WebRules


@dataclass(frozen=True)
class Run:
    """A run that is asked of a worker.

    Args:
        automation: The code.
        host: Takes its calls.
        egress: Its network access.
        limits: Its limits.
        rules: What its requests by ``web`` are judged by.
        fields: What the worker is told.
        reused_by: Who may use the worker again; None for nobody.
        images: It needs the pictures and fonts of pages.
        trace_bytes: The most bytes of a trace that it may send.
        started: When the caller asked for it, as `time.perf_counter` tells.
    """

    automation: Automation
    host: Host
    egress: Egress
    limits: SandboxLimits
    rules: WebRules
    fields: dict[str, Any]
    reused_by: str | None
    images: bool = True
    trace_bytes: int = 0
    started: float = field(default_factory=time.perf_counter)

    async def perform(self, client: WorkerClient) -> Outcome:
        """Perform it in a worker, and return its outcome; errors as of `Sandbox.run`."""
        await client.bind(self.host, self.egress, self.limits, self.automation, self.rules, self.trace_bytes)
        if self.reused_by is not None:
            await client.record_baseline()
        answer = await client.call("run", self.limits.wall_seconds, **self.fields)
        return self._outcome(client, answer)

    def _outcome(self, client: WorkerClient, answer: Any) -> Outcome:
        try:
            error = parse.script_error(answer["error"])
            evidence = parse.evidence(answer["evidence"], client.dialer)
            evidence = client.traffic.added_to(evidence, alone=self.automation.kind == "web")
            value = None
            if error is None:
                text = str(answer["value"]).encode()
                if len(text) > client.limits.output_bytes:
                    raise SandboxLimitExceeded("output_bytes", client.limits.output_bytes)
                value = parse_json(text)
        except (ProtocolError, KeyError, TypeError, UnicodeError) as problem:
            end_for_violation(client, problem)
        held = client.traffic.held
        if held is not None and (error is None or error.kind != "held"):  # caught, or sent after the code had ended
            value, error = None, ScriptError("WriteBlocked", held, kind="held")
        if error is not None and (short := shortage.in_worker(error.type, error.message, client.limits)) is not None:
            raise short
        usage = client.measure()
        return Outcome(
            ok=error is None,
            value=value,
            error=error,
            evidence=evidence,
            logs=client.logs,
            seconds=time.perf_counter() - self.started,
            cpu_seconds=usage.cpu_seconds,
            peak_memory_mb=client.peak.memory_mb,
            processes=client.peak.processes,
            worker_run=client.runs,
            images=client.images,
        )
