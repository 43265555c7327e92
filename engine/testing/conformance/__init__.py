"""Checks for people who write another isolation, or another sandbox: the same that the project's own have to pass.

Two lists. `attack` runs hostile code, and returns what worked: in a jail nothing may, but what is known and told. Run
it once without a jail, too: an attack that fails there shows nothing here. `TOOLKIT` are checks of ``task``, the
automation's door to its host: each raises `AssertionError` where the sandbox breaks the contract.

    from engine.testing.conformance import TOOLKIT, attack

    async def test_attacks(tmp_path):
        async with MySandbox() as sandbox:
            assert (await attack(sandbox, tmp_path, "page")).worked == set()

    @pytest.mark.parametrize("check", TOOLKIT, ids=str)
    async def test_toolkit(check):
        async with MySandbox() as sandbox:
            await check(sandbox)
"""

from engine.testing.conformance.attacking import AnySandbox, Attempted, Attempts, attack
from engine.testing.conformance.toolkit import TOOLKIT, ToolkitCheck

__all__ = ["TOOLKIT", "AnySandbox", "Attempted", "Attempts", "ToolkitCheck", "attack"]
