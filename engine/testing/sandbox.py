"""A sandbox whose outcomes a test writes down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox import Automation, Evidence, Execution, Host, Outcome, PageSnapshot, ScriptError

Step = Outcome | Exception | Callable[[Host], Awaitable[Outcome]]
"""An outcome, an error to raise, or a function that calls the host as an automation would and returns the outcome."""


def outcome(value: Any = None, *, error: ScriptError | None = None, evidence: Evidence | None = None) -> Outcome:
    """Return the outcome of a run: the value that the automation returned, or the error that ended it.

    >>> outcome([{"name": "Ada"}]).ok, outcome(error=ScriptError("KeyError", "'name'")).ok
    (True, False)
    """
    return Outcome(
        ok=error is None,
        value=value if error is None else None,
        error=error,
        evidence=evidence or Evidence(),
        logs=(),
        seconds=0.1,
        cpu_seconds=0.1,
        peak_memory_mb=100.0,
        processes=5,
        worker_run=1,
    )


@dataclass(frozen=True)
class SandboxCall:
    """One call of `ScriptedSandbox.run`: the code, its parameters, and the other options by name."""

    code: str
    parameters: Mapping[str, Any]
    options: Mapping[str, Any] = field(repr=False)


@dataclass
class ScriptedSession:
    """An open page that never changes: each step of Python prints nothing, and the page shows what the run left.

    Attributes:
        steps: The Python that was run on the page.
        other_agent: The status with which every URL answers another user agent.
        closed: True once it was closed or released.
    """

    page: Evidence = field(default_factory=Evidence)
    opened: ScriptError | None = None
    steps: list[str] = field(default_factory=list)
    other_agent: int = 0
    closed: bool = False

    async def execute(self, code: str, timeout: float = 60.0) -> Execution:
        """Note the code, and print nothing."""
        self.steps.append(code)
        return Execution(True, "", None, self.page.url, self.page.title, 0.0)

    async def snapshot(self) -> PageSnapshot:
        """Return the page's text as its only content."""
        return PageSnapshot(self.page.url, self.page.title, f"- text: {self.page.text}" if self.page.text else "")

    async def locators(self, refs: Sequence[str]) -> dict[str, str]:
        """Return an error for each ref: the page has none."""
        return dict.fromkeys(refs, "error: no such ref")

    async def evidence(self, screenshot: bool = False) -> Evidence:
        """Return the evidence that the run left."""
        return self.page

    async def try_user_agent(self, url: str) -> tuple[str, int]:
        """Return a user agent, and the status in `other_agent`."""
        return "Mozilla/5.0", self.other_agent

    async def picture(self, secrets: Sequence[str] = (), texts: Sequence[str] = ()) -> None:
        """Return no picture."""

    async def freeze(self) -> None:
        """Do nothing."""

    def allow(self, egress: Any) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Close the page."""
        self.closed = True

    def release(self) -> None:
        """Close the page."""
        self.closed = True


class ScriptedSandbox:
    """A stand-in for `sandbox.Sandbox` that returns scripted outcomes, without a jail, a browser or a process.

    It serves tests of what the engine does with an outcome; the code of the automation is not run.

    Args:
        steps: What each run comes to, in order.

    Attributes:
        calls: The runs that were asked for.
        sessions: The pages that were left open, or opened to explore.

    >>> import asyncio
    >>> scripted = ScriptedSandbox(outcome([1, 2]))
    >>> asyncio.run(scripted.run(Automation("…"), {"n": 2})).value, scripted.calls[0].parameters
    ([1, 2], {'n': 2})
    """

    def __init__(self, *steps: Step) -> None:
        self.calls: list[SandboxCall] = []
        self.sessions: list[ScriptedSession] = []
        self._steps = list(steps)

    async def run(
        self,
        automation: Automation,
        parameters: dict[str, Any],
        *,
        host: Host | None = None,
        keep_open: bool = False,
        **options: Any,
    ) -> Outcome:
        """Return the next outcome.

        Raises:
            AssertionError: The script has no further step.
            Exception: The next step is this error.
        """
        self.calls.append(SandboxCall(automation.code, parameters, {"keep_open": keep_open, **options}))
        if not self._steps:
            raise AssertionError(f"run {len(self.calls)} comes after the script's last step")
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        result = step if isinstance(step, Outcome) else await step(host or Host())
        if not keep_open or automation.kind == "web":
            return result
        return replace(result, session=self._opened(result.evidence))  # type: ignore[arg-type]  # it stands for a Session

    async def open_session(self, parameters: dict[str, Any], **options: Any) -> ScriptedSession:
        """Open an empty page."""
        return self._opened(Evidence(url=options.get("start_url") or ""))

    def _opened(self, page: Evidence) -> ScriptedSession:
        self.sessions.append(ScriptedSession(page))
        return self.sessions[-1]

    async def warm(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""
