"""The working part of the pytest plugin; ``webtasks_pytest`` has its fixtures, and imports this with the first of them.

A test has no leave to reach anything unless its marker ``webtasks`` names a recording, or says ``live=True``; only the
fixture site that it asks for is always within reach. Without leave the task fails, and so does the test.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from engine import AsyncEngine, CassetteOptions, Engine
from engine.bundles import PlainBundles
from engine.cassettes.base import TaskTape
from engine.cassettes.content import Content, write
from engine.cassettes.playing import PlayingCassette
from engine.errors import CassetteMismatch, ModelUnauthenticated
from engine.fixtures_sites import FixtureServer, serve
from engine.models.base import Model, ModelReply, ModelRequest
from engine.storage.tasks import TaskRecords
from sandbox.egress.tape import Sent

if TYPE_CHECKING:
    from engine.testing.drift import DriftProxy, Mutation

AnyEngine = TypeVar("AnyEngine", Engine, AsyncEngine)

_TEST = "{test}"
_NOWHERE = "webtasks.invalid"
_LATEST = 1_000  # tasks of a test
_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Leave:
    """The reach of a test: the arguments of its markers ``webtasks``, of which the closest counts."""

    recording: str | None = None
    model: bool = False
    live: bool = False
    site: str = "directory"

    @classmethod
    def of(cls, item: pytest.Item) -> Leave:
        """Read the markers of a test.

        Raises:
            pytest.UsageError: One has an argument that there is not.
        """
        given: dict[str, Any] = {}
        for marker in reversed(list(item.iter_markers("webtasks"))):
            given |= marker.kwargs
            if marker.args or not marker.kwargs.keys() <= cls.__dataclass_fields__.keys():
                known = ", ".join(f"{name}=" for name in cls.__dataclass_fields__)
                raise pytest.UsageError(f"{item.nodeid}: the marker webtasks takes {known} by name, not {marker}")
        return cls(**given)

    def path(self, item: pytest.Item) -> Path | None:
        """Return the path of the test's recording; None where it has none."""
        if self.recording is None:
            return None
        name = re.sub(r"[^\w.]+", "-", item.name).strip("-")
        return item.config.rootpath / self.recording.replace(_TEST, name)


def check_recordings(items: list[pytest.Item]) -> None:
    """Refuse tests that would record into one cassette.

    Raises:
        pytest.UsageError: Two would.
    """
    taken: dict[Path, str] = {}
    for item in items:
        path = Leave.of(item).path(item)
        if path is not None and taken.setdefault(path, item.nodeid) != item.nodeid:
            raise pytest.UsageError(
                f"{taken[path]} and {item.nodeid} would both record {path}, which takes one test: write {_TEST} in its"
                ' name, such as recording="tests/{test}.wtrec", or record one of them'
            )


class NoLeaveModel:
    """The model of a test that may not ask one."""

    name = "none"

    async def query(self, request: ModelRequest) -> ModelReply:
        """Refuse.

        Raises:
            ModelUnauthenticated: Always; the message says what to do.
        """
        raise ModelUnauthenticated(
            "this test has no leave to ask a model: mark it @pytest.mark.webtasks(recording=…, model=True) and run"
            " pytest --webtasks-record=new once, or give it a ScriptedModel by the fixture webtasks_engine_options"
        )

    def worst_cost(self, request: ModelRequest) -> float:
        """Return 0: nothing is ever paid."""
        return 0.0

    async def close(self) -> None:
        """Do nothing."""


class NoLeaveCassette(PlayingCassette):
    """The cassette of a test that may not reach anything: it is empty, and says what to do.

    Args:
        path: An empty cassette.
        remedy: What to do.
    """

    def __init__(self, path: Path, remedy: str) -> None:
        super().__init__(path, CassetteOptions())
        self._remedy = remedy

    def model(self, model: Model, tape: TaskTape, mark: str) -> Model:
        """Return the model itself."""
        return model

    def _missing(self, sent: Sent) -> CassetteMismatch:
        return CassetteMismatch(
            f"{sent.method} {sent.url}: {self._remedy}", method=sent.method, url=sent.url, nearest=None
        )


@contextlib.contextmanager
def opened(
    kind: type[AnyEngine], request: pytest.FixtureRequest, own: Mapping[str, Any], paths: pytest.TempPathFactory
) -> Iterator[AnyEngine]:
    """Open a test's engine; its end fails the test where a task went beyond its leave."""
    item: pytest.Item = request.node
    leave = Leave.of(item)
    store = paths.getbasetemp() / "webtasks"
    # One store for all tests, so that they share what was compiled; and a workspace for each.
    options: dict[str, Any] = {"store": store, "workspace": f"test-{next(_numbers)}"}
    if directory := item.config.getini("webtasks_bundles"):
        options["bundles"] = PlainBundles(item.config.rootpath / directory, committed=False)
    site = request.getfixturevalue("webtasks_site") if "webtasks_site" in request.fixturenames else None
    reach: dict[str, Any]
    reach, remedy = _reach(leave, item, site, store)  # what it may reach, and what to do where that is too little
    options |= reach
    if "model" not in own and not leave.model:
        options |= {"model": NoLeaveModel(), "ai": "never"}
    options |= own
    options["allow_hosts"] = [*reach.get("allow_hosts", ()), *own.get("allow_hosts", ())]
    engine = kind(**options)
    try:
        yield engine
    finally:
        _check_leave(engine.root if isinstance(engine, AsyncEngine) else engine.bundles.root, remedy)


