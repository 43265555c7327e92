"""The kind of an automation, by the signature of its `run`."""

from __future__ import annotations

import pytest

from sandbox import Automation
from sandbox.kinds import automation_kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("async def run(page, parameters, task): pass", "page"),
        ("async def run(web, parameters, task): pass", "web"),
        ("async def run(web, /, parameters, task): pass", "web"),
        ("def helper(web): pass\nasync def run(page, parameters, task): pass", "page"),
        ("class A:\n    async def run(web): pass\nasync def run(page, parameters, task): pass", "page"),
        ("async def run(page, p, t): pass\nasync def run(web, p, t): pass", "web"),
        ("async def run(parameters, web): pass", "page"),
        ("async def run(): pass", "page"),
        ("run = lambda web: 1", "page"),
        ("async def run(web, parameters, task:", "page"),
        ("x = '" + "(" * 1000 + "'", "page"),
    ],
)
def test_the_first_parameter_of_run_tells_the_kind(code: str, kind: str) -> None:
    assert Automation(code).kind == automation_kind(code) == kind
