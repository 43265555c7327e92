"""The methods of ``task``, from an automation in the jail to its host."""

from __future__ import annotations

import pytest

from engine.testing.conformance import TOOLKIT, ToolkitCheck
from sandbox import GateDecision, Host, Sandbox
from tests.support.jailed import Run
from tests.support.jails import IN_EACH_JAIL

pytestmark = pytest.mark.asyncio(loop_scope="module")


@IN_EACH_JAIL
@pytest.mark.parametrize("check", TOOLKIT, ids=str)
async def test_the_toolkit_does_what_it_promises(sandbox: Sandbox, check: ToolkitCheck) -> None:
    await check(sandbox)


async def test_a_gate_that_is_rehearsed_leaves_the_page_as_it_was(run: Run) -> None:
    class Rehearsal(Host):
        async def gate(self, action: str, key: str | None) -> GateDecision:
            return GateDecision.REHEARSE

    outcome = await run("async with task.irreversible('go'): await page.goto(task.start_url + '2')", host=Rehearsal())
    assert outcome.evidence.title == "Items"


async def test_error_of_a_log_callback_is_raised_by_run(run: Run) -> None:
    class Broken(Host):
        async def log(self, message: str) -> None:
            raise PermissionError("log")

    with pytest.raises(PermissionError):
        await run("task.log('?')\nawait page.wait_for_timeout(5000)", path=None, host=Broken())


async def test_empty_reports_whether_the_message_is_visible(run: Run) -> None:
    outcome = await run("await task.empty(page.locator('.none'))\nreturn []", path="/2")
    assert outcome.evidence.empty == ((".none", True),)
    hidden = await run("await task.empty(page.locator('.none'))\nreturn []")
    assert hidden.error is not None
    assert "not visible" in hidden.error.message
    assert hidden.evidence.empty == ((".none", False),)


async def test_rows_that_code_reads_are_added_up_and_given_back(run: Run) -> None:
    lines = "rows = await task.read(['a', 'b'], 5)\ntask.read(3, 5)\nreturn rows"
    outcome = await run(lines)
    assert (outcome.value, outcome.evidence.examined) == (["a", "b"], (5, 5))
    assert (await run("return []")).evidence.examined is None
    twice = await run("await task.read([1, 2], 3)\nawait task.read([1, 2], 3)")
    assert twice.error is not None
    assert "are rows read twice?" in twice.error.message


async def test_progress_beyond_the_total_is_an_error(run: Run) -> None:
    outcome = await run("await task.progress(6, 5)")
    assert outcome.error is not None
    assert "does the paging end" in outcome.error.message


SHARES = """
import multiprocessing
from multiprocessing.shared_memory import SharedMemory
def count(lock, total, memory):
    for _ in range(50):
        with lock:
            total[0] += 1
    memory.buf[0] = 7
lock, total = multiprocessing.Lock(), multiprocessing.Array("i", [0])
memory = SharedMemory(create=True, size=8)
children = [multiprocessing.Process(target=count, args=(lock, total, memory)) for _ in range(2)]
for child in children:
    child.start()
for child in children:
    child.join()
seen = memory.buf[0]
memory.close()
memory.unlink()
semaphore = multiprocessing.BoundedSemaphore(1)
taken = [semaphore.acquire(timeout=0.2), semaphore.acquire(timeout=0.05)]
return [total[0], seen, *taken, [child.exitcode for child in children]]
"""


async def test_processes_share_locks_and_memory(run: Run) -> None:
    code = SHARES.replace("multiprocessing.Process", 'multiprocessing.get_context("fork").Process')
    for _ in range(2):  # the second run loads the modules anew
        outcome = await run(code)
        assert outcome.value == [100, 7, True, False, [0, 0]], outcome.error
