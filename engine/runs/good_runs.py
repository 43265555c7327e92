"""What good runs of an automation were asked and gave: counted and kept, without secrets, for later runs to ask."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.agent.describe import describe_output
from engine.bundles import Bundle, Revision
from engine.bundles.bundle import committed
from engine.contract import History, Observed, rows
from engine.execution.effects import writes
from engine.execution.execution import AutomationRun
from engine.storage.run_history import RunHistory
from engine.task.redaction import Redactor
from engine.task.wire import TaskRequest


@dataclass(frozen=True)
class GoodRuns:
    """The good runs, as one task sees and adds to them.

    Args:
        request: The task.
        redactor: Hides its secrets.
        run_history: Where they are kept.
    """

    request: TaskRequest
    redactor: Redactor
    run_history: RunHistory

    async def count(
        self, revision: Revision, execution: AutomationRun, *, keep: bool, other: AutomationRun | None = None
    ) -> None:
        """Counts one; parameters that gave rows, secrets left out, are what is replayed when in doubt.

        Args:
            keep: Whether its parameters may be run again.
            other: The run with other parameters that proved the same code.
        """
        known = self.without_secrets(self.request.parameters)
        # Not what ordered something, and no secret within another parameter: they are run again, and written down.
        keep = keep and not (execution.gates or writes(execution.outcome.evidence))
        keep = keep and self.redactor.data(known) == known
        asked = json.dumps(self.redactor.parameters(self.request.parameters), ensure_ascii=False)
        sample = f"{asked} gave {describe_output(self.redactor.data(execution.outcome.value))}"
        empty = rows(execution.outcome.value) == 0
        good = [known] * (not empty) + ([self.without_secrets(other.parameters)] if other is not None else [])
        runs = [self._kept(one) for one in (other, execution) if one is not None]
        args = revision.id, good if keep else [], None if empty else sample, runs
        await asyncio.to_thread(self.run_history.clean_run, *args)

    async def history(self, bundle: Bundle) -> History:
        """What is known of the bundle's good outputs, and what the request's parameters gave before."""
        asked = self.shown(self.request.parameters)
        return await asyncio.to_thread(self.run_history.history, committed(bundle).id, asked)

    async def sample(self, bundle: Bundle | None) -> str:
        """What the last one was asked and gave; empty where there was none."""
        return "" if bundle is None else await asyncio.to_thread(self.run_history.sample, committed(bundle).id)

    async def parameters(self, bundle: Bundle) -> list[dict[str, Any]]:
        """Sets of parameters that gave rows, the last first."""
        return (await asyncio.to_thread(self.run_history.clean_runs, committed(bundle).id))[1]

    async def other_parameters(self, bundle: Bundle) -> dict[str, Any] | None:
        """Parameters, other than the request's, that gave rows."""
        asked = self.without_secrets(self.request.parameters)
        return next((good for good in await self.parameters(bundle) if good != asked), None)

    async def inherit(self, old: Bundle, new: Revision, *, trust: bool) -> None:
        """Hands what is known on to the next revision.

        Args:
            trust: Whether they count for that one, too: only where the code is the same.
        """
        await asyncio.to_thread(self.run_history.inherit, committed(old).id, new.id, trust=trust)

    def shown(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters as they may be kept and shown."""
        return self.without_secrets(self.redactor.parameters(parameters))

    def without_secrets(self, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
        """Parameters but for those that the request calls secret."""
        return {name: value for name, value in (parameters or {}).items() if name not in self.request.secrets}

    def _kept(self, execution: AutomationRun) -> Observed:
        run = execution.observed(self.shown(execution.parameters))
        return replace(run, output=self.redactor.data(run.output))
