"""Good runs of an automation: their parameters and outputs, kept without secrets for later runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from engine.agent.describe import describe_output
from engine.bundles import Bundle, Revision
from engine.contract import History, Observed, rows, signature_of
from engine.errors import StoreError
from engine.execution.automation_run import AutomationRun
from engine.execution.effects import writes
from engine.storage.run_history import RunHistory
from engine.storage.suspicions import Suspicion
from engine.task.redaction import Redactor
from engine.task.wire import TaskRequest

_IMAGES_WORTH_IT = 4  # pictures and fonts that the pages of a run ask for


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
        self,
        revision: Revision,
        run: AutomationRun,
        *,
        keep: bool,
        other: AutomationRun | None = None,
        contract: Mapping[str, Any] | None = None,
    ) -> None:
        """Count one; parameters that gave rows, secrets left out, are replayed when a later run is in doubt.

        Args:
            keep: True where its parameters may be run again.
            other: The run with other parameters that proved the same code.
            contract: The revision's contract, where this run is one more than those that it was learnt from.
        """
        await self._write(partial(self._count, revision, run, keep=keep, other=other, contract=contract))

    def _count(
        self,
        revision: Revision,
        run: AutomationRun,
        *,
        keep: bool,
        other: AutomationRun | None,
        contract: Mapping[str, Any] | None,
    ) -> None:
        known = self.without_secrets(self.request.parameters)
        # Not what ordered something, and no secret within another parameter: they are run again, and written down.
        keep = keep and self._repeatable(run)
        asked = json.dumps(self.redactor.parameters(self.request.parameters), ensure_ascii=False)
        counted = [one for one in (other, run) if one is not None]
        runs = [self._redacted(one) for one in counted]
        sample = f"{asked} gave {describe_output(runs[-1].output)}"
        empty = rows(run.outcome.value) == 0
        good = [known] * (not empty) + ([self.without_secrets(other.parameters)] if other is not None else [])
        wait = max(one.outcome.evidence.longest_wait for one in counted)
        # A bundle of an earlier version has no signature in its contract: its runs give it one.
        signature = None if empty or contract is None else self._signature(run, contract)
        self.run_history.clean_run(
            revision.id,
            good if keep else [],
            None if empty else sample,
            runs,
            wait,
            signature,
            images=keep and run.outcome.evidence.images >= _IMAGES_WORTH_IT,
        )

    async def longest_wait(self, bundle: Bundle) -> float | None:
        """Return the seconds that good runs waited for the page at one time, at most; None where that is not known."""
        return await asyncio.to_thread(self.run_history.longest_wait, bundle.committed.id)

    async def history(self, bundle: Bundle) -> History:
        """Return the bundle's good outputs, and among them what the request's parameters gave before."""
        return await asyncio.to_thread(self.history_of, bundle, self.request.parameters)

    def history_of(self, bundle: Bundle, parameters: Mapping[str, Any]) -> History:
        """Return the bundle's good outputs, and among them what these parameters gave before; blocks."""
        account = self.account(parameters)
        return self.run_history.history(bundle.committed.id, self.shown(parameters), account)

    def observed(self, run: AutomationRun) -> Observed:
        """Return the view of a run that the contract checks, by parameters as they are kept; blocks."""
        return run.observed(self.shown(run.parameters), self.account(run.parameters))

    def account(self, parameters: Mapping[str, Any]) -> str:
        """Return the identity of the secrets among parameters, and of the start URL's login; blocks.

        Where it cannot be made, all accounts are one, as they were for earlier versions.
        """
        request = self.request
        values = {name: value for name, value in parameters.items() if name in request.secrets}
        if request.http_login is not None:
            values["\0start_url"] = list(request.http_login)
        try:
            return self.run_history.accounts.identity(values)
        except StoreError as error:
            said = f"accounts are not told apart: {error.message}"
            if said not in self.warnings:
                self.warnings.append(said)
            return ""

    async def sample(self, bundle: Bundle | None) -> str:
        """Return parameters and output of the last one in words; empty where there was none."""
        return "" if bundle is None else await asyncio.to_thread(self.run_history.sample, bundle.committed.id)

    async def parameters(self, bundle: Bundle) -> list[dict[str, Any]]:
        """Return sets of parameters that gave rows, the last first."""
        return (await asyncio.to_thread(self.run_history.clean_runs, bundle.committed.id))[1]

    async def other_parameters(self, bundle: Bundle) -> dict[str, Any] | None:
        """Return parameters, other than the request's, that gave rows with its secrets; None where none are known.

        Those of another account are left out: its user name is not tried with this one's password.
        """
        asked = self.without_secrets(self.request.parameters)
        account = await asyncio.to_thread(self.account, self.request.parameters)
        good = await asyncio.to_thread(self.run_history.parameters_of, bundle.committed.id, account)
        return next((one for one in good if one != asked), None)

    async def inherit(self, old: Bundle, new: Revision, *, trust: bool) -> None:
        """Copy what is known to the next revision.

        Args:
            trust: True where the runs count for that one, too: only where the code is the same.
        """
        await self._write(partial(self.run_history.inherit, old.committed.id, new.id, trust=trust))

    async def suspect(self, bundle: Bundle, run: AutomationRun, problems: Sequence[str]) -> None:
        """Remember that the revision gave a result that was refused: others that it gives are in doubt, too."""
        account = await asyncio.to_thread(self.account, run.parameters)
        repeatable = bundle.meta.effects == "read" and self._repeatable(run)
        told = [self.redactor.text(problem) for problem in problems]
        add = partial(self.run_history.suspicions.add, repeatable=repeatable)
        await self._write(partial(add, bundle.committed.id, self.shown(run.parameters), account, told))

    async def suspicions(self, bundle: Bundle) -> list[Suspicion]:
        """Return what is held against the revision, but for what the request's own parameters gave."""
        found = await asyncio.to_thread(self.run_history.suspicions.of, bundle.committed.id)
        if not found:
            return []
        own = self.shown(self.request.parameters), await asyncio.to_thread(self.account, self.request.parameters)
        return [one for one in found if (one.parameters, one.account) != own]

    async def clear(self, bundle: Bundle, suspicion: Suspicion) -> None:
        """Forget a suspicion: its parameters give a good result again."""
        clear = self.run_history.suspicions.clear
        await self._write(partial(clear, bundle.committed.id, suspicion.parameters, suspicion.account))

    def _repeatable(self, run: AutomationRun) -> bool:
        """Return True where a run's parameters may be run again: it ordered nothing, and hides no secret in them."""
        known = self.without_secrets(run.parameters)
        return not (run.gates or writes(run.outcome.evidence)) and self.redactor.data(known) == known

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

    def _signature(self, run: AutomationRun, contract: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return where a run's values stood, without secrets."""
        return signature_of(self.observed(run), contract.get("provenance") or {})

    def _redacted(self, run: AutomationRun) -> Observed:
        observed = self.observed(run)
        if not self.redactor.active:
            return observed
        output = run.masked if run.masked is not None else self.redactor.data(observed.output)
        # Mostly no secret is in it: then its profile is known.
        return observed if output == observed.output else replace(observed, output=output, masked=None, same=None)
