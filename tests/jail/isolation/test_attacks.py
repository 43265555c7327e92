"""Attacks, each of which works without a jail and fails in every jail, but for weaknesses that `probe` reports."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sandbox import Automation, Egress, Host, PoolOptions, Sandbox, SandboxLimits
from tests.support import attacks
from tests.support.jails import JAILS
from tests.support.world import world

KINDS = ("page", "web")
# Landlock knows of no right to look at a file's name, size and time; and there the host's processes have numbers.
WEAKER = {("landlock", name) for name in ("stat_a_file", "read_a_link", "see_that_a_process_is_there")}


def _tried(mechanism: Any, kind: str, home: Path) -> dict[str, Any]:
    async def run(parameters: dict[str, Any]) -> dict[str, Any]:
        code = attacks.automation(kind)
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

    with world(home, f"conformance-{mechanism}-{kind}") as parameters:
        return asyncio.run(run(parameters))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All attacks without a jail."""
    return _tried("none", "web", tmp_path_factory.mktemp("none"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("jail", JAILS)
def test_attacks_that_work_without_a_jail_fail_in_it(
    jail: str, kind: str, bare: dict[str, Any], tmp_path: Path
) -> None:
    assert failed(bare) == {}
    found = _tried(jail, kind, tmp_path)
    worked = {name for name, (works, *_) in found["results"].items() if works}
    assert worked == {name for weaker, name in WEAKER if weaker == jail}, found["results"]
    assert bare["results"].keys() == {*attacks.ATTACKS, *attacks.WITHOUT_A_BROWSER}
    assert found["results"].keys() == (set(attacks.ATTACKS) if kind == "page" else bare["results"].keys())
    only_allowed_sockets_are_made(jail, kind, found["sockets"], bare["sockets"])
    the_kernel_reports_the_worker_as_confined(found["state"], bare["state"])


def failed(found: dict[str, Any]) -> dict[str, str]:
    """Return the attacks that did not work, and what they met."""
    return {name: detail for name, (worked, detail, _) in found["results"].items() if not worked}


def only_allowed_sockets_are_made(jail: str, kind: str, made: Any, bare: Any) -> None:
    if kind == "web":
        assert made == []
        return
    allowed = {"bubblewrap": {1, 2, 10, 16}, "landlock": {2, 10}}[jail]
    assert {family for family, _ in made} <= allowed
    assert len(made) < len(bare)
    if jail == "landlock":
        assert {kind for _, kind in made} == {1}


def the_kernel_reports_the_worker_as_confined(state: dict[str, Any], bare: dict[str, Any]) -> None:
    assert set(state["environment"]) <= {"HOME", "LANG", "PATH", "PWD", "TMPDIR"}
    assert (state["capabilities"], state["no_new_privileges"], state["seccomp"]) == ("00" * 24, 1, 2)
    assert state["modules"] == []
    assert (bare["no_new_privileges"], bare["seccomp"]) == (0, 0)
