"""The arguments of the engines on a cluster: their types."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar

from engine.api.arguments import TypedOptions, WaitOptions
from engine.api.options import RunOptions
from engine.execution.network import EgressOption
from engine.models.base import Model
from engine.task.wire import CompileMode, Limits
from sandbox.isolation.mechanism import Isolation

if TYPE_CHECKING:
    from sandbox import PerHost

S = TypeVar("S")


class ClusterRunArguments(RunOptions, WaitOptions, total=False):
    """The arguments of ``run`` on a cluster, beside the task."""


class TypedClusterRunArguments(TypedOptions[S], WaitOptions, total=False):
    """The same with a class or type as the output's schema, which is the type of the output."""


class ClusterMapArguments(ClusterRunArguments, total=False):
    """The arguments that the requests of ``map`` may share."""

    task: str | None


class TypedClusterMapArguments(TypedClusterRunArguments[S], total=False):
    """The same with a class or type as the schema of all outputs."""

    task: str | None


class ClusterEngineArguments(TypedDict, total=False):
    """The arguments of an engine on a cluster beside the bundles; ``AsyncDistributedEngine`` describes each."""

    address: str
    store: str | Path
    workspace: str
    node_store: str | Path | None
    fetched: str | Path
    max_tasks: int | None
    max_pending: int
    memory_mb: int
    model: str | Model
    base_url: str | None
    window: int | None
    isolation: Isolation
    browser: str | None
    limits: Limits | None
    usd_per_day: float | None
    key_usd_per_day: float | None
    per_host: PerHost | int | None
    compile: CompileMode
    egress: EgressOption
    proxy: str | None
    trust_start_urls: bool
    allow_hosts: Collection[str]
    keep_pictures: bool
