"""The methods of ``task``, from an automation in the jail to its host."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import GateDecision, Host
from tests.support.jailed import Run
from tests.support.jails import IN_EACH_JAIL

pytestmark = pytest.mark.asyncio(loop_scope="module")


ORDER = """
async with task.irreversible("place the order", key="7"):
    await page.goto(task.start_url + "2")
    if parameters.get("broken"): raise ValueError("late")
return await page.title()
"""


class Gatekeeper(Host):
    def __init__(self, decision: GateDecision) -> None:
        self.decision = decision
        self.calls: list[Any] = []

    async def gate(self, action: str, key: str | None) -> GateDecision:
        self.calls.append((action, key))
        return self.decision

    async def gate_closed(self, action: str, key: str | None, error: str | None) -> None:
        self.calls.append((action, key, error))


@IN_EACH_JAIL
async def test_irreversible_block_runs_where_the_host_allows_it(run: Run) -> None:
    host = Gatekeeper(GateDecision.GO)
    assert (await run(ORDER, host=host)).value == "Second"
    assert host.calls == [("place the order", "7"), ("place the order", "7", None)]


async def test_error_in_an_irreversible_block_is_reported_to_the_host(run: Run) -> None:
    host = Gatekeeper(GateDecision.GO)
    outcome = await run(ORDER, host=host, parameters={"broken": True})
    assert outcome.error is not None
    assert outcome.error.type == "ValueError"
    assert host.calls[1] == ("place the order", "7", "ValueError: late")


@pytest.mark.parametrize(("decision", "kind"), [(GateDecision.REHEARSE, "rehearsal"), (GateDecision.REFUSE, "gate")])
@pytest.mark.parametrize("swallow", ["Exception", "BaseException"])
async def test_refused_gate_stops_the_run_even_if_the_automation_catches_it(
    run: Run, decision: GateDecision, kind: str, swallow: str
) -> None:
    host = Gatekeeper(decision)
    body = "try:\n" + "".join(f"    {line}\n" for line in ORDER.strip().splitlines()) + f"except {swallow}: pass"
    outcome = await run(body, host=host)
    assert outcome.error is not None
    assert outcome.error.kind == kind
    assert outcome.evidence.title == "Items"
    assert host.calls == [("place the order", "7")]


async def test_default_host_refuses_irreversible_actions(run: Run) -> None:
    outcome = await run(ORDER)
    assert outcome.error is not None
    assert outcome.error.kind == "gate"


async def test_ask_passes_the_question_to_the_host(run: Run) -> None:
    class Clerk(Host):
        async def ask(self, prompt: str, content: str, schema: dict[str, Any] | None) -> Any:
            return {"prompt": prompt, "length": len(content), "schema": schema}

    outcome = await run("return await task.ask('which?', 'x' * 3000, {'type': 'object'})", path=None, host=Clerk())
    assert outcome.value == {"prompt": "which?", "length": 3000, "schema": {"type": "object"}}


async def test_refused_question_can_be_handled(run: Run) -> None:
    refused = (await run("return await task.ask('which?', '')", path=None)).error
    assert refused is not None
    assert (refused.kind, refused.type) == ("ask", "AskRefused")
    body = "from sandbox.toolkit import AskRefused\ntry: await task.ask('?', '')\nexcept AskRefused as e: return str(e)"
    assert (await run(body, path=None)).value == "this host does not support task.ask"


async def test_error_of_a_host_callback_is_raised_by_run(run: Run) -> None:
    class Broken(Host):
        async def ask(self, prompt: str, content: str, schema: dict[str, Any] | None) -> Any:
            raise LookupError("the caller's own")

        async def log(self, message: str) -> None:
            raise PermissionError("log")

    with pytest.raises(LookupError, match="the caller's own"):
        await run("await task.ask('?', '')", path=None, host=Broken())
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
