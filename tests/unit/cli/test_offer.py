from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from engine import TaskResult
from engine.cli.offer import accepted_hosts
from engine.diagnosis.private_backends import host_not_allowed
from engine.task.wire import TaskError

ORIGIN = "http://127.0.0.1:4000"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def refused() -> TaskResult:
    cause = host_not_allowed("the page loads its data from", [ORIGIN])
    error = TaskError(code="internal-error", message=cause.message, details={"reason": cause.reason, **cause.details})
    now = datetime.now(UTC)
    return TaskResult(web_task_id="wt_1", status="completed", outcome="failed", created_at=now, error=error)


@pytest.mark.parametrize(("answer", "hosts"), [("y\n", [ORIGIN]), ("n\n", []), ("\n", [])])
def test_refused_origins_are_offered_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, answer: str, hosts: list[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert accepted_hosts(refused()) == hosts


@pytest.mark.parametrize("piped", ["stdin", "stderr"])
def test_nothing_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch, piped: Any) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(sys, piped, io.StringIO("y\n"))
    assert accepted_hosts(refused()) == []
