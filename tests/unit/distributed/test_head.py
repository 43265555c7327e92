"""A cluster without Ray: all of its parts in one process, and nodes that are lost at chosen moments."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine.distributed.files import write_files
from engine.errors import EngineError, StoreError
from engine.storage.tasks import TaskRecords
from engine.task.outputs import FileResult
from engine.testing import ScriptedModel, outcome
from sandbox import Evidence, GateDecision, Host, Outcome
from tests.unit.distributed.conftest import NewCluster, OneProcessCluster

PAGE = Evidence(url="http://127.0.0.1:9/", text="Orders", status=200, documents=(("http://127.0.0.1:9/", 200),))
_LONG = 60.0  # seconds, so that a fault hangs no test
GOOD = outcome({"state": "placed"}, evidence=PAGE)


async def order(host: Host) -> Outcome:
    assert await host.gate("place the order", "1") == GateDecision.GO
    await host.gate_closed("place the order", "1", None)
    return GOOD


class Held:
    """A run that waits, in another thread's loop, until the test lets it go on."""

    def __init__(self, then: Callable[[Host], Awaitable[Outcome]]) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.over = threading.Event()
        self.ended: list[object] = []
        self._then = then

    async def __call__(self, host: Host) -> Outcome:
        self.reached.set()
        await asyncio.to_thread(self.go_on.wait, _LONG)
        try:
            result = await self._then(host)
        except EngineError as error:
            self.ended.append(error)
            raise
        finally:
            self.over.set()
        return result


async def happened(event: threading.Event) -> None:
    """Wait for what another thread does."""
    assert await asyncio.to_thread(event.wait, _LONG)


async def lose(cluster: OneProcessCluster, held: Held) -> None:
    """Take the node of a held run for dead."""
    await happened(held.reached)
    cluster.handles[-1].lost.set()


async def test_a_task_runs_on_a_node_and_is_recorded_at_the_head(cluster: NewCluster) -> None:
    one = cluster(order, order)
    first, second = [await one.run(parameters={"n": n}) for n in (1, 2)]
    assert (first.output, first.effect, second.effect) == ({"state": "placed"}, "performed", "performed")
    assert await one.head.result(first.web_task_id) == first
    assert first.reuse is not None
    assert (first.reuse.used, len(one.handles)) == (True, 1), "both ran in the key's one process"
    with closing(TaskRecords(one.root / "records.sqlite3")) as records:
        assert "task.completed" in (records.trace(first.web_task_id) or "")


async def test_a_task_whose_node_dies_runs_again_and_the_lost_run_passes_no_gate(cluster: NewCluster) -> None:
    held = Held(order)
    one = cluster(held, order)
    running = asyncio.ensure_future(one.run())
    await lose(one, held)
    result = await running
    assert (result.ok, result.effect, len(one.handles), one.handles[0].killed) == (True, "performed", 2, True)
    held.go_on.set()
    await happened(held.over)
    assert isinstance(held.ended[0], StoreError)
    assert "nothing irreversible is let through" in str(held.ended[0])


async def test_a_task_that_acted_before_its_node_died_is_not_run_again(cluster: NewCluster) -> None:
    acted, hold = threading.Event(), threading.Event()

    async def act(host: Host) -> Outcome:
        await host.gate("place the order", "1")
        acted.set()
        await asyncio.to_thread(hold.wait, _LONG)
        return GOOD

    one = cluster(act)
    running = asyncio.ensure_future(one.run())
    await happened(acted)
    one.handles[0].lost.set()
    result = await running
    hold.set()
    assert result.error is not None
    assert (result.error.reason, result.effect, len(one.handles)) == ("interrupted", "unknown", 1)
    assert "'place the order'" in result.error.message


async def test_a_request_may_forbid_that_it_is_run_again(cluster: NewCluster) -> None:
    held = Held(order)
    one = cluster(held)
    running = asyncio.ensure_future(one.run(if_interrupted="fail"))
    await lose(one, held)
    result = await running
    held.go_on.set()
    assert result.error is not None
    assert (result.error.reason, result.effect) == ("interrupted", "none")


async def test_nothing_irreversible_is_let_through_while_the_records_cannot_be_reached(cluster: NewCluster) -> None:
    async def act(host: Host) -> Outcome:
        one.cut = True
        try:
            await host.gate("place the order", "1")
        finally:
            one.cut = False
        raise AssertionError("it was let through")

    one = cluster(act)
    result = await one.run()
    assert result.error is not None
    assert (result.error.reason, result.effect) == ("store", "none")


