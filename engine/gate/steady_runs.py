"""Runs of candidates that do not fail for what passes by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from engine.diagnosis.failures import Failed
from engine.diagnosis.triage import site_cause
from engine.execution.automation_run import AutomationRun
from engine.execution.effects import writes
from engine.execution.executor import Executor
from engine.gate.verdicts import Requirements
from engine.task.cause import Cause

_UNANSWERED = frozenset({"dns", "connection-refused", "connection-lost", "network"})
# Kinds of errors that neither the code nor the site made.
ENDED_OTHERWISE = frozenset({"rehearsal", "gate", "held", "crash", "ask"})
_ADDRESS = re.compile(r"https?://[^\s\"']+")


async def run_steadily(
    executor: Executor,
    requirements: Requirements,
    code: str,
    parameters: Mapping[str, Any],
    *,
    start_url_given: bool,
    **options: Any,
) -> tuple[AutomationRun, Cause | None]:
    """Run a candidate; repeat a run that was stopped by what passes by itself, as a replay is repeated.

    Args:
        start_url_given: A person gave the start URL; one that a model chose may be wrong.
        options: As `Executor.run` takes them.

    Returns:
        The run, and its cause where that did not pass, although code may be to blame.

    Raises:
        Failed: The site does not answer, or needs a private host that only a person may allow; no code can mend that.
    """
    while True:
        run = await executor.run(code, parameters, resources=requirements.resources, **options)
        cause = passing_cause(run, requirements, executor.start_url)
        if cause is None:
            return run, None
        if not cause.transient:
            raise Failed(cause)
        if not await executor.retry_policy.wait(cause):
            if start_url_given and _is_final(cause, run, executor.start_url):
                raise Failed(cause)
            return run, cause
        if run.outcome.session is not None:
            await run.outcome.session.close()


def passing_cause(run: AutomationRun, requirements: Requirements, start_url: str | None) -> Cause | None:
    """Return the cause that stopped a run and may pass, unless a repeat would send again what may have been sent."""
    error, evidence = run.outcome.error, run.outcome.evidence
    if error is None or error.kind in ENDED_OTHERWISE or run.gates or writes(evidence):
        return None
    logs_in = bool(requirements.secrets) or evidence.password_filled
    cause = site_cause(error, evidence, start_url=start_url, login_expected=logs_in)
    if cause is None or not (cause.transient or "allow_hosts" in cause.details):
        return None
    return cause


def _is_final(cause: Cause, run: AutomationRun, start_url: str | None) -> bool:
    """Return True where the site itself does not answer; an address that the code made up may not answer either."""
    error = run.outcome.error
    if error is None or error.at_start:
        return error is not None
    addresses = [urlsplit(found).hostname for found in _ADDRESS.findall(error.message)]
    own = start_url is not None and all(host == urlsplit(start_url).hostname for host in addresses)
    return cause.reason in _UNANSWERED and own
