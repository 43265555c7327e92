"""Execute automations of one task: the worker each runs in, the host that answers it, and the files it saves."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from engine.errors import EngineError
from engine.execution.automation_run import AutomationRun, Mode
from engine.execution.host import GateKnowledge, TaskHost
from engine.execution.masking import mask_maps
from engine.execution.network import NetworkAccess
from engine.execution.retry import RetryPolicy
from engine.execution.screenshots import FILE_NAME, keep_screenshot
from engine.execution.services import TaskServices
from engine.task.browser_options import BrowserOptions
from engine.task.cause import Cause
from sandbox import (
    Automation,
    Egress,
    Evidence,
    Outcome,
    Sandbox,
    SandboxLimits,
    Session,
    WorkerDied,
)
from sandbox.http_login import HttpLogin, with_userinfo

_IDLE_SECONDS = 60.0  # of a trial that does nothing on the page


@dataclass
class Executor:
    """Runs automations for one task, each in a fresh worker, or in one that ran only the same revision.

    Args:
        sandbox: Runs the code.
        services: The task's parts.
        files: The task's directory for saved files; each execution has its own below it.
        limits: The sandbox's limits for each execution; their wall time is the task's.
        network: Hosts that a saved automation may reach.
        egress: Hosts that the model's work and its trials may reach.
        start_url: Address at which the page is opened; None for a blank page.
        http_login: User name and password for HTTP authentication there; None for those among the parameters.
        browser: The user agent, locale and the like of the browser.
        retries: Further tries of the task while the site is away for a moment.
        boxes: Note in the maps of what is read where on the page each text stood; in trials that is always done.

    Attributes:
        retry_policy: Those tries, within the task's time.
    """

    sandbox: Sandbox
    services: TaskServices
    files: Path
    limits: SandboxLimits
    network: NetworkAccess
    egress: Egress
    start_url: str | None = None
    http_login: tuple[str, str] | None = None
    browser: BrowserOptions = field(default_factory=BrowserOptions)
    retries: int = 0
    boxes: bool = False
    retry_policy: RetryPolicy = field(init=False)
    _count: int = 0
    _failure: Evidence | None = None

    def __post_init__(self) -> None:
        deadline = time.monotonic() + self.limits.wall_seconds
        self.retry_policy = RetryPolicy(self.services.events, deadline, self.retries)

    def begin_at(self, url: str, *, allow: tuple[str, ...] = (), http_login: tuple[str, str] | None = None) -> None:
        """Make a saved or a chosen URL the start, for a request that names none.

        Args:
            allow: Its origin, where it may be private because the user once named it; never for one that a model chose.
        """
        self.start_url, self.http_login = url, http_login
        self.egress = replace(self.egress, allow=(*self.egress.allow, *allow))

    @property
    def _opened_at(self) -> str | None:
        """The start URL as the sandbox takes it, with the login in it."""
        if self.start_url is None or self.http_login is None:
            return self.start_url
        return with_userinfo(self.start_url, HttpLogin(*self.http_login))

    def host(self, mode: Mode) -> TaskHost:
        """Return a host for one more execution or session."""
        self._count += 1
        return TaskHost(self.services, mode, self.files / str(self._count))

    async def run(
        self,
        code: str,
        parameters: Mapping[str, Any],
        *,
        resources: Mapping[str, bytes] | None = None,
        mode: Mode = "real",
        keep_open: bool = False,
        once: bool = False,
        affinity: str | None = None,
        secret: bool = False,
        known_hosts: Collection[str] | None = None,
        hold_changes: bool = False,
        harmless: Collection[str] = (),
        settled_seconds: float | None = None,
        slowed: bool = False,
        known: GateKnowledge | None = None,
        sources: bool = False,
        probe: Literal["", "scroll"] = "",
        images: bool = True,
    ) -> AutomationRun:
        """Run the code; a script that fails is a value, a sandbox that fails an exception.

        Args:
            keep_open: Leave the page open, to be explored; irreversible actions stop there then.
            once: Never start a second time, for code that changes something on the site.
            affinity: Names committed code and its revision: it may run where that ran before.
            secret: The parameters hold secrets.
            known_hosts: Those of the saved automation that this is; None for a trial, which may reach others.
            settled_seconds, slowed, sources, probe, images: See `sandbox.Sandbox.run`.
            hold_changes: Stop before the first request that may change something on the site, other than a login.
            known: What pages show of the parameters before irreversible actions, which are held until they do.
            harmless: Kinds of requests that are known to change nothing which lasts, or to be the site's own.
        """
        automation = Automation(code=code, resources=dict(resources or {}))
        egress = self.egress
        if known_hosts is not None:
            egress = self.network.replaying(egress, known_hosts, self.start_url)
        traced = self.services.traces.room if automation.kind == "page" else 0
        kind = "trial" if known_hosts is None else "replay"
        start = partial(
            self.sandbox.run,
            automation,
            dict(parameters),
            start_url=self._opened_at,
            egress=egress,
            limits=self.limits,
            context=self.browser.context(parameters, self.start_url),
            keep_open=keep_open,
            affinity=affinity,
            secret=secret or self.http_login is not None,
            hold_changes=hold_changes,
            harmless=harmless,
            settled_seconds=settled_seconds,
            idle_seconds=_IDLE_SECONDS if mode == "rehearsal" and known_hosts is None else None,
            slowed=slowed,
            boxes=self.boxes or known_hosts is None,
            covered=self.services.redactor.values,
            sources=sources,
            probe=probe,
            trace_bytes=traced,
            images=images,
        )
        outcome, host = await self._outcome(start, mode, known, once=once, traced=kind if traced else None)
        # What explores the page that stays open is the model: nothing irreversible is let through for it.
        host.mode = "rehearsal"
        if refused := {name: reason for name, reason in outcome.evidence.refused if reason.startswith("policy")}:
            await self.services.events.emit("egress.refused", hosts=refused)
        if outcome.evidence.screenshot is not None:
            self._failure = outcome.evidence
            await self.services.pictures.keep_failure(outcome.evidence)
        outcome, masked = await self._without_secrets(outcome)
        gates = tuple(host.gates)
        return AutomationRun(
            outcome, host.progressed, gates, host.files, host.model_error, parameters, code, tuple(host.already),
            masked, tuple(host.shown), host.unshown,
        )  # fmt: skip

    async def _outcome(
        self,
        start: Callable[..., Awaitable[Outcome]],
        mode: Mode,
        known: GateKnowledge | None,
        *,
        once: bool,
        traced: str | None,
    ) -> tuple[Outcome, TaskHost]:
        """Run, and once more where the worker or its browser died before anything irreversible was let through."""
        for chances in (1, 0):
            host = self.host(mode)
            host.known = known
            host.trace_file = self.services.traces.begin(traced) if traced is not None else None
            try:
                outcome = await start(host=host)
            except WorkerDied as died:
                if not chances or not await self._may_restart(once):
                    raise
                await self.services.events.emit("worker.died", error=str(died))
                continue
            crashed = outcome.error is not None and outcome.error.kind == "crash"
            if not crashed or not chances or not await self._may_restart(once):
                break
            if outcome.session is not None:
                await outcome.session.close()
            await self.services.events.emit("browser.crashed", error=outcome.error.message if outcome.error else "")
        await self._check_recorded(outcome.session)
        return outcome, host

    async def _without_secrets(self, outcome: Outcome) -> tuple[Outcome, Any]:
        """Return the outcome with maps that hold no secret, and its output likewise; None where there are none."""
        redactor = self.services.redactor
        if not redactor.active:
            return outcome, None
        maps = await asyncio.to_thread(mask_maps, outcome.evidence.maps, redactor)
        masked = await asyncio.to_thread(redactor.data, outcome.value)
        return replace(outcome, evidence=replace(outcome.evidence, maps=maps)), masked

    async def _may_restart(self, once: bool) -> bool:
        """Return True unless something irreversible was, or may have been, done already.

        The journal decides: the host may have been stopped between the entry and the answer.
        """
        return not once and not await asyncio.to_thread(self.services.records.journal.gates, self.services.task_id)

    async def open_session(self, parameters: Mapping[str, Any]) -> Session:
        """Open a worker to explore in, at the start URL; irreversible actions stop there."""
        session = await self.sandbox.open_session(
            dict(parameters),
            start_url=self._opened_at,
            egress=self.egress,
            host=self.host("rehearsal"),
            limits=self.limits,
            context=self.browser.context(parameters, self.start_url),
        )
        await self._check_recorded(session)
        return session

    async def _check_recorded(self, session: Session | None) -> None:
        """Raise if the task's cassette lacked something; the session is closed then.

        Raises:
            CassetteMismatch: An exchange was not recorded.
        """
        try:
            self.network.check()
        except EngineError:
            if session is not None:
                await session.close()
            raise

    async def take_screenshot(self, session: Session) -> None:
        """Take a screenshot of an open page, for a failure that ``illustrate`` is given later."""
        self._failure = await session.evidence(screenshot=True)

    async def illustrate(self, cause: Cause) -> Cause:
        """Add the path of the last failure's screenshot to a cause, where there is one that may be kept."""
        if self._failure is None or "screenshot" in cause.details:
            return cause
        path = await asyncio.to_thread(keep_screenshot, self._failure, self.files, self.services.redactor)
        return cause if path is None else replace(cause, details={**cause.details, "screenshot": str(path)})

    async def discard_files(self, *, keep: Path | None = None) -> None:
        """Remove the files of all executions but the one whose result the user gets, and a failure's screenshot."""
        if not self.files.exists():
            return
        for directory in list(self.files.iterdir()):
            if directory != keep and directory.name != FILE_NAME:
                await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
        if not any(self.files.iterdir()):
            self.files.rmdir()
