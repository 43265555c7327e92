"""Results of hostile workers in every jail."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox import (
    Automation,
    Egress,
    Host,
    PoolOptions,
    Sandbox,
    SandboxError,
    SandboxLimitExceeded,
    SandboxLimits,
    WorkerDied,
)
from tests.support.warm import LentSandbox

FORGES = """
import asyncio, os, pickle, stat
class Bomb:
    def __reduce__(self):
        return os.system, (f"touch {parameters['mark']}",)
async def run(page, p, task):
    global parameters
    parameters = p
    forged = {
        "garbage": b"garbage\\n",
        "no kind": b'{"t": 1}\\n',
        "pickle": b"\\n".join([pickle.dumps(Bomb()), b""]),
        "not a number": b'{"t": "reply", "id": 1, "value": {"value": "NaN", "error": null, "evidence": {}}}\\n',
        "list of no number": b'{"t": "reply", "id": 1, "value": {"value": "[NaN]", "error": null, "evidence": {}}}\\n',
        "nested": b'{"t": "reply", "id": 1, "value": ' + b"[" * 2000 + b"]" * 2000 + b"}\\n",
        "deep": b'{"t": "reply", "id": 1, "value": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\\n",
        "wrong shape": b'{"t": "gate", "id": 1, "action": 7}\\n',
        "not UTF-8": b'{"t": "log", "message": "\\xff"}\\n',
        "endless": b"x" * (40 << 20),
    }[p["what"]]
    for descriptor in range(3, 100):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.set_blocking(descriptor, True)
                os.write(descriptor, forged)
        except OSError:
            pass
    await asyncio.sleep(10)
"""
# The host reads messages from all jails and both kinds of workers alike: one of them in each shows that it does.
FORGED = [
    *(("bubblewrap", "web", what) for what in ("garbage", "no kind", "not a number", "list of no number", "nested")),
    *(("bubblewrap", "web", what) for what in ("deep", "wrong shape", "not UTF-8", "endless")),
    ("bubblewrap", "page", "pickle"),
    ("landlock", "page", "pickle"),
]
RESULTS = {
    "not a number": "return float('nan')",
    "infinite": "return [1e400]",
    "deep": "x = []\n    for _ in range(100_000): x = [x]\n    return x",
    "itself": "x = []\n    x.append(x)\n    return x",
    "no JSON": "return {1, 2}",
}


async def run(sandbox: Sandbox | LentSandbox, code: str, limits: SandboxLimits, **parameters: Any) -> Any:
    return await sandbox.run(Automation(code), parameters, start_url=None, egress=Egress(), host=Host(), limits=limits)


@pytest.mark.parametrize(("mechanism", "kind", "what"), FORGED)
async def test_invalid_message_ends_the_worker(mechanism: Any, kind: str, what: str, tmp_path: Any) -> None:
    mark = tmp_path / "mark"
    async with Sandbox(isolation=mechanism, pool=PoolOptions(spare=0)) as sandbox:
        code = FORGES.replace("(page,", f"({kind},")
        with pytest.raises(WorkerDied):
            await run(sandbox, code, SandboxLimits(), what=what, mark=str(mark))
    assert not mark.exists()


async def test_result_that_is_not_json_fails_the_automation(warm: LentSandbox) -> None:
    for name, body in RESULTS.items():
        outcome = await run(warm, f"async def run(page, parameters, task):\n    {body}", SandboxLimits())
        assert outcome.error is not None, name
        assert outcome.error.type == "TypeError", name


WRITES = "import os\n    os.set_blocking(1, True)\n    while True: os.write(1, b'y' * 65536)"


@pytest.mark.parametrize("body", ["return 'x' * (60 << 20)", WRITES])
async def test_too_long_output_ends_the_run_under_landlock_too(body: str) -> None:
    """Every way of writing too much is tried under bubblewrap, with the other limits."""
    code, limits = f"async def run(web, parameters, task):\n    {body}", SandboxLimits(output_bytes=1 << 20)
    async with Sandbox(isolation="landlock", pool=PoolOptions(spare=0)) as sandbox:
        with pytest.raises(SandboxError) as caught:
            await run(sandbox, code, limits)
    # A single message that is too long is not read to its end, so that nobody knows what it was.
    if isinstance(caught.value, SandboxLimitExceeded):
        assert caught.value.limit == "output_bytes"
    else:
        assert "longer than the limit" in str(caught.value)


async def test_valid_result_is_accepted(warm: LentSandbox) -> None:
    value = {"text": "x" * 100_000, "deep": json.loads("[" * 50 + "]" * 50), "number": 1.5}
    outcome = await run(warm, "async def run(page, parameters, task):\n    return parameters", SandboxLimits(), **value)
    assert outcome.value == value


async def test_result_of_many_parts_is_accepted(warm: LentSandbox) -> None:
    body = "return [{'n': n, 'e': []} for n in range(300_000)]"
    outcome = await run(warm, f"async def run(page, parameters, task):\n    {body}", SandboxLimits())
    assert outcome.error is None
    assert outcome.value[-1] == {"n": 299_999, "e": []}
    assert len(outcome.value) == 300_000
