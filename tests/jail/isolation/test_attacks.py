"""Attacks, each of which works without a jail and fails in every jail, but for weaknesses that `probe` reports."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path
from typing import Any

import pytest

from sandbox import Automation, Egress, Host, PoolOptions, Sandbox, SandboxLimits
from tests.support import attacks
from tests.support.jails import JAILS
from tests.support.world import world

# Landlock knows of no right to look at a file's name, size and time; and there the host's processes have numbers.
WEAKER = {("landlock", name) for name in ("stat_a_file", "read_a_link", "see_that_a_process_is_there")}


@functools.cache
def _tried(mechanism: Any, directory: Path) -> dict[str, Any]:
    async def run(parameters: dict[str, Any]) -> dict[str, Any]:
        code = Path(attacks.__file__).read_text()
        async with Sandbox(isolation=mechanism, pool=PoolOptions(spare=0)) as sandbox:
            outcome = await sandbox.run(
                Automation(code),
                parameters,
                start_url=None,
                egress=Egress(),
                host=Host(),
                limits=SandboxLimits(wall_seconds=60),
            )
        assert outcome.ok, outcome.error
        value: dict[str, Any] = outcome.value
        return value

    home = directory / mechanism
    home.mkdir()
    with world(home, f"conformance-{mechanism}") as parameters:
        return asyncio.run(run(parameters))


@pytest.fixture
def tried(tmp_path_factory: pytest.TempPathFactory) -> Any:
    base = tmp_path_factory.getbasetemp() / "attacks"
    base.mkdir(exist_ok=True)
    return lambda mechanism: _tried(mechanism, base)


@pytest.mark.parametrize("name", attacks.ATTACKS)
def test_attack_works_without_a_jail(tried: Any, name: str) -> None:
    worked, detail, _ = tried("none")["results"][name]
    assert worked, detail


@pytest.mark.parametrize("jail", JAILS)
@pytest.mark.parametrize("name", attacks.ATTACKS)
def test_attack_fails_in_the_jail(tried: Any, jail: str, name: str) -> None:
    worked, detail, _ = tried(jail)["results"][name]
    assert worked is ((jail, name) in WEAKER), detail


@pytest.mark.parametrize("jail", JAILS)
def test_sockets_of_other_families_are_refused(tried: Any, jail: str) -> None:
    allowed = {"bubblewrap": {1, 2, 10, 16}, "landlock": {2, 10}}[jail]
    made = tried(jail)["sockets"]
    assert {family for family, _ in made} <= allowed
    assert len(made) < len(tried("none")["sockets"])
    if jail == "landlock":
        assert {kind for _, kind in made} == {1}


@pytest.mark.parametrize("jail", JAILS)
def test_kernel_reports_the_worker_as_confined(tried: Any, jail: str) -> None:
    state = tried(jail)["state"]
    assert set(state["environment"]) <= {"HOME", "LANG", "PATH", "PWD", "TMPDIR"}
    assert (state["capabilities"], state["no_new_privileges"], state["seccomp"]) == ("00" * 24, 1, 2)
    assert state["modules"] == []
    bare = tried("none")["state"]
    assert (bare["no_new_privileges"], bare["seccomp"]) == (0, 0)