async def test_runs_of_one_key_do_not_overlap_and_those_of_others_do(cluster: NewCluster) -> None:
    runs = [Held(order) for _ in range(3)]
    one = cluster(*runs, keys=("k", "other"))
    first = asyncio.ensure_future(one.run())
    await happened(runs[0].reached)
    second = asyncio.ensure_future(one.run())
    third = asyncio.ensure_future(one.run(reuse_key="other"))
    await happened(runs[1].reached)  # of the other key
    assert not runs[2].reached.is_set()
    runs[1].go_on.set()
    assert (await third).reuse_key == "other"
    runs[0].go_on.set()
    runs[2].go_on.set()
    assert [result.ok for result in (await first, await second)] == [True, True]


async def test_an_idle_process_makes_room_where_all_slots_are_taken(cluster: NewCluster) -> None:
    one = cluster(order, order, order, keys=("k", "other"), slots=1)
    for key in ("k", "other", "k"):
        assert (await one.run(reuse_key=key)).ok
    assert [handle.killed for handle in one.handles] == [True, True, False]
    assert one.handles[2].node == one.handles[0].node, "near where the key ran before"


async def test_a_canceled_task_ends_on_its_node(cluster: NewCluster) -> None:
    held = Held(order)
    one = cluster(held)
    task_id = await one.start()
    await happened(held.reached)
    canceled = await one.head.cancel(task_id)
    held.go_on.set()
    assert (canceled.status, canceled.effect) == ("canceled", "none")
    assert (await one.head.result(task_id)).status == "canceled"


async def test_large_results_and_files_come_to_the_store(cluster: NewCluster) -> None:
    rows = [{"text": "x" * 1000} for _ in range(100)]

    async def download(host: Host) -> Outcome:
        async def chunks():  # type: ignore[no-untyped-def]  # an iterator of bytes
            yield b"%PDF"

        saved = await host.download("report.pdf", "application/pdf", None, chunks())
        return outcome([{**row, "file": saved["path"]} for row in rows], evidence=PAGE)

    one = cluster(download)
    result = await one.run()
    assert isinstance(result.result, FileResult)
    path = Path(result.output[0]["file"])
    assert path.read_bytes() == b"%PDF"
    assert path.is_relative_to(one.root)
    assert not list((one.directory).glob(f"webtasks-*/**/{result.web_task_id}*")), "nothing stays on the node"


async def test_a_new_head_runs_what_an_earlier_one_left(cluster: NewCluster) -> None:
    held = Held(order)
    one = cluster(held, order)
    one.head.configure(one.settings)
    task_id = await one.start()
    await happened(held.reached)
    await one.head.stop()
    held.go_on.set()
    one.head = one.new_head()
    await one.head.open()
    assert (await one.head.ended(task_id)).ok
    assert (one.root / "cluster.json").stat().st_mode & 0o077 == 0


async def test_caps_of_dollars_hold_over_all_nodes(cluster: NewCluster) -> None:
    """Each call costs 0.01 dollars and reserves 0.02."""
    model = ScriptedModel(*[[("give_up", {"reason": "site-broken", "message": "it is gone"})]] * 2)
    one = cluster(keys=(), model=model, usd_per_day=0.025)
    first, second = [await one.run(reuse_key=key, ai="auto") for key in ("a", "b")]
    assert first.error is not None
    assert second.error is not None
    assert (first.error.reason, second.error.code) == ("site-broken", "no-ai-credits-left")
    assert [handle.node for handle in one.handles] == ["node0", "node1"]
    assert len(model.requests) == 1


async def test_secrets_are_in_no_file_of_the_store(cluster: NewCluster) -> None:
    given = {"n": 1, "password": "hunter2hunter2"}
    one = cluster(order, parameters=given)
    one.head.configure(one.settings)
    result = await one.run(parameters=given)
    assert result.ok, result.error
    assert not [path for path in one.directory.rglob("*") if path.is_file() and b"hunter2hunter2" in path.read_bytes()]


def test_files_from_another_machine_stay_in_their_directories(tmp_path: Path) -> None:
    for name in ("../x", "/etc/x", "files/wt_2/x", "files/wt_1/../../x", "bundles/k/x", "files/wt_1"):
        with pytest.raises(StoreError):
            write_files(tmp_path, "wt_1", {name: lambda: b""})
    assert not list(tmp_path.iterdir())
