"""One run of hostile code in a sandbox, and what came of each attack."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from engine.testing.conformance.attempts import automation
from engine.testing.conformance.targets import targets
from sandbox import Automation, Egress, Host, Outcome, SandboxLimits
from sandbox.kinds import AutomationKind

_SECONDS = 60.0
_numbers = itertools.count(1)


class AnySandbox(Protocol):
    """The part of a sandbox that the checks need: `sandbox.Sandbox.run`, or the like."""

    async def run(
        self,
        automation: Automation,
        parameters: dict[str, Any],
        *,
        start_url: str | None,
        egress: Egress,
        host: Host | None,
        limits: SandboxLimits | None,
    ) -> Outcome:
        """Run the automation; see `sandbox.Sandbox.run`."""


@dataclass(frozen=True)
class Attempted:
    """One attack.

    Args:
        worked: True where the code got what it wanted.
        detail: What it got, or the error that it met.
        seconds: Its time.
    """

    worked: bool
    detail: str
    seconds: float


@dataclass(frozen=True)
class Attempts:
    """All attacks of a run.

    Args:
        results: Each by name.
        sockets: Family and kind of every socket that the code could make.
        state: What the kernel said of the process: its environment's names, capabilities, ``no_new_privileges``,
            ``seccomp``, and the engine's modules that were in it.
    """

    results: Mapping[str, Attempted]
    sockets: frozenset[tuple[int, int]]
    state: Mapping[str, Any]

    @property
    def worked(self) -> set[str]:
        """The names of the attacks that worked."""
        return {name for name, each in self.results.items() if each.worked}

    @property
    def failed(self) -> dict[str, str]:
        """The attacks that did not work, and what each met."""
        return {name: each.detail for name, each in self.results.items() if not each.worked}


async def attack(sandbox: AnySandbox, directory: Path, kind: AutomationKind) -> Attempts:
    """Run all attacks on files, a process and servers that are made for them.

    Args:
        sandbox: Runs them.
        directory: An empty directory, in which the targets are made.
        kind: ``page`` for a worker with a browser; ``web`` for one without, which is attacked in more ways.

    Raises:
        AssertionError: The code did not run to its end.
    """
    with targets(directory, f"conformance-{os.getpid()}-{next(_numbers)}") as parameters:
        outcome = await sandbox.run(
            Automation(automation(kind)),
            parameters,
            start_url=None,
            egress=Egress(),
            host=Host(),
            limits=SandboxLimits(wall_seconds=_SECONDS),
        )
    assert outcome.ok, outcome.error
    found: Any = outcome.value
    return Attempts(
        {name: Attempted(*each) for name, each in found["results"].items()},
        frozenset((family, kind) for family, kind in found["sockets"]),
        found["state"],
    )
