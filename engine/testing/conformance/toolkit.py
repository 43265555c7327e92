"""Checks of ``task``: what an automation asks its host for arrives there, and what the host says holds."""

from __future__ import annotations

import textwrap
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.testing.conformance.attacking import AnySandbox
from sandbox import Automation, Egress, GateDecision, Host, Outcome, SandboxLimits

_ORDER = """
async with task.irreversible("place the order", key="7"):
    task.log("ordering")
    if parameters.get("broken"): raise ValueError("late")
return "ordered"
"""
_HANDLED = """
from sandbox.toolkit import AskRefused
try:
    await task.ask("?", "")
except AskRefused as refused:
    return str(refused)
"""


@dataclass(frozen=True)
class ToolkitCheck:
    """One check; call it with a sandbox.

    Raises:
        AssertionError: From a call, where the sandbox breaks the contract.
    """

    name: str
    check: Callable[[AnySandbox], Awaitable[None]]

    async def __call__(self, sandbox: AnySandbox) -> None:
        """Run the check."""
        await self.check(sandbox)

    def __str__(self) -> str:
        return self.name


class _Gatekeeper(Host):
    def __init__(self, decision: GateDecision) -> None:
        self.decision = decision
        self.calls: list[tuple[str | None, ...]] = []

    async def gate(self, action: str, key: str | None) -> GateDecision:
        self.calls.append((action, key))
        return self.decision

    async def gate_closed(self, action: str, key: str | None, error: str | None) -> None:
        self.calls.append((action, key, error))


class _Clerk(Host):
    async def ask(self, prompt: str, content: str, schema: dict[str, Any] | None) -> Any:
        return {"prompt": prompt, "length": len(content), "schema": schema}


class _Broken(Host):
    async def ask(self, prompt: str, content: str, schema: dict[str, Any] | None) -> Any:
        raise LookupError("the caller's own")


async def _run(sandbox: AnySandbox, body: str, host: Host | None = None, **parameters: Any) -> Outcome:
    code = f"async def run(page, parameters, task):\n{textwrap.indent(body.strip(), '    ')}\n"
    return await sandbox.run(
        Automation(code),
        parameters,
        start_url=None,
        egress=Egress(),
        host=host or Host(),
        limits=SandboxLimits(wall_seconds=60.0),
    )


async def _irreversible_runs_where_allowed(sandbox: AnySandbox) -> None:
    host = _Gatekeeper(GateDecision.GO)
    outcome = await _run(sandbox, _ORDER, host)
    assert outcome.value == "ordered", outcome.error
    assert host.calls == [("place the order", "7"), ("place the order", "7", None)]


async def _error_behind_a_gate_is_reported(sandbox: AnySandbox) -> None:
    host = _Gatekeeper(GateDecision.GO)
    outcome = await _run(sandbox, _ORDER, host, broken=True)
    assert outcome.error is not None
    assert outcome.error.type == "ValueError"
    assert host.calls[1:] == [("place the order", "7", "ValueError: late")]


async def _refused_gate_stops(sandbox: AnySandbox, decision: GateDecision, kind: str, swallow: str) -> None:
    host = _Gatekeeper(decision)
    body = f"try:\n{textwrap.indent(_ORDER.strip(), '    ')}\nexcept {swallow}: pass"
    outcome = await _run(sandbox, body, host)
    assert outcome.error is not None, "the code caught what must end it"
    assert outcome.error.kind == kind
    assert host.calls == [("place the order", "7")]


async def _default_host_refuses(sandbox: AnySandbox) -> None:
    outcome = await _run(sandbox, _ORDER)
    assert outcome.error is not None
    assert outcome.error.kind == "gate"


async def _ask_reaches_the_host(sandbox: AnySandbox) -> None:
    outcome = await _run(sandbox, "return await task.ask('which?', 'x' * 3000, {'type': 'object'})", _Clerk())
    assert outcome.value == {"prompt": "which?", "length": 3000, "schema": {"type": "object"}}, outcome.error


async def _refused_question_can_be_handled(sandbox: AnySandbox) -> None:
    refused = (await _run(sandbox, "return await task.ask('which?', '')")).error
    assert refused is not None
    assert (refused.kind, refused.type) == ("ask", "AskRefused")
    assert (await _run(sandbox, _HANDLED)).value == "this host does not support task.ask"


async def _error_of_the_host_is_raised(sandbox: AnySandbox) -> None:
    try:
        outcome = await _run(sandbox, "await task.ask('?', '')", _Broken())
    except LookupError as error:
        assert str(error) == "the caller's own"
    else:
        raise AssertionError(f"the host's error did not come out of run: {outcome}")


TOOLKIT: tuple[ToolkitCheck, ...] = (
    ToolkitCheck("an irreversible block runs where the host allows it", _irreversible_runs_where_allowed),
    ToolkitCheck("an error behind a gate is reported to the host", _error_behind_a_gate_is_reported),
    *(
        ToolkitCheck(
            f"a gate that says {decision.name} stops the run where code catches {swallow}",
            partial(_refused_gate_stops, decision=decision, kind=kind, swallow=swallow),
        )
        for decision, kind in ((GateDecision.REHEARSE, "rehearsal"), (GateDecision.REFUSE, "gate"))
        for swallow in ("Exception", "BaseException")
    ),
    ToolkitCheck("a host that says nothing refuses what is irreversible", _default_host_refuses),
    ToolkitCheck("a question reaches the host, and its answer the code", _ask_reaches_the_host),
    ToolkitCheck("a refused question is an error that code can handle", _refused_question_can_be_handled),
    ToolkitCheck("an error of the host is raised by run", _error_of_the_host_is_raised),
)
"""The checks, each of which needs a sandbox with a browser."""
