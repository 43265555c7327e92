"""Good runs of an automation: their parameters and outputs, kept without secrets for later runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from engine.agent.describe import describe_output
from engine.bundles import Bundle, Revision
from engine.contract import History, Observed, rows
from engine.errors import StoreError
from engine.execution.automation_run import AutomationRun
from engine.execution.effects import writes
from engine.storage.run_history import RunHistory
from engine.task.redaction import Redactor
from engine.task.wire import TaskRequest


@dataclass(frozen=True)
class GoodRuns:
    """The good runs of an automation, as one task sees and adds to them.

    Args:
        request: The task.
        redactor: Hides its secrets.
        run_history: The table that keeps them.
        warnings: Told where the store cannot hold what later runs are compared with; that does not fail a run.
    """

    request: TaskRequest
    redactor: Redactor
    run_history: RunHistory
    warnings: list[str]

    async def count(
        self, revision: Revision, run: AutomationRun, *, keep: bool, other: AutomationRun | None = None
    ) -> None:
        """Count one; parameters that gave rows, secrets left out, are replayed when a later run is in doubt.

        Args:
            keep: True where its parameters may be run again.
            other: The run with other parameters that proved the same code.
        """
        known = self.without_secrets(self.request.parameters)
        # Not what ordered something, and no secret within another parameter: they are run again, and written down.
        keep = keep and not (run.gates or writes(run.outcome.evidence))
        keep = keep and self.redactor.data(known) == known
        asked = json.dumps(self.redactor.parameters(self.request.parameters), ensure_ascii=False)
        sample = f"{asked} gave {describe_output(self.redactor.data(run.outcome.value))}"
        empty = rows(run.outcome.value) == 0
        good = [known] * (not empty) + ([self.without_secrets(other.parameters)] if other is not None else [])
        runs = [self._redacted(one) for one in (other, run) if one is not None]
        wait = max(one.outcome.evidence.longest_wait for one in (other, run) if one is not None)
        args = revision.id, good if keep else [], None if empty else sample, runs, wait
        await self._write(partial(self.run_history.clean_run, *args))

    async def longest_wait(self, bundle: Bundle) -> float | None:
        """Return the seconds that good runs waited for the page at one time, at most; None where that is not known."""
        return await asyncio.to_thread(self.run_history.longest_wait, bundle.committed.id)

    async def history(self, bundle: Bundle) -> History:
        """Return the bundle's good outputs, and among them what the request's parameters gave before."""
        asked = self.shown(self.request.parameters)
        return await asyncio.to_thread(self.run_history.history, bundle.committed.id, asked)

    async def sample(self, bundle: Bundle | None) -> str:
        """Return parameters and output of the last one in words; empty where there was none."""
        return "" if bundle is None else await asyncio.to_thread(self.run_history.sample, bundle.committed.id)

    async def parameters(self, bundle: Bundle) -> list[dict[str, Any]]:
        """Return sets of parameters that gave rows, the last first."""
        return (await asyncio.to_thread(self.run_history.clean_runs, bundle.committed.id))[1]

    async def other_parameters(self, bundle: Bundle) -> dict[str, Any] | None:
        """Return parameters, other than the request's, that gave rows; None where none are known."""
        asked = self.without_secrets(self.request.parameters)
        return next((good for good in await self.parameters(bundle) if good != asked), None)

    async def inherit(self, old: Bundle, new: Revision, *, trust: bool) -> None:
        """Copy what is known to the next revision.

        Args:
            trust: True where the runs count for that one, too: only where the code is the same.
        """
        await self._write(partial(self.run_history.inherit, old.committed.id, new.id, trust=trust))

    async def _write(self, record: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(record)
        except StoreError as error:
            self.warnings.append(f"what later runs are compared with could not be kept: {error}")

    def shown(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters as they may be kept and shown."""
        return self.without_secrets(self.redactor.parameters(parameters))

    def without_secrets(self, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return parameters but for those that the request calls secret."""
        return {name: value for name, value in (parameters or {}).items() if name not in self.request.secrets}

    def _redacted(self, run: AutomationRun) -> Observed:
        observed = run.observed(self.shown(run.parameters))
        if not self.redactor.active:
            return observed
        return replace(observed, output=self.redactor.data(observed.output), same=None)
