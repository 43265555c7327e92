"""The states of a queued task: allowed transitions, and the effect of stopping it in each state."""

from __future__ import annotations

import asyncio

import pytest

from engine import TaskRequest, TaskResult
from engine.scheduling.queued import QueuedTask, RunControl, RunEnd
from engine.scheduling.states import TASK_TRANSITIONS, StopReason, TaskState


class Work:
    """A task that only notes whether it was released."""

    task_id = "wt_1"
    request = TaskRequest(task="List the entries", reuse_key="k")
    released = False

    async def run(self, control: RunControl) -> RunEnd:
        raise NotImplementedError

    async def announce_waiting(self, position: int | None) -> None: ...

    def release(self) -> None:
        self.released = True


def queued() -> QueuedTask:
    task = QueuedTask(Work(), durable=False)
    task.enqueued()
    return task


async def running(*, canceled: bool = False) -> tuple[QueuedTask, asyncio.Event]:
    """A task whose run waits, after it settled where the event is set."""
    task, settle = queued(), asyncio.Event()

    async def run() -> None:
        task.begin()
        await settle.wait()
        task.settle()
        await asyncio.sleep(0)

    if canceled:
        task.cancel()
    task.claimed(asyncio.create_task(run()))
    if not canceled:
        await asyncio.sleep(0)
    return task, settle


def test_every_state_leads_to_the_end() -> None:
    assert set(TASK_TRANSITIONS) == set(TaskState)
    reached = {TaskState.ENTERING}
    for _ in TaskState:
        reached |= {after for state in reached for after in TASK_TRANSITIONS[state]}
    assert reached == set(TaskState)
    assert [state for state, after in TASK_TRANSITIONS.items() if not after] == [TaskState.ENDED]


async def test_transition_outside_the_table_is_refused() -> None:
    task = queued()
    with pytest.raises(RuntimeError, match="wt_1 cannot go from QUEUED to RUNNING"):
        task.begin()
    task.end(None)
    with pytest.raises(RuntimeError, match="from ENDED"):
        task.end(None)


async def test_task_claimed_before_it_is_known_to_be_queued_stays_claimed() -> None:
    task, _ = await running()
    task.enqueued()
    assert task.state is TaskState.RUNNING
    assert task.execution is not None
    task.execution.cancel()


async def test_task_that_never_ran_is_released_at_its_end() -> None:
    task = queued()
    task.end(None)
    assert isinstance(task.work, Work)
    assert task.work.released
    assert task.done.cancelled()


async def test_run_stopped_before_its_first_step_is_canceled_once_it_has_begun() -> None:
    task, _ = await running(canceled=True)
    assert task.execution is not None
    await asyncio.wait([task.execution])
    assert task.execution.cancelled()
    assert task.state is TaskState.STOPPING


async def test_settled_run_is_not_canceled() -> None:
    task, settle = await running()
    settle.set()
    await asyncio.sleep(0)
    assert task.state is TaskState.SETTLED
    task.cancel()
    assert task.execution is not None
    await task.execution
    task.end(TaskResult(web_task_id="wt_1", status="completed", created_at="2026-01-01T00:00:00Z"))  # type: ignore[arg-type]  # it is parsed
    assert task.done.result().status == "completed"


async def test_run_that_is_being_stopped_cannot_settle() -> None:
    task, _ = await running()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        task.settle()


async def test_cancellation_outweighs_a_handover() -> None:
    for reasons in (StopReason.CANCELED, StopReason.HANDED_OVER), (StopReason.HANDED_OVER, StopReason.CANCELED):
        task = queued()
        for reason in reasons:
            task.stop(reason)
        assert task.stop_reason is StopReason.CANCELED


async def test_claimed_task_ends_where_the_event_loop_shuts_down_before_its_run() -> None:
    task = queued()
    task.claimed(asyncio.create_task(asyncio.sleep(0)))
    assert task.execution is not None
    task.execution.cancel()  # as asyncio.run does; the run never begins
    task.end(None)
    assert task.state is TaskState.ENDED
    assert task.done.cancelled()