def _reach(leave: Leave, item: pytest.Item, site: TestSite | None, store: Path) -> tuple[dict[str, Any], str]:
    """Return the options of what the engine may reach, and what to do where that is too little."""
    path, mode = leave.path(item), item.config.getoption("--webtasks-record")
    again = "where the site can be reached"
    if path is not None:
        if mode == "all" or (mode == "new" and not path.exists()):
            path.parent.mkdir(parents=True, exist_ok=True)
            return {"record": path}, again
        if not path.exists():
            pytest.fail(f"{path} is not there: run pytest --webtasks-record=new {again}", pytrace=False)
        return {"replay": path}, f"run pytest --webtasks-record=all {again}, to record {path} anew"
    mark = '@pytest.mark.webtasks(recording="tests/{test}.wtrec")'
    remedy = (
        f"this test has no leave for the network: mark it {mark} and run pytest --webtasks-record=new {again}, or mark"
        " it @pytest.mark.webtasks(live=True)"
    )
    if leave.live:
        return {}, remedy
    if site is not None:
        return {"egress": [_NOWHERE], "trust_start_urls": False, "allow_hosts": [site.url]}, remedy
    empty = store / "nothing.wtrec"
    if not empty.exists():
        store.mkdir(parents=True, exist_ok=True)
        write(empty, Content(options=CassetteOptions()), {})
    return {"replay": NoLeaveCassette(empty, remedy)}, remedy


def _check_leave(root: Path, remedy: str) -> None:
    """Fail the test if a task of it went beyond its leave, also where the test expected a failure."""
    file = root / "records.sqlite3"
    if not file.exists():
        return
    with contextlib.closing(TaskRecords(file)) as records:
        tasks = records.tasks(None, None, _LATEST)
    for task in tasks:
        error = task.error
        if error is not None and error.reason == "not-recorded":
            known, _, _ = error.message.partition("; record the cassette again")
            pytest.fail(known if remedy in known else f"{known}: {remedy}", pytrace=False)
        if error is not None and "no leave to ask a model" in error.message:
            pytest.fail(error.message, pytrace=False)


def check_closed(engine: AsyncEngine) -> None:
    """Fail a test that used its engine and did not close it, since a recording is written when it is closed."""
    if engine._loop is not None and not engine._closed:
        pytest.fail("the engine was not closed: write `async with webtasks_async_engine as engine:`", pytrace=False)


class TestSite:
    """A fixture site, behind the drift proxy where ``beautifulsoup4`` is installed.

    Args:
        server: Serves the site.
        proxy: Mutates its answers; None where it cannot.
    """

    __test__ = False  # pytest would take it for tests

    def __init__(self, server: FixtureServer, proxy: DriftProxy | None) -> None:
        self.server = server
        self._proxy = proxy

    @property
    def url(self) -> str:
        """The URL of the start page, with the slash at its end."""
        return self._proxy.url if self._proxy is not None else self.server.url

    @property
    def version(self) -> str:
        """The design that the next request gets: ``v1``, or ``v2``, the redesign."""
        return self.server.version

    @version.setter
    def version(self, version: str) -> None:
        self.server.version = version

    @property
    def seed(self) -> int:
        """The seed of the data: another gives the same pages other data."""
        return self.server.seed

    @seed.setter
    def seed(self, seed: int) -> None:
        self.server.seed = seed

    @property
    def mutation(self) -> Mutation | None:
        """The mutation of ``engine.testing.drift`` that the answers get; None for none."""
        return self._proxy.mutation if self._proxy is not None else None

    @mutation.setter
    def mutation(self, mutation: Mutation | None) -> None:
        if self._proxy is None:
            raise RuntimeError('mutations need beautifulsoup4; install with: pip install "webtasks-engine[testing]"')
        self._proxy.mutation = mutation


@contextlib.contextmanager
def served(request: pytest.FixtureRequest) -> Iterator[TestSite]:
    """Serve the fixture site that the test's marker names."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve(Leave.of(request.node).site))
        proxy = None
        if importlib.util.find_spec("bs4") is not None:
            from engine.testing.drift import DriftProxy

            proxy = stack.enter_context(DriftProxy(server.url))
        yield TestSite(server, proxy)
