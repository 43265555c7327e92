"""The states of a queued task and of the scheduler, and the transitions that each allows."""

from __future__ import annotations

from enum import Enum, auto


class TaskState(Enum):
    """The states of a task in an engine's scheduler."""

    ENTERING = auto()  # being written to the records
    QUEUED = auto()  # in the records
    WAITING = auto()  # in the records, and its wait was announced
    CLAIMED = auto()  # this engine's to run; canceled before its first step, a run would not record its end
    RUNNING = auto()
    SETTLED = auto()  # its bundle or its record is about to change: too late to stop it
    STOPPING = auto()  # its run was canceled and is cleaning up
    ENDED = auto()


TASK_TRANSITIONS = {
    TaskState.ENTERING: {TaskState.QUEUED, TaskState.CLAIMED, TaskState.ENDED},
    TaskState.QUEUED: {TaskState.WAITING, TaskState.CLAIMED, TaskState.ENDED},
    TaskState.WAITING: {TaskState.CLAIMED, TaskState.ENDED},
    TaskState.CLAIMED: {TaskState.RUNNING, TaskState.ENDED},  # ended where the event loop shuts down before the run
    TaskState.RUNNING: {TaskState.SETTLED, TaskState.STOPPING, TaskState.ENDED},
    TaskState.SETTLED: {TaskState.ENDED},
    TaskState.STOPPING: {TaskState.ENDED},
    TaskState.ENDED: set[TaskState](),
}


class SchedulerState(Enum):
    """The states of a scheduler."""

    NEW = auto()
    OPEN = auto()  # claims tasks and runs them
    DRAINING = auto()  # runs what it has claimed, and claims nothing more
    CLOSED = auto()  # takes nothing in


SCHEDULER_TRANSITIONS = {
    SchedulerState.NEW: {SchedulerState.OPEN, SchedulerState.DRAINING, SchedulerState.CLOSED},
    SchedulerState.OPEN: {SchedulerState.DRAINING, SchedulerState.CLOSED},
    SchedulerState.DRAINING: {SchedulerState.CLOSED},
    SchedulerState.CLOSED: set[SchedulerState](),
}


class StopReason(Enum):
    """The reason for stopping a run; it decides what the records say of the task after."""

    CANCELED = auto()
    HANDED_OVER = auto()  # the engine closes: another may run the task, where running it again is safe
