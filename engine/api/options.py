"""The options of an engine and of a task: their defaults and their checks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args

from pydantic import AnyUrl

from engine.cassettes.options import CassetteOptions
from engine.errors import InvalidRequest
from engine.execution.network import EgressOption, NetworkAccess
from engine.models.base import LEAST_WINDOW, Model
from engine.storage.spending import DailyCaps
from engine.task import origins, validation
from engine.task.browser_options import BrowserOptions
from engine.task.schema import OutputSchema
from engine.task.wire import AiMode, CompileMode, IfInterrupted, Limits, ProvenanceMode, TaskRequest, TrustMode
from sandbox.egress.turns import PerHost
from sandbox.isolation.mechanism import Isolation

if TYPE_CHECKING:
    from engine.bundles import PlainBundles
    from sandbox import PoolOptions

Progress = Literal["auto"] | None
Schema = Mapping[str, Any] | type | UnionType | None


class TaskOptions(TypedDict, total=False):
    """The options of a task beside its text and the schema of its output; ``AsyncEngine.run`` describes each.

    None stands for an option's default.
    """

    start_url: str | AnyUrl | None
    parameters: Mapping[str, Any] | None
    reuse_key: str | None
    model: str | None
    ai: AiMode | None
    timeout: float | None
    budget_usd: float | None
    secrets: Collection[str] | None
    allow_hosts: Collection[str] | None
    browser: BrowserOptions | Mapping[str, Any] | None
    trust: TrustMode | None
    provenance: ProvenanceMode | None
    trace: bool | None
    if_interrupted: IfInterrupted | None
    idempotency_key: str | None


class RunOptions(TaskOptions, total=False):
    """The options of a task beside its text."""

    output_schema: Schema


RUN_DEFAULTS = RunOptions(
    start_url=None, parameters=None, output_schema=None, reuse_key=None, model=None, ai="auto", timeout=None,
    budget_usd=None, secrets=(), allow_hosts=(), browser=None, trust="strict", provenance="auto", trace=None,
    if_interrupted="fail", idempotency_key=None,
)  # fmt: skip


ENGINE_DEFAULTS: Mapping[str, Any] = {
    "store": ".webtasks", "bundles": None, "model": "haiku", "workspace": "default", "base_url": None, "api_key": None,
    "window": None, "isolation": "auto", "browser": None, "limits": Limits(), "max_tasks": 10,
    "max_web_tasks": 8 * (os.cpu_count() or 1), "max_pending": 1_000,
    "usd_per_day": None, "key_usd_per_day": None, "pool": None, "per_host": 4, "compile": "never",
    "egress": "learned", "proxy": None,
    "trust_start_urls": True, "allow_hosts": (), "take_over": True, "keep_pictures": True, "trace": False,
    "progress": None, "ai": "auto", "record": None, "replay": None, "cassette": CassetteOptions(),
}  # fmt: skip


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _per_host(given: PerHost | int) -> PerHost:
    if isinstance(given, PerHost):
        return given
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise InvalidRequest(f"per_host must be a whole number from 1, or a PerHost, not {given!r}", field="per_host")
    return PerHost(given)


def _plain_bundles(given: str | Path | PlainBundles | None) -> PlainBundles | None:
    if given is None:
        return None
    from engine.bundles import PlainBundles  # not at the top: bundles would be half of the import of engine

    return given if isinstance(given, PlainBundles) else PlainBundles(Path(given).expanduser())


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """The checked options of an engine; ``AsyncEngine`` describes each.

    Raises:
        InvalidRequest: An option is malformed; ``details["field"]`` names it.
    """

    store: str | Path
    bundles: PlainBundles | None
    model: str | Model
    workspace: str
    base_url: str | None
    api_key: str | None = field(repr=False)
    window: int | None
    isolation: Isolation
    browser: str | Path | None
    limits: Limits
    max_tasks: int
    max_web_tasks: int
    max_pending: int
    daily_caps: DailyCaps
    pool: PoolOptions | None
    per_host: PerHost
    compile: CompileMode
    network: NetworkAccess
    trust_start_urls: bool
    allow_hosts: Collection[str]
    take_over: bool
    keep_pictures: bool
    trace: bool
    progress: Progress
    ai: AiMode
    record: str | Path | None
    replay: str | Path | None
    cassette: CassetteOptions
    given: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, **options: Any) -> EngineOptions:
        """Check the arguments of ``AsyncEngine``; None stands for an option's default."""
        given = _given(options)
        return cls._parse(**{**ENGINE_DEFAULTS, **given}, given=given)

    @classmethod
    def _parse(
        cls,
        *,
        limits: Limits,
        usd_per_day: float | None,
        key_usd_per_day: float | None,
        egress: EgressOption,
        proxy: str | None,
        allow_hosts: Collection[str],
        per_host: PerHost | int,
        bundles: str | Path | PlainBundles | None,
        **options: Any,
    ) -> EngineOptions:
        if not isinstance(limits, Limits):
            raise InvalidRequest(f"limits must be engine.Limits(…), not {limits!r}", field="limits")
        for name, cap in (("usd_per_day", usd_per_day), ("key_usd_per_day", key_usd_per_day)):
            if cap is not None and not (isinstance(cap, (int, float)) and cap >= 0):
                raise InvalidRequest(f"{name} must be dollars, zero or more, not {cap!r}", field=name)
        return cls(
            bundles=_plain_bundles(bundles),
            limits=limits,
            per_host=_per_host(per_host),
            daily_caps=DailyCaps(key=key_usd_per_day, workspace=usd_per_day),
            network=NetworkAccess.parse(egress, proxy),
            allow_hosts=origins.origins(validation.strings("allow_hosts", allow_hosts)),
            **options,
        )

    def __post_init__(self) -> None:
        if self.progress not in (None, "auto"):
            raise InvalidRequest(f'progress must be "auto" or None, not {self.progress!r}', field="progress")
        if self.window is not None and (not isinstance(self.window, int) or self.window < LEAST_WINDOW):
            raise InvalidRequest(
                f"window must be the tokens of the model's context window, {LEAST_WINDOW} or more, not {self.window!r}:"
                " the prompt, a page and an automation have no room in fewer",
                field="window",
            )
        for name in ("max_tasks", "max_web_tasks", "max_pending"):
            number = getattr(self, name)
            if not isinstance(number, int) or number < 1:
                raise InvalidRequest(f"{name} must be a whole number from 1, not {number!r}", field=name)
        if self.ai not in get_args(AiMode):
            known = ", ".join(get_args(AiMode))
            raise InvalidRequest(f"ai must be one of {known}, not {self.ai!r}", field="ai")
        if self.compile not in ("never", "auto"):
            raise InvalidRequest(f'compile must be "never" or "auto", not {self.compile!r}', field="compile")
        if self.isolation not in get_args(Isolation):
            known = ", ".join(get_args(Isolation))
            raise InvalidRequest(f"isolation must be one of {known}, not {self.isolation!r}", field="isolation")
        name = self.workspace
        if not name or not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
            raise InvalidRequest(f"workspace must be letters, digits, - and _, not {name!r}", field="workspace")

    @property
    def root(self) -> Path:
        """The workspace's directory."""
        return Path(self.store).expanduser().absolute() / self.workspace

    async def checked_request(self, task: str | None, options: RunOptions) -> tuple[TaskRequest, OutputSchema | None]:
        """See ``request``; a schema is checked in a thread, because that may take seconds."""
        if options.get("output_schema") is None:
            return self.request(task, options)
        return await asyncio.to_thread(self.request, task, options)

    def request(self, task: str | None, options: RunOptions) -> tuple[TaskRequest, OutputSchema | None]:
        """Make a checked request of a task and its options.

        Returns:
            The request, and its schema as the caller gave it: a pydantic class says more than its JSON Schema.

        Raises:
            InvalidRequest: An option is malformed.
        """
        given: dict[str, Any] = {**RUN_DEFAULTS, "ai": self.ai, **_given(options)}
        wanted = given.pop("output_schema")
        schema = None if wanted is None else OutputSchema(wanted)
        given["trace"] = self.trace if given["trace"] is None else given["trace"]
        given["allow_hosts"] = self._allowed_hosts(given["allow_hosts"])
        request = validation.build(
            task, output_schema=schema, limits=self.limits, trust_start_url=self.trust_start_urls, **given
        )  # fmt: skip
        return request, schema

    def _allowed_hosts(self, requested: Collection[str]) -> Collection[str]:
        """Return the origins with private addresses that a task may reach, the engine's own among them."""
        if not self.allow_hosts and self.trust_start_urls:
            return requested
        wanted = origins.origins(validation.strings("allow_hosts", requested))
        refused = set(wanted) - set(self.allow_hosts)
        if refused and not self.trust_start_urls:
            raise InvalidRequest(
                f"allow_hosts may name only what this engine allows, not {', '.join(sorted(refused))}",
                field="allow_hosts",
            )
        return (*self.allow_hosts, *wanted)
