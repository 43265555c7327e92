"""A copy of a subject's store that may be replayed, repaired and thrown away."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.api.async_engine import AsyncEngine
from engine.bundles import BundleStore
from engine.task.wire import Limits, TaskError, TaskResult
from engine.testing.drift.reply import Layout


@dataclass(frozen=True)
class Subject:
    """An automation, its site, and the right output.

    Args:
        name: Its name in reports.
        store: The store that has its bundle; it is copied, never changed.
        key: Its reuse key.
        task: Its task, in plain words.
        start_url: Its start URL on the unchanged site.
        parameters: The parameters of every run.
        truth: Returns the right output on the unchanged site, known independently of the automation; called after each
            run. Without it, the automation's own output there is taken as right.
        view: Returns the part of an output that is compared, without values that differ from run to run, such as paths.
        layout: The layout of the site's list.
    """

    name: str
    store: Path
    key: str
    task: str
    start_url: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    output_schema: Mapping[str, Any] | None = None
    secrets: tuple[str, ...] = ()
    truth: Callable[[], Any] | None = None
    view: Callable[[Any], Any] = lambda output: output
    layout: Layout = field(default_factory=Layout)


@dataclass
class Replica:
    """A copy of a subject's store with an engine of its own, made anew after `close`.

    Args:
        folder: An empty directory for the copies.
        options: Further arguments of the ``AsyncEngine``.
    """

    subject: Subject
    folder: Path
    limits: Limits
    options: Mapping[str, Any] = field(default_factory=dict)
    _engine: AsyncEngine | None = None
    _copies: int = 0
    _bare_copies: int = 0

    async def run(self, site: str, *, key: str | None = None, **changed: Any) -> TaskResult:
        """Replay on the site that is served at ``site``.

        Args:
            key: Another reuse key than the subject's.
            changed: Other arguments of the run than the subject's, such as ``ai="auto"``.
        """
        if self._engine is None:
            self._engine = self._open()
        subject, path = self.subject, urlsplit(self.subject.start_url)
        arguments: dict[str, Any] = {
            "start_url": site.rstrip("/") + path.path + (f"?{path.query}" if path.query else ""),
            "parameters": subject.parameters,
            "output_schema": subject.output_schema,
            "reuse_key": key or subject.key,
            "secrets": subject.secrets,
            "ai": "never",
        }
        return await self._engine.run(subject.task, **(arguments | changed))

    async def run_without_contract(self, site: str) -> TaskResult:
        """Replay the automation as if nothing were known of good results."""
        assert self._engine is not None, "an earlier run opened it"
        self._bare_copies += 1
        key = f"{self.subject.key} without its contract, {self._bare_copies}"  # a new one each time: it learns, too
        await asyncio.to_thread(_commit_bare, self._engine.bundles, self.subject.key, key)
        return await self.run(site, key=key)

    def _open(self) -> AsyncEngine:
        self._copies += 1
        store = self.folder / str(self._copies)
        shutil.copytree(self.subject.store, store)
        return AsyncEngine(**{**self.options, "store": store, "limits": self.limits})

    async def close(self) -> None:
        """Close the engine; the next run gets one with a fresh copy of the store."""
        if self._engine is not None:
            await self._engine.close()
            self._engine = None


def _commit_bare(bundles: BundleStore, key: str, bare_key: str) -> None:
    bundle = bundles.load_active(key)
    assert bundle is not None, "it was replayed in the judged run"
    meta = bundle.meta.model_copy(update={"reuse_key": bare_key})
    bundles.commit(bare_key, replace(bundle, meta=meta, contract={}, revision=None), subject="Without its contract")


def problems_of(error: TaskError) -> str:
    """Return the problems that a failure names, or its message."""
    return "; ".join(str(problem) for problem in error.details.get("problems", ())) or error.message


def is_by_contract(error: TaskError) -> bool:
    """Return True if the automation itself succeeded, and its output was refused."""
    return "problems" in error.details and not error.details.get("traceback")
