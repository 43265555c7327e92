"""A secret parameter's value is found nowhere: not in the store, the recordings, the events or the git objects."""

import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from engine import AsyncEngine
from engine.testing import ScriptedModel
from fixtures_sites import FixtureServer
from sandbox import PoolOptions
from tests.support.saved import TASK
from tests.support.stage import Stage


def contents(directory: Path) -> dict[str, bytes]:
    """Every file, git's objects unpacked."""
    found = {}
    for path in directory.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if "objects" in path.parts and len(path.parent.name) == 2:
                data = zlib.decompress(data)
            found[str(path)] = data
    return found


async def test_a_password_is_written_nowhere(stage: Callable[[str], Stage]) -> None:
    s = stage("ledger")
    password = s.scenario.parameters["password"]
    for result in (await s.run("explore"), await s.run(parameters=s.scenario.other_parameters)):
        assert result.ok, result.error
    s.site.version = "v2"
    failed = await s.run(ai="never", parameters=s.scenario.other_parameters | {"password": password + "-wrong"})
    assert not failed.ok
    kept = contents(s.store) | contents(s.scenario.recordings)
    kept["events"] = "\n".join(str(event.to_json()) for event in s.events).encode()
    kept["results"] = str((failed, failed.to_wire())).encode()
    assert len(kept) > 20
    for spelled in (password, quote(password), password.encode().hex()):
        for name, data in kept.items():
            assert spelled.encode() not in data, name


async def test_no_beginning_of_a_secret_is_left_where_something_is_cut(tmp_path: Path, site: FixtureServer) -> None:
    secret = "hunter2-and-much-more"
    cut = "print('x' * 2990 + parameters['password'] + 'y' * 3000)"
    link = (
        "await page.evaluate(\"s => { document.body.innerHTML = `<a href='/` + 'z'.repeat(110) + `?${s}'>Go</a>` }\", "
    )
    model = ScriptedModel(
        [("python", {"code": cut}), ("python", {"code": link + "parameters['password'])"}), ("look", {})],
        [("python", {"code": "raise ValueError('x' * 590 + parameters['password'] + 'y' * 500)"})],
        [("give_up", {"reason": "impossible", "message": "it was a test"})],
    )
    async with AsyncEngine(store=tmp_path, model=model, pool=PoolOptions(spare=0)) as engine:
        await engine.run(TASK, start_url=site.url + "list", parameters={"password": secret}, reuse_key="k")
    told = str([request.messages for request in model.requests])
    assert "[secret:password]" in told
    assert "yyyy" in told
    assert secret[:4] not in told
