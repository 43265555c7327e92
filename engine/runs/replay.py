"""Replay a saved automation."""

from __future__ import annotations

from engine.execution.execution import AutomationRun


def _trouble(problems: list[str], execution: AutomationRun) -> str:
    error = execution.outcome.error
    lines = ["; ".join(problems), error.traceback if error else "", "The page is as that run left it."]
    if execution.unknown_hosts:
        hosts = ", ".join(execution.unknown_hosts)
        lines.append(f"That run was kept from hosts it had not needed before: {hosts}. From now on they are reached.")
    return "\n".join(line for line in lines if line)
