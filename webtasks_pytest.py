"""The pytest plugin of webtasks-engine, outside the package, so that a test run that uses none of it imports nothing.

All that costs time is in ``engine.testing.plugin``, which the first fixture that is used imports.
"""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from engine import AsyncEngine, Engine
    from engine.testing.plugin import TestSite

_MARKER = """\
webtasks(recording=None, model=False, live=False, site="directory"): what a test with webtasks_engine may reach. \
recording: the cassette it plays, from the root directory, in which {test} stands for the test's name; \
model: the model may be asked, while recording or live; live: no cassette, but the network; \
site: the fixture site that webtasks_site serves."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and settings."""
    group = parser.getgroup("webtasks", "web tasks")
    group.addoption(
        "--webtasks-record",
        choices=("none", "new", "all"),
        default="none",
        help="Record cassettes of tests: none (default), those that are not there, or all anew.",
    )
    parser.addini(
        "webtasks_bundles", "Directory of automations as plain files, which webtasks_engine has.", type="string"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker."""
    config.addinivalue_line("markers", _MARKER)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to record several tests into one cassette, of which the last would be left."""
    if config.getoption("--webtasks-record") == "none":
        return
    _check_engine()
    from engine.testing.plugin import check_recordings

    check_recordings(items)


@pytest.fixture
def webtasks_engine_options() -> dict[str, Any]:
    """Further options of the engine, such as a ``ScriptedModel``: override this fixture to give some."""
    return {}


@pytest.fixture
def webtasks_engine(
    request: pytest.FixtureRequest, webtasks_engine_options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """An ``Engine`` on a store of its own, with the automations of the setting ``webtasks_bundles``.

    It reaches what the marker ``webtasks`` lets it, and asks no model unless that or ``ai=`` says so.
    """
    _check_engine()
    from engine import Engine
    from engine.testing.plugin import opened

    with opened(Engine, request, webtasks_engine_options, tmp_path_factory) as engine:
        yield engine
        engine.close()


@pytest.fixture
def webtasks_async_engine(
    request: pytest.FixtureRequest, webtasks_engine_options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AsyncEngine]:
    """The same as an ``AsyncEngine``, which the test enters: ``async with webtasks_async_engine as engine:``."""
    _check_engine()
    from engine import AsyncEngine
    from engine.testing.plugin import check_closed, opened

    with opened(AsyncEngine, request, webtasks_engine_options, tmp_path_factory) as engine:
        yield engine
        check_closed(engine)


@pytest.fixture
def webtasks_site(request: pytest.FixtureRequest) -> Iterator[TestSite]:
    """A fixture site on loopback, which can be redesigned, given other data, and mutated while it is served."""
    _check_engine()
    from engine.testing.plugin import served

    with served(request) as site:
        yield site


def _check_engine() -> None:
    """Name a package ``engine`` of the tested project, which pytest may have put first on the path."""
    version = Path(__file__).with_name("engine") / "version.py"
    runpy.run_path(str(version))["check_package"]("engine")
