"""Descriptions of a candidate's run, as the model gets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.agent.describe import describe_trial
from engine.execution.automation_run import AutomationRun
from engine.gate.verdicts import Trial
from engine.task.redaction import Redactor
from engine.testing import outcome
from sandbox import Evidence


@pytest.mark.parametrize(("problems", "told"), [((), False), (("it returned no rows",), True)])
def test_hosts_that_were_refused_are_told_only_where_the_run_was_not_good(
    problems: tuple[str, ...], *, told: bool
) -> None:
    evidence = Evidence(refused=(("ads.example", "policy"), ("ads.example", "policy")))
    run = AutomationRun(outcome([{"name": "Dune"}], evidence=evidence), None, (), Path())
    assert ("Refused hosts: ads.example." in describe_trial(Trial("code", {}, run, problems), Redactor({}, ()))) is told
