"""Attacks, each of which works without a jail and fails in every jail, but for weaknesses that `probe` reports."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from engine.testing.conformance import Attempts, attack
from engine.testing.conformance.attacks import ATTACKS, WITHOUT_A_BROWSER
from sandbox import PoolOptions, Sandbox
from tests.support.jails import JAILS

KINDS = ("page", "web")
# Landlock knows of no right to look at a file's name, size and time; and there the host's processes have numbers.
WEAKER = {("landlock", name) for name in ("stat_a_file", "read_a_link", "see_that_a_process_is_there")}


def _tried(mechanism: Any, kind: Any, home: Path) -> Attempts:
    async def run() -> Attempts:
        async with Sandbox(isolation=mechanism, pool=PoolOptions(spare=0)) as sandbox:
            return await attack(sandbox, home, kind)

    return asyncio.run(run())


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Attempts:
    """All attacks without a jail."""
    return _tried("none", "web", tmp_path_factory.mktemp("none"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("jail", JAILS)
def test_attacks_that_work_without_a_jail_fail_in_it(jail: str, kind: str, bare: Attempts, tmp_path: Path) -> None:
    assert bare.failed == {}
    found = _tried(jail, kind, tmp_path)
    assert found.worked == {name for weaker, name in WEAKER if weaker == jail}, found.results
    assert bare.results.keys() == {*ATTACKS, *WITHOUT_A_BROWSER}
    assert found.results.keys() == (set(ATTACKS) if kind == "page" else bare.results.keys())
    only_allowed_sockets_are_made(jail, kind, found.sockets, bare.sockets)
    the_kernel_reports_the_worker_as_confined(found.state, bare.state)


def only_allowed_sockets_are_made(jail: str, kind: str, made: Any, bare: Any) -> None:
    if kind == "web":
        assert made == set()
        return
    allowed = {"bubblewrap": {1, 2, 10, 16}, "landlock": {2, 10}}[jail]
    assert {family for family, _ in made} <= allowed
    assert len(made) < len(bare)
    if jail == "landlock":
        assert {kind for _, kind in made} == {1}


def the_kernel_reports_the_worker_as_confined(state: Any, bare: Any) -> None:
    assert set(state["environment"]) <= {"HOME", "LANG", "PATH", "PWD", "TMPDIR"}
    assert (state["capabilities"], state["no_new_privileges"], state["seccomp"]) == ("00" * 24, 1, 2)
    assert state["modules"] == []
    assert (bare["no_new_privileges"], bare["seccomp"]) == (0, 0)
