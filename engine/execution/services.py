"""The parts of one task that each execution of its automation uses."""

from __future__ import annotations

from dataclasses import dataclass

from engine.execution.pictures import Pictures
from engine.execution.traces import Traces
from engine.models.budget import ModelBudget
from engine.storage.tasks import TaskRecords
from engine.task.events import EventLog
from engine.task.redaction import Redactor


@dataclass(frozen=True)
class TaskServices:
    """The parts of one task that its executions, its gate and its model share.

    Args:
        task_id: The task; names entries of the journal and directories of files.
        records: Tasks, journal, spending and run history of the workspace.
        events: Takes the task's events.
        redactor: Hides the task's secrets.
        pictures: Keeps pictures of pages.
        traces: Keeps Playwright's traces of runs.
        budget: Pays for the model; None where no model may be asked (``ai="never"``).
    """

    task_id: str
    records: TaskRecords
    events: EventLog
    redactor: Redactor
    pictures: Pictures
    traces: Traces
    budget: ModelBudget | None = None
